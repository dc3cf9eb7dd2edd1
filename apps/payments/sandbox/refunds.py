"""Money that goes back, asked for with a key or made in the gateway's own dashboard."""

from __future__ import annotations

from apps.payments.sandbox import wire
from apps.payments.sandbox.objects import Objects
from apps.payments.sandbox.wire import Json, WireError

STATUSES = ("pending", "requires_action", "succeeded", "failed", "canceled")


class Refunds(Objects):
    """Refunds of charges; never more than was taken."""

    def create_refund(self, account: str, params: Json, *, status: str = "") -> Json:
        charge = self._charge_of(account, params)
        amount = _amount(charge, params)
        refund: Json = {
            "id": wire.new_id("re"),
            "object": "refund",
            "amount": amount,
            "charge": charge["id"],
            "payment_intent": charge["payment_intent"],
            "created": wire.now(),
            "currency": charge["currency"],
            "metadata": wire.mapping(params, "metadata"),
            "reason": params.get("reason"),
            "failure_reason": None,
            "status": status or self.behaviour.refund_status,
        }
        refund["balance_transaction"] = self.move(account, refund, -amount, kind="refund")["id"]
        self._book(account, charge, amount)
        self.store.put(account, "refund", refund)
        self.emit(account, "refund.created", refund)
        self.emit(account, "charge.refunded", charge)
        return refund

    def finish_refund(self, account: str, refund_id: str, status: str, reason: str = "") -> Json:
        """The late end of a refund: succeeded or failed (the money comes back then)."""
        refund = self.object(account, "refund", refund_id)
        failed = status in ("failed", "canceled")
        if failed and refund["status"] not in ("failed", "canceled"):
            charge = self.object(account, "charge", refund["charge"])
            self._book(account, charge, -refund["amount"])
            self.move(account, refund, refund["amount"], kind="refund_failure")
        refund |= {"status": status, "failure_reason": reason or None}
        self.store.put(account, "refund", refund)
        self.emit(account, "refund.failed" if failed else "refund.updated", refund)
        return refund

    def _charge_of(self, account: str, params: Json) -> Json:
        if params.get("charge"):
            return self.object(account, "charge", str(params["charge"]))
        if not params.get("payment_intent"):
            raise wire.missing("payment_intent")
        intent = self.object(account, "payment_intent", str(params["payment_intent"]))
        if not intent["latest_charge"]:
            raise WireError(400, "This PaymentIntent has no charge.", param="payment_intent")
        return self.object(account, "charge", intent["latest_charge"])

    def _book(self, account: str, charge: Json, amount: int) -> None:
        charge["amount_refunded"] += amount
        charge["refunded"] = charge["amount_refunded"] == charge["amount_captured"]
        self.store.put(account, "charge", charge)


def _amount(charge: Json, params: Json) -> int:
    """What is to go back; everything that is left when no amount is named."""
    if charge["status"] != "succeeded":
        raise WireError(400, "This charge has not been paid.", code="charge_not_paid")
    left: int = charge["amount_captured"] - charge["amount_refunded"]
    if left == 0:
        message = f"Charge {charge['id']} has already been refunded."
        raise WireError(400, message, code="charge_already_refunded")
    amount = wire.integer(params, "amount", minimum=1) if "amount" in params else left
    if amount > left:
        message = f"Refund amount ({amount}) is greater than unrefunded amount on charge ({left})"
        raise WireError(400, message, param="amount")
    return amount
