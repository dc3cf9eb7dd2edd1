"""Cards that are kept: customers and payment methods."""

from __future__ import annotations

from apps.payments.sandbox import wire
from apps.payments.sandbox.sessions import Sessions
from apps.payments.sandbox.wire import Json, WireError

# The card that everybody pays with here. No number is ever asked for.
CARD = {"brand": "visa", "last4": "4242", "exp_month": 12, "exp_year": 2034}


class Cards(Sessions):
    """A card is kept when a page that was made for it is paid."""

    def create_customer(self, account: str, params: Json) -> Json:
        customer: Json = {
            "id": wire.new_id("cus"),
            "object": "customer",
            "created": wire.now(),
            "email": params.get("email"),
            "livemode": False,
            "metadata": wire.mapping(params, "metadata"),
        }
        self.store.put(account, "customer", customer)
        return customer

    def keep_card(self, account: str, session: Json, intent: Json, charge: Json) -> None:
        data = self.data_of(account, session["id"])
        if not data["setup_future_usage"]:
            return
        customer_id = session["customer"]
        if customer_id is None:
            customer_id = self.create_customer(account, {"email": session["customer_email"]})["id"]
        method = _new_card(customer_id)
        self.store.put(account, "payment_method", method)
        session["customer"] = intent["customer"] = customer_id
        intent["setup_future_usage"] = data["setup_future_usage"]
        intent["payment_method"] = charge["payment_method"] = method["id"]

    def set_charge_outcome(self, account: str, method_id: str, outcome: str) -> Json:
        """`outcome`: one of charges.OUTCOMES, for every charge from now on."""
        method = self.object(account, "payment_method", method_id)
        method["metadata"]["outcome"] = outcome
        self.store.put(account, "payment_method", method)
        return method

    def detach_method(self, account: str, method_id: str) -> Json:
        method = self.object(account, "payment_method", method_id)
        if method["customer"] is None:
            message = "The payment method you provided is not attached to a customer."
            raise WireError(400, message, param="payment_method")
        method["customer"] = None
        self.store.put(account, "payment_method", method)
        return method

    def card_of(self, account: str, intent: Json) -> Json:
        """Only a customer's own card, and only while it is attached."""
        method = self.object(account, "payment_method", str(intent["payment_method"]))
        if not intent["customer"] or method["customer"] != intent["customer"]:
            message = "The provided PaymentMethod is not attached to this customer."
            raise WireError(400, message, param="payment_method")
        return method


def _new_card(customer_id: str) -> Json:
    return {
        "id": wire.new_id("pm"),
        "object": "payment_method",
        "created": wire.now(),
        "type": "card",
        "card": dict(CARD),
        "customer": customer_id,
        "livemode": False,
        "metadata": {},
    }
