"""What every part of the gateway stands on: stored objects, money that moves, events, timers."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass
from typing import Any

from apps.payments.sandbox import wire
from apps.payments.sandbox.store import Store
from apps.payments.sandbox.wire import Json

# Where the type of a balance transaction is not called like its reporting category.
_TYPES = {
    "dispute": "adjustment",
    "dispute_reversal": "adjustment",
    "fee": "stripe_fee",
    "payout_reversal": "payout_failure",
}


@dataclass
class Behaviour:
    """How the sandbox plays the outside world. Tests change it in code."""

    settle_after: float = 4.0  # seconds until a "pay later" is decided
    copies: int = 2  # of each webhook message: gateways repeat themselves
    spread: float = 0.4  # seconds over which messages are scattered, so that order is lost
    webhooks: bool = True  # False: messages wait until this is True again
    refund_status: str = "succeeded"
    capture_difference: int = 0  # minor units taken more than asked for
    # Another currency the account is kept in, and what one unit of what is paid is worth in it.
    settlement: tuple[str, float] | None = None
    order_life: float = 3 * 3600  # seconds until PayPal forgets an order that nobody completed


class Objects:
    """The objects of every account. A key finds those of its own account only."""

    def __init__(self, store: Store, behaviour: Behaviour | None = None) -> None:
        self.store = store
        self.behaviour = behaviour or Behaviour()

    def object(self, account: str, kind: str, object_id: str) -> Json:
        """Raises WireError 404 when this account has no such object."""
        found = self.store.get(account, kind, object_id)
        if found is None:
            raise wire.not_found(kind, object_id)
        return found

    def emit(self, account: str, event_type: str, subject: Json) -> Json:
        """Record an event and plan its messages: several copies, scattered, so out of order."""
        event: Json = {
            "id": wire.new_id("evt"),
            "object": "event",
            "api_version": wire.API_VERSION,
            "type": event_type,
            "created": wire.now(),
            "livemode": False,
            "pending_webhooks": 0,
            "data": {"object": dict(subject)},
        }
        endpoints = [e for e in self.store.all(account, "webhook_endpoint") if _wants(e, event)]
        event["pending_webhooks"] = len(endpoints)
        self.store.put(account, "event", event)
        for endpoint in endpoints:
            self._plan_messages(account, endpoint["id"], event["id"])
        return event

    def _plan_messages(self, account: str, endpoint_id: str, event_id: str) -> None:
        for _copy in range(self.behaviour.copies):
            scattered = random.uniform(0, self.behaviour.spread)  # noqa: S311
            self.store.rows(
                "INSERT INTO delivery (account, endpoint, event, due) VALUES (?, ?, ?, ?)",
                account,
                endpoint_id,
                event_id,
                time.time() + scattered,
            )

    def plan(self, account: str, session_id: str, outcome: str, *, due: float) -> None:
        """Have something happen to a session by itself. `due`: Unix seconds."""
        self.store.rows(
            "INSERT INTO timer (account, session, outcome, due) VALUES (?, ?, ?, ?)",
            account,
            session_id,
            outcome,
            due,
        )

    def move(self, account: str, source: Json, amount: int, *, kind: str, fee: int = 0) -> Json:
        """Book a movement of the account's balance, in the currency the account is kept in.

        `kind` is Stripe's reporting category. Of a charge the gateway keeps 2.9 % and 30.
        """
        currency, rate = self.behaviour.settlement or (source["currency"], None)
        settled = round(amount * (rate or 1))
        if kind == "charge":
            fee = round(settled * 0.029) + 30
        line = self.book(account, source["id"], settled, currency, kind=kind, fee=fee, rate=rate)
        self._expect_payout(account, line)
        return line

    def book(
        self,
        account: str,
        source_id: str,
        amount: int,
        currency: str,
        *,
        kind: str,
        fee: int = 0,
        rate: float | None = None,
    ) -> Json:
        """A line of the account's balance. Money that comes in can be paid out two days later,
        what goes out is gone at once."""
        incoming = kind == "charge"
        line: Json = {
            "id": wire.new_id("txn"),
            "object": "balance_transaction",
            "amount": amount,
            "fee": fee,
            "fee_details": _fee_details(fee, currency),
            "net": amount - fee,
            "currency": currency,
            "exchange_rate": rate,
            "created": wire.now(),
            "available_on": wire.now() + (2 * wire.DAY if incoming else 0),
            "source": source_id,
            "reporting_category": kind,
            "status": "pending" if incoming else "available",
            "type": _TYPES.get(kind, kind),
            "payout": None,
        }
        self.store.put(account, "balance_transaction", line)
        return line

    def _expect_payout(self, account: str, line: Json) -> None:
        """One payout at a time is planned for an account; it plans the next (payouts.py)."""
        planned = self.store.rows(
            "SELECT 1 FROM timer WHERE account = ? AND outcome = 'payout'", account
        )
        if not planned and line["net"] > 0:
            self.plan(account, "", "payout", due=line["available_on"])


def _fee_details(fee: int, currency: str) -> list[Json]:
    detail = {"amount": fee, "currency": currency, "type": "stripe_fee"}
    return [detail | {"description": "Processing fee"}] if fee else []


def _wants(endpoint: Json, event: Json) -> bool:
    wanted: Any = endpoint["enabled_events"]
    return endpoint["status"] == "enabled" and (event["type"] in wanted or "*" in wanted)
