"""The gateway as a whole: all its parts, and what happens by itself as time passes."""

from __future__ import annotations

import time

from apps.payments.sandbox.charges import Charges
from apps.payments.sandbox.disputes import Disputes
from apps.payments.sandbox.endpoints import Endpoints
from apps.payments.sandbox.objects import Behaviour
from apps.payments.sandbox.payouts import Payouts
from apps.payments.sandbox.paypal.gateway import TIMER as PAYPAL
from apps.payments.sandbox.paypal.gateway import PayPal
from apps.payments.sandbox.paypal.wire import PayPalError
from apps.payments.sandbox.refunds import Refunds
from apps.payments.sandbox.store import Store
from apps.payments.sandbox.wire import WireError

__all__ = ["Behaviour", "Gateway"]


class Gateway(Charges, Refunds, Disputes, Payouts, Endpoints):
    """All state is in the store; callers that change several things open `store.work()`.

    `paypal`: PayPal's twin over the same store, with accounts of its own.
    """

    def __init__(self, store: Store, behaviour: Behaviour | None = None) -> None:
        super().__init__(store, behaviour)
        self.paypal = PayPal(store, self.behaviour)

    def run_timers(self) -> int:
        """Settle late payments, close pages whose time is over, pay out; returns how many were
        due."""
        with self.store.work():
            due = self.store.rows(
                "SELECT seq, account, session, outcome FROM timer WHERE due <= ?", time.time()
            )
            for seq, account, session_id, outcome in due:
                self.store.rows("DELETE FROM timer WHERE seq = ?", seq)
                self._happen(account, session_id, outcome)
        return len(due)

    def _happen(self, account: str, session_id: str, outcome: str) -> None:
        try:
            if outcome.startswith(PAYPAL):
                self.paypal.happen(account, session_id, outcome)
            elif outcome == "payout":
                self.pay_out_what_is_due(account)
            elif outcome == "expire":
                self.session(account, session_id)  # reading it finds that its time is over
            else:
                self.settle(account, session_id, outcome)
        except (WireError, PayPalError):
            return  # the session is gone: nothing is left to happen
