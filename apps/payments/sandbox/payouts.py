"""Money that the gateway sends to the school's bank: what is on the balance, less the fees."""

from __future__ import annotations

import time

from apps.payments.sandbox import wire
from apps.payments.sandbox.objects import Objects
from apps.payments.sandbox.wire import DAY, Json, WireError

DESCRIPTOR = "HOMEROOM SANDBOX"


class Payouts(Objects):
    """Payouts of an account, one a currency; the lines it consists of are marked with its id."""

    def pay_out(self, account: str, *, available_by: float | None = None) -> list[Json]:
        """Send what is on the balance to the bank, or only what has been available since then
        (Unix seconds). Nothing, or a debt, is not sent."""
        made = []
        unpaid = self._unpaid(account, available_by)
        for currency in sorted({row["currency"] for row in unpaid}):
            rows = [row for row in unpaid if row["currency"] == currency]
            if sum(row["net"] for row in rows) > 0:
                made.append(self._send(account, currency, rows))
        return made

    def pay_out_what_is_due(self, account: str) -> None:
        """The gateway's own daily payout; plans the next one for what is not available yet."""
        self.pay_out(account, available_by=time.time())
        waiting = [row["available_on"] for row in self._unpaid(account, None) if row["net"] > 0]
        later = [moment for moment in waiting if moment > time.time()]
        if later:
            self.plan(account, "", "payout", due=min(later))

    def fail_payout(self, account: str, payout_id: str) -> Json:
        """The bank sends the money back; it is on the balance again."""
        payout = self.object(account, "payout", payout_id)
        if payout["status"] != "paid":
            raise WireError(400, "This payout has failed already.", param="payout")
        payout["status"] = "failed"
        self.store.put(account, "payout", payout)
        amount, currency = payout["amount"], payout["currency"]
        self.book(account, payout_id, amount, currency, kind="payout_reversal")
        self.emit(account, "payout.failed", payout)
        return payout

    def _unpaid(self, account: str, available_by: float | None) -> list[Json]:
        return [
            row
            for row in self.store.all(account, "balance_transaction")
            if not row.get("payout")
            and (available_by is None or row["available_on"] <= available_by)
        ]

    def _send(self, account: str, currency: str, rows: list[Json]) -> Json:
        payout: Json = {
            "id": wire.new_id("po"),
            "object": "payout",
            "amount": sum(row["net"] for row in rows),
            "arrival_date": (wire.now() // DAY + 1) * DAY,
            "automatic": True,
            "created": wire.now(),
            "currency": currency,
            "livemode": False,
            "metadata": {},
            "statement_descriptor": DESCRIPTOR,
            "status": "paid",
        }
        own = self.book(account, payout["id"], -payout["amount"], currency, kind="payout")
        payout["balance_transaction"] = own["id"]
        for row in [*rows, own]:
            row |= {"payout": payout["id"], "status": "available"}
            self.store.put(account, "balance_transaction", row)
        self.store.put(account, "payout", payout)
        self.emit(account, "payout.paid", payout)
        return payout
