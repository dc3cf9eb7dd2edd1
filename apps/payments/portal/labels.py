"""How statuses read and look on pages."""

from __future__ import annotations

from collections.abc import Iterable

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from apps.payments.contracts import ApprovalInfo, DisputeInfo, RefundInfo
from apps.payments.services.timeline import reason_text

Label = tuple[str | Promise, str]

STATUS: dict[str, Label] = {
    "initiated": (_("Started"), "muted"),
    "pending": (_("Waiting for the payer"), "info"),
    "processing": (_("Being confirmed"), "info"),
    "captured": (_("Paid"), "ok"),
    "partially_refunded": (_("Partly refunded"), "warn"),
    "refunded": (_("Refunded"), "muted"),
    "reversed": (pgettext_lazy("payment", "Taken back"), "muted"),
    "disputed": (_("Disputed"), "bad"),
    "dispute_lost": (_("Dispute lost"), "bad"),
    "declined": (_("Declined"), "bad"),
    "cancelled": (pgettext_lazy("payment", "Cancelled"), "muted"),
    "expired": (_("Expired"), "muted"),
    "unknown": (_("Unclear"), "warn"),
}
REFUND: dict[str, Label] = {
    "waiting_approval": (_("Waits for a second person"), "warn"),
    "requested": (_("Requested"), "info"),
    "pending": (_("On its way"), "info"),
    "succeeded": (_("Made"), "ok"),
    "failed": (_("Failed"), "bad"),
    "ignored": (_("Not booked"), "muted"),
}
DISPUTE: dict[str, Label] = {
    "open": (_("Answer it"), "bad"),
    "under_review": (_("The bank decides"), "info"),
    "won": (_("Won"), "ok"),
    "lost": (_("Lost"), "bad"),
    "inquiry": (_("Inquiry: answer it"), "warn"),
    "inquiry_answered": (_("Inquiry: answered"), "info"),
    "inquiry_closed": (_("Inquiry: closed"), "muted"),
}
EXCEPTION: dict[str, Label] = {
    "open": (pgettext_lazy("exception", "Open"), "bad"),
    "accepted": (_("Left as it is"), "muted"),
    "resolved": (_("Put right"), "ok"),
}
RUN: dict[str, Label] = {
    "queued": (_("Waiting"), "info"),
    "running": (_("Comparing"), "info"),
    "done": (_("Done"), "ok"),
    "failed": (_("Failed"), "bad"),
}
PAYOUT: dict[str, Label] = {
    "pending": (_("Planned"), "info"),
    "in_transit": (_("On its way"), "info"),
    "paid": (_("Paid out"), "ok"),
    "failed": (_("Came back"), "bad"),
}
STATEMENT: dict[str, Label] = {
    "preview": (_("To look at"), "info"),
    "imported": (_("Imported"), "ok"),
    "discarded": (_("Discarded"), "muted"),
}
LINE: dict[str, str | Promise] = {
    "charge": _("Payment"),
    "charge_failure": _("Payment that failed after all"),
    "refund": _("Refund"),
    "refund_failure": _("Refund that came back"),
    "dispute": _("Dispute"),
    "dispute_reversal": _("Dispute won"),
    "fee": _("Fee"),
    "other": _("Other"),
}
APPROVAL: dict[str, Label] = {
    "waiting": (_("Waits for a second person"), "warn"),
    "approved": (_("Approved"), "ok"),
    "declined": (pgettext_lazy("approval", "Declined"), "bad"),
    "withdrawn": (_("Taken back"), "muted"),
    "expired": (_("Not decided in time"), "muted"),
}
EVENT: dict[str, Label] = {
    "received": (_("Waiting"), "info"),
    "processed": (_("Done"), "ok"),
    "unmatched": (_("Unmatched"), "warn"),
    "ignored": (_("Not needed"), "muted"),
}
HOLD: dict[str, Label] = {
    "open": (_("To be looked at"), "warn"),
    "released": (_("Released"), "muted"),
    "kept": (pgettext_lazy("payer", "Kept blocked"), "bad"),
}
HOLD_KIND: dict[str, Promise] = {
    "velocity": _("Many attempts of one family"),
    "card_testing": _("Cards tried out from one address"),
}
PROVIDER: dict[str, str] = {"stripe": "Stripe", "paypal": "PayPal"}
MODE: dict[str, Label] = {
    "sandbox": (_("Practice"), "warn"),
    "test": (_("Test"), "warn"),
    "live": (_("Live"), "ok"),
}


def of_refund(refund: RefundInfo) -> Label:
    """How its status reads: a payment that was taken back made nobody a refund."""
    return STATUS["reversed"] if refund.returned else REFUND[refund.status]


def with_disputes(disputes: Iterable[DisputeInfo]) -> list[tuple[DisputeInfo, Label, str]]:
    """Each with how its status reads, and why the bank asks the money back."""
    return [(info, DISPUTE[info.status], reason_text(info.reason)) for info in disputes]


def with_approvals(
    approvals: Iterable[ApprovalInfo], *, actor: str
) -> list[tuple[ApprovalInfo, Label, bool]]:
    """Each with how its state reads, and whether it is the reader's own."""
    own = actor.casefold()
    return [(each, APPROVAL[each.state], each.requested_by.casefold() == own) for each in approvals]
