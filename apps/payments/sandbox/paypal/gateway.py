"""The twin as a whole, and what happens by itself as time passes."""

from __future__ import annotations

from apps.payments.sandbox.paypal.webhooks import Webhooks

TIMER = "paypal:"


class PayPal(Webhooks):
    """All state is in the store; callers that change several things open `store.work()`."""

    def happen(self, account: str, capture_id: str, outcome: str) -> None:
        """A timer is due: the bank says how a pending capture ends."""
        self.settle_capture(account, capture_id, outcome.removeprefix(TIMER))
