"""What somebody wants to pay: on a hosted page, with a saved card or at the counter."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from django.utils.translation import gettext as _

from apps.payments import contracts, models
from apps.payments.preferences import ONLINE_PAYMENTS
from apps.payments.services import fraud, ways
from kernel.errors import Forbidden, Invalid
from kernel.money import CURRENCIES, MAX_MINOR

MAX_LINES = 100  # Stripe's own limit for one session


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What somebody wants to pay. Amounts in minor units.

    `return_path` and `cancel_path` are paths on the school's host and may hold "{payment_id}".
    `account_id`: the account that takes the money, while it is on; else the one in use.
    `method`: one of `ways.methods` for that account, when the payer chose one.
    `family_id` (opaque) and `source` (of `fraud.source_of`) are counted to find odd attempts.
    `consent`: the words in which the payer agreed that the gateway keeps the card, "" for no.
    `cover_minor`: what the payer adds to the lines for the cost of processing.
    """

    payer_id: UUID
    payer_name: str
    payer_email: str
    lines: tuple[contracts.PaymentLine, ...]
    currency: str
    description: str
    return_path: str
    cancel_path: str
    idempotency_key: str
    account_id: UUID | None = None
    method: str = ""
    family_id: UUID | None = None
    source: str = ""
    consent: str = ""
    cover_minor: int = 0

    @property
    def amount_minor(self) -> int:
        return sum(line.amount_minor for line in self.lines) + self.cover_minor

    @property
    def references(self) -> list[str]:
        return sorted({line.reference for line in self.lines})

    @property
    def origin(self) -> fraud.Origin | None:
        if self.family_id is None:
            return None
        return fraud.Origin(family_id=self.family_id, source=self.source)

    def is_same_as(self, payment: models.Payment) -> bool:
        """True when the other payment is of the same person, for the same things and amounts (the
        cover too), by the same way, with the same wish for the card."""
        theirs = sorted((row.reference, row.amount_minor) for row in payment.lines.all())
        ours = sorted((line.reference, line.amount_minor) for line in self.lines)
        if self.method not in ("", ways.method_of(payment.provider)):
            return False  # the payer wants to pay another way
        saves = bool(payment.request.get("save_method"))
        return (payment.payer_id, payment.currency, theirs, payment.cover_minor, saves) == (
            self.payer_id,
            self.currency,
            ours,
            self.cover_minor,
            bool(self.consent),
        )


def check_online_order(order: Order) -> None:
    """Raises Invalid as `check_order` does, and Forbidden when the school has switched payments
    online off."""
    if not ONLINE_PAYMENTS.is_on:
        raise Forbidden(_("The school takes no payments online at the moment."), code="online_off")
    check_order(order)


def check_order(order: Order) -> None:
    """Raises Invalid for what no payment may be."""
    if not order.lines:
        raise Invalid(_("There is nothing to pay."))
    most = MAX_LINES - bool(order.cover_minor)
    if len(order.lines) > most:
        message = _("At most %(count)d items can be paid at once. Please pay in two steps.")
        raise Invalid(message % {"count": most})
    if order.currency not in CURRENCIES:
        raise Invalid(_("Payments in %(code)s are not possible.") % {"code": order.currency})
    amounts = [*(line.amount_minor for line in order.lines), order.cover_minor or 1]
    if min(amounts) <= 0 or order.amount_minor > MAX_MINOR:
        raise Invalid(_("An amount to pay must be more than zero, and not beyond all measure."))
    if any(not line.reference or len(line.reference) > 100 for line in order.lines):
        raise Invalid(_("An item to pay has no valid reference."))
    if not order.idempotency_key or len(order.idempotency_key) > 200:
        raise Invalid(_("The request has no valid idempotency key."))
