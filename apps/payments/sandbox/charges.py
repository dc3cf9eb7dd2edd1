"""Charges of kept cards while nobody is at a page."""

from __future__ import annotations

from apps.payments.sandbox import wire
from apps.payments.sandbox.attempts import Attempts, new_charge, new_intent
from apps.payments.sandbox.wire import Json, WireError

# What the bank says to a charge of a kept card: the code and the words of the refusal.
REFUSALS = {
    "declined": ("card_declined", "Your card was declined."),
    "authentication_required": (
        "authentication_required",
        "Your card was declined. This transaction requires authentication.",
    ),
    "expired": ("expired_card", "Your card has expired."),
}
OUTCOMES = ("succeeded", *REFUSALS)


class Charges(Attempts):
    """`set_charge_outcome` decides what the next charges of a kept card meet."""

    def create_intent(self, account: str, params: Json) -> Json:
        """A charge of a kept card; without `confirm` it waits for that."""
        amount = wire.integer(params, "amount", minimum=1)
        intent = new_intent(
            amount=amount + self.behaviour.capture_difference,
            currency=str(params.get("currency") or "").lower(),
            description=params.get("description"),
            metadata=wire.mapping(params, "metadata"),
        )
        intent["customer"] = params.get("customer")
        intent["payment_method"] = params.get("payment_method")
        self.card_of(account, intent)
        if str(params.get("confirm", "")).lower() == "true":
            return self._charge(account, intent)
        intent["status"] = "requires_confirmation"
        self.store.put(account, "payment_intent", intent)
        return intent

    def confirm_intent(self, account: str, intent_id: str) -> Json:
        intent = self.object(account, "payment_intent", intent_id)
        _check_status(intent, "confirm", ("requires_confirmation", "requires_payment_method"))
        return self._charge(account, intent)

    def cancel_intent(self, account: str, intent_id: str) -> Json:
        intent = self.object(account, "payment_intent", intent_id)
        _check_status(intent, "cancel", ("requires_confirmation", "requires_payment_method"))
        intent["status"] = "canceled"
        self.store.put(account, "payment_intent", intent)
        self.emit(account, "payment_intent.canceled", intent)
        return intent

    def _charge(self, account: str, intent: Json) -> Json:
        method = self.card_of(account, intent)
        charge = new_charge(intent)
        charge["payment_method_details"] = {"type": "card", "card": dict(method["card"])}
        intent["latest_charge"] = charge["id"]
        outcome = method["metadata"].get("outcome", "succeeded")
        if outcome == "succeeded":
            self.take(account, intent, charge)
            self._save_charge(account, intent, charge)
            return intent
        code, message = REFUSALS[outcome]
        self.refuse(intent, charge, code=code, message=message)
        self._save_charge(account, intent, charge)
        self.emit(account, "payment_intent.payment_failed", intent)
        self.emit(account, "charge.failed", charge)
        error = WireError(402, message, kind="card_error", code=code)
        error.body["error"]["payment_intent"] = intent
        raise error

    def _save_charge(self, account: str, intent: Json, charge: Json) -> None:
        self.store.put(account, "payment_intent", intent)
        self.store.put(account, "charge", charge)


def _check_status(intent: Json, verb: str, allowed: tuple[str, ...]) -> None:
    if intent["status"] not in allowed:
        message = (
            f"You cannot {verb} this PaymentIntent because it has a status of {intent['status']}."
        )
        raise WireError(400, message, code="payment_intent_unexpected_state")
