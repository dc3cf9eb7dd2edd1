"""What a payer does on the hosted page, and what becomes of it: intents, charges, late answers."""

from __future__ import annotations

import time

from apps.payments.sandbox import wire
from apps.payments.sandbox.cards import CARD, Cards
from apps.payments.sandbox.wire import Json, WireError

OUTCOMES = ("succeeded", "failed")


class Attempts(Cards):
    """Paying, paying later, being declined. Raises WireError for a page that is closed."""

    def pay(self, account: str, session_id: str) -> Json:
        session, intent, charge = self._attempt(account, session_id)
        session |= {"status": "complete", "payment_status": "paid", "url": None}
        self.keep_card(account, session, intent, charge)
        self.take(account, intent, charge)
        self._save(account, session, intent, charge)
        self.emit(account, "checkout.session.completed", session)
        return session

    def pay_later(self, account: str, session_id: str, *, outcome: str) -> Json:
        """`outcome`: what the bank will say after a while, succeeded or failed."""
        session, intent, charge = self._attempt(account, session_id)
        session |= {"status": "complete", "url": None}
        intent["status"], charge["status"] = "processing", "pending"
        charge["payment_method_details"] = {"type": "us_bank_account"}
        self._save(account, session, intent, charge)
        self.emit(account, "checkout.session.completed", session)
        self.emit(account, "payment_intent.processing", intent)
        due = time.time() + self.behaviour.settle_after
        self.plan(account, session_id, outcome, due=due)
        return session

    def decline(self, account: str, session_id: str) -> Json:
        """The card is refused; the page stays open for another try."""
        session, intent, charge = self._attempt(account, session_id)
        self.refuse(intent, charge)
        self._save(account, session, intent, charge)
        self.emit(account, "payment_intent.payment_failed", intent)
        self.emit(account, "charge.failed", charge)
        return session

    def settle(self, account: str, session_id: str, outcome: str) -> Json:
        """The bank's late answer; a session that waits for none is left as it is."""
        session = self.session(account, session_id)
        if session["status"] != "complete":
            return session
        intent = self.object(account, "payment_intent", session["payment_intent"])
        if intent["status"] != "processing":
            return session
        charge = self.object(account, "charge", intent["latest_charge"])
        if outcome == "succeeded":
            session["payment_status"] = "paid"
            self.take(account, intent, charge)
            news = "checkout.session.async_payment_succeeded"
        else:
            self.refuse(intent, charge)
            self.emit(account, "payment_intent.payment_failed", intent)
            news = "checkout.session.async_payment_failed"
        self._save(account, session, intent, charge)
        self.emit(account, news, session)
        return session

    def capture_again(self, account: str, session_id: str) -> Json:
        """What no gateway should do: the money of a paid session is taken a second time."""
        session = self.session(account, session_id)
        if session["status"] != "complete":
            raise WireError(400, "This page has not been paid.")
        intent = self.object(account, "payment_intent", session["payment_intent"])
        charge = new_charge(intent)
        intent["latest_charge"] = charge["id"]
        self.take(account, intent, charge)
        self._save(account, session, intent, charge)
        return charge

    def _attempt(self, account: str, session_id: str) -> tuple[Json, Json, Json]:
        session = self.session(account, session_id)
        if session["status"] != "open":
            raise WireError(400, "This page is closed.", code="session_closed")
        intent = self._intent(account, session)
        charge = new_charge(intent)
        intent["latest_charge"] = charge["id"]
        session["payment_intent"] = intent["id"]
        return session, intent, charge

    def _intent(self, account: str, session: Json) -> Json:
        """A session has one intent, made by the first attempt; further attempts use it again."""
        if session["payment_intent"]:
            return self.object(account, "payment_intent", session["payment_intent"])
        data = self.data_of(account, session["id"])
        return new_intent(
            amount=session["amount_total"] + self.behaviour.capture_difference,
            currency=session["currency"],
            description=data["description"],
            metadata=data["metadata"],
        )

    def take(self, account: str, intent: Json, charge: Json) -> None:
        intent |= {
            "status": "succeeded",
            "amount_received": intent["amount"],
            "last_payment_error": None,
        }
        charge |= {"status": "succeeded", "paid": True, "amount_captured": charge["amount"]}
        moved = self.move(account, charge, charge["amount"], kind="charge")
        charge["balance_transaction"] = moved["id"]
        self.emit(account, "payment_intent.succeeded", intent)
        self.emit(account, "charge.succeeded", charge)

    def refuse(
        self,
        intent: Json,
        charge: Json,
        *,
        code: str = "card_declined",
        message: str = "Your card was declined.",
    ) -> None:
        error = {"type": "card_error", "code": code, "message": message}
        intent |= {"status": "requires_payment_method", "last_payment_error": error}
        charge |= {"status": "failed", "failure_code": code, "failure_message": message}

    def _save(self, account: str, session: Json, intent: Json, charge: Json) -> None:
        self.store.put(account, "session", session)
        self.store.put(account, "payment_intent", intent)
        self.store.put(account, "charge", charge)


def new_intent(*, amount: int, currency: str, description: str | None, metadata: Json) -> Json:
    return {
        "id": wire.new_id("pi"),
        "object": "payment_intent",
        "amount": amount,
        "amount_received": 0,
        "currency": currency,
        "created": wire.now(),
        "customer": None,
        "description": description,
        "livemode": False,
        "metadata": metadata,
        "payment_method": None,
        "setup_future_usage": None,
        "status": "requires_payment_method",
        "last_payment_error": None,
        "latest_charge": None,
    }


def new_charge(intent: Json) -> Json:
    return {
        "id": wire.new_id("ch"),
        "object": "charge",
        "amount": intent["amount"],
        "amount_captured": 0,
        "amount_refunded": 0,
        "currency": intent["currency"],
        "created": wire.now(),
        "description": intent["description"],
        "livemode": False,
        "paid": False,
        "captured": True,
        "refunded": False,
        "disputed": False,
        "status": "pending",
        "failure_code": None,
        "failure_message": None,
        "metadata": dict(intent["metadata"]),
        "payment_intent": intent["id"],
        "payment_method": intent["payment_method"],
        "payment_method_details": {"type": "card", "card": dict(CARD)},
        "balance_transaction": None,
    }
