"""What an exception of the reconciliation means in one sentence, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from apps.payments.services.reconcile import compare

Text = str | Promise


@dataclass(frozen=True, slots=True)
class Meaning:
    title: Text
    sentence: Text
    action: Text


MEANINGS: dict[str, Meaning] = {
    compare.PAID_AT_GATEWAY_NOT_LOCAL: Meaning(
        _("Paid, not booked"),
        _("The gateway has this money, and it could not be booked here."),
        _("Ask the gateway again. If it stays, look the number up in the gateway's dashboard."),
    ),
    compare.LOCAL_PAID_MISSING_AT_GATEWAY: Meaning(
        _("Booked, not at the gateway"),
        _("This payment is booked as paid, and the gateway's books do not show it."),
        _("Look the number up in the gateway's dashboard before anything is given back."),
    ),
    compare.AMOUNT_MISMATCH: Meaning(
        _("Another amount"),
        _("The gateway took another amount than was asked for or booked."),
        _("Open the payment. Give the money back in the gateway's dashboard if it is wrong."),
    ),
    compare.CURRENCY_MISMATCH: Meaning(
        _("Another currency"),
        _("The gateway took this in another currency than was asked for."),
        _("Open the payment. Give the money back in the gateway's dashboard if it is wrong."),
    ),
    compare.STATUS_MISMATCH: Meaning(
        _("One side says it failed"),
        _("The gateway and the school do not agree whether this went through."),
        _("Ask the gateway again. If it stays, look the number up in the gateway's dashboard."),
    ),
    compare.SECOND_CAPTURE: Meaning(
        _("Taken twice"),
        _("The same payment was taken a second time, and not given back."),
        _("Give the second one back in the gateway's dashboard."),
    ),
    compare.UNKNOWN_AT_LOCAL: Meaning(
        _("Not one of ours"),
        _("The gateway's books show money that belongs to no payment here."),
        _("Find out who else uses this account. Leave it as it is if that is right."),
    ),
    compare.EXTERNAL_REFUND: Meaning(
        _("Given back in the dashboard"),
        _("Money was given back at the gateway itself, and the family's account does not show it."),
        _("Book it, so that the family's account agrees."),
    ),
    compare.REFUND_AMOUNT_MISMATCH: Meaning(
        _("Another amount given back"),
        _("The gateway gave back another amount than is booked."),
        _("Open the payment and compare its refunds with the gateway's dashboard."),
    ),
    compare.LOCAL_REFUND_MISSING: Meaning(
        _("Refund not at the gateway"),
        _("This refund is booked as made, and the gateway's books do not show it."),
        _("Look the number up in the gateway's dashboard: the family may still wait for it."),
    ),
    compare.UNKNOWN_DISPUTE: Meaning(
        _("Dispute not known here"),
        _("A payer's bank took money back, and no dispute here says so."),
        _("Ask the gateway again, then look at the disputes."),
    ),
    compare.DUPLICATE_ROW: Meaning(
        _("Booked twice by the gateway"),
        _("The gateway's books show the same thing twice."),
        _("Ask the gateway's support. Leave it as it is once they have explained it."),
    ),
}
