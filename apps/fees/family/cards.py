"""What a guardian's pages show of saved cards and automatic payment."""

from typing import Any
from uuid import UUID

from apps.fees.models import Autopay
from apps.fees.preferences import AUTOPAY
from apps.fees.services import autopay, checkout
from apps.fees.services.offer import Offer
from apps.payments import facade as payments


def cards_on_balance(guardian_id: UUID, offer: Offer) -> dict[str, Any]:
    """The newest card to pay the offer with, or the words in which one can be kept; and what is
    planned."""
    cards = payments.saved_methods_for(guardian_id, offer.account_id)
    may_keep = not cards and payments.can_save_methods(offer.account_id)
    return {
        "card": cards[0] if cards else None,
        "has_cards": bool(cards) or bool(payments.saved_methods(guardian_id)),
        "keep_consent": checkout.keep_consent() if may_keep else "",
        **planned(guardian_id),
    }


def planned(guardian_id: UUID) -> dict[str, Any]:
    """Automatic payment, while it is on, its next charge with what is due by then, and its last."""
    standing = autopay.standing_of(guardian_id) if AUTOPAY.value else None
    charge = autopay.next_charge(standing) if standing else None
    due = autopay.due_by(standing, charge.on) if standing and charge else []
    amount = sum(invoice.balance_minor for invoice in due)
    added = autopay.cover_of(charge, amount) if charge else 0
    return {
        "autopay": standing,
        "autopay_ended": None if standing else _ended(guardian_id),
        "charge": charge,
        "charge_minor": amount + added,
        "charge_cover_minor": added,
        "last_charge": autopay.last_charge(standing) if standing else None,
    }


def _ended(guardian_id: UUID) -> Autopay | None:
    return autopay.ended_by_itself(guardian_id) if AUTOPAY.value else None
