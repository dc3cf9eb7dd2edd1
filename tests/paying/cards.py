"""A guardian whose card the sandbox keeps, and what its bank says to charges."""

from typing import Any
from uuid import UUID, uuid4

import requests

from apps.fees.models import Allocation
from apps.fees.services import allocation, checkout
from apps.notifications.models import Message
from apps.payments import facade as payments
from apps.payments.models import SavedMethod
from apps.payments.tests.saved_cards import intents as charges

__all__ = ["charges", "keep_card", "letters", "outcome", "paid", "press", "start"]


def start(guardian: Any, **values: Any) -> Any:
    usual = {"invoice_ids": None, "amount_minor": None, "use_credit": False, "token": uuid4()}
    wish = checkout.Wish(**usual | values)
    return checkout.start_family_payment(guardian_id=guardian.pk, wish=wish)


def press(url: str, action: str = "pay") -> None:
    requests.post(url, {"action": action}, allow_redirects=False, timeout=10)


def keep_card(guardian: Any) -> UUID:
    """Pay everything on the hosted page, with the card kept; returns the card."""
    step = start(guardian, keep_card=True)
    press(step.redirect_url)
    allocation.catch_up([payments.sync(step.payment_id)])
    return payments.saved_methods(guardian.pk)[0].id


def outcome(sandbox: Any, card: UUID, name: str) -> None:
    row = SavedMethod.objects.get(pk=card)
    sandbox.app.gateway.set_charge_outcome(sandbox.account(), row.method_id, name)


def letters(kind, drain):
    drain()
    return list(Message.objects.filter(kind=kind).order_by("created_at"))


def paid():
    return sum(Allocation.objects.values_list("amount_minor", flat=True)) - 200
