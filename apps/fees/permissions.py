"""Who may see and move the school's money."""

VIEW_FEES = "fees.view_fees"
MANAGE_FEES = "fees.manage_fees"
POST_BILLING_RUN = "fees.post_billing_run"
REFUND = "fees.refund"
RECORD_PAYMENT = "fees.record_payment"
VIEW_REPORTS = "fees.view_reports"

_MONEY = ("admin", "bursar")

GRANTS: dict[str, tuple[str, ...]] = {
    VIEW_FEES: ("admin", "bursar", "office"),
    MANAGE_FEES: _MONEY,
    POST_BILLING_RUN: _MONEY,
    REFUND: _MONEY,
    RECORD_PAYMENT: _MONEY,
    VIEW_REPORTS: _MONEY,
}
