"""Who may see payments, give money back, look after the books, gateways and held payers."""

VIEW_PAYMENTS = "payments.view_payments"
REFUND_PAYMENTS = "payments.refund_payments"
RECONCILE_PAYMENTS = "payments.reconcile_payments"
# Releasing a refund that somebody else asked for and that is above the school's limit.
APPROVE_REFUNDS = "payments.approve_refunds"
MANAGE_ACCOUNTS = "payments.manage_accounts"
DECIDE_HOLDS = "payments.decide_holds"
VIEW_AUDIT = "payments.view_audit"

GRANTS: dict[str, tuple[str, ...]] = {
    VIEW_PAYMENTS: ("admin", "bursar"),
    REFUND_PAYMENTS: ("admin", "bursar"),
    RECONCILE_PAYMENTS: ("admin", "bursar"),
    APPROVE_REFUNDS: ("admin", "bursar"),
    MANAGE_ACCOUNTS: ("admin",),
    DECIDE_HOLDS: ("admin", "bursar"),
    VIEW_AUDIT: ("admin", "bursar"),
}
