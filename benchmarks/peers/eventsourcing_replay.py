"""Events a second of the eventsourcing library that are read, decoded and folded, PostgreSQL
recorder: `<payments>` of five events each, prints the rate. Its own variables (POSTGRES_DBNAME and
so on) say where the database is.
"""

from __future__ import annotations

import sys
import time
from datetime import UTC, datetime
from uuid import UUID, uuid4

from eventsourcing.application import Application
from eventsourcing.domain import Aggregate, event

AT_ONCE = 200  # payments in one save
A_TRIP = 2000  # notifications
EVENTS_EACH = 5


class Payment(Aggregate):
    @event("Initiated")
    def __init__(self, payer: UUID, amount_minor: int, currency: str, lines: list[dict]) -> None:
        self.payer, self.amount_minor, self.currency, self.lines = (
            payer,
            amount_minor,
            currency,
            lines,
        )
        self.session, self.captured_minor, self.refunds = "", 0, {}

    @event("SessionCreated")
    def create_session(self, session: str, expires_at: datetime) -> None:
        self.session = session

    @event("Captured")
    def capture(self, capture: str, amount_minor: int, currency: str, method: str) -> None:
        self.captured_minor += amount_minor

    @event("RefundRequested")
    def request_refund(self, refund: UUID, amount_minor: int, reason: str) -> None:
        self.refunds[refund] = (amount_minor, "requested")

    @event("RefundSucceeded")
    def refund(self, refund: UUID, provider_refund: str) -> None:
        self.refunds[refund] = (self.refunds[refund][0], "succeeded")


def one(number: int) -> Payment:
    lines = [{"reference": str(number), "description": "Fees", "amount_minor": 12500}]
    payment = Payment(uuid4(), 12500, "USD", lines)
    payment.create_session(f"cs_{number}", datetime.now(UTC))
    payment.capture(f"ch_{number}", 12500, "USD", "card")
    refund = uuid4()
    payment.request_refund(refund, 500, "Trip")
    payment.refund(refund, f"re_{number}")
    return payment


def fill(application: Application, payments: int) -> None:
    for start in range(0, payments, AT_ONCE):
        application.save(*[one(number) for number in range(start, start + AT_ONCE)])


def replay(application: Application) -> int:
    """Every event in order, onto the payment it belongs to; returns how many."""
    payments: dict[UUID, Payment | None] = {}
    position, count = 1, 0
    while told := application.recorder.select_notifications(position, A_TRIP):
        for notification in told:
            happened = application.mapper.to_domain_event(notification)
            before = payments.pop(happened.originator_id, None)
            after = happened.mutate(before)
            if after is not None and after.version < EVENTS_EACH:
                payments[happened.originator_id] = after
        position, count = told[-1].id + 1, count + len(told)
    return count


if __name__ == "__main__":
    application = Application()
    fill(application, int(sys.argv[1]))
    started = time.perf_counter()
    count = replay(application)
    print(count / (time.perf_counter() - started))
    application.close()
