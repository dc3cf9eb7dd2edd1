"""Events a second of the eventsourcing library's own replay: a projection into tables, from the
first event to the last. `<payments>` of five events each, prints the rate. Its own variables
(POSTGRES_DBNAME and so on) say where the database is.
"""

from __future__ import annotations

import sys
import time
from typing import Any

from eventsourcing.application import Application
from eventsourcing.dispatch import singledispatchmethod
from eventsourcing.persistence import Tracking
from eventsourcing.postgres import PostgresTrackingRecorder
from eventsourcing.projection import Projection, ProjectionRunner
from psycopg.sql import SQL

from benchmarks.peers.eventsourcing_replay import EVENTS_EACH, Payment, fill

PATIENCE = 100.0  # seconds
TABLES = (
    "CREATE TABLE shown_payment (id uuid PRIMARY KEY, payer uuid, amount_minor bigint,"
    " currency text, status text, session text, captured_minor bigint, refunded_minor bigint)",
    "CREATE TABLE shown_refund (id uuid PRIMARY KEY, payment uuid, amount_minor bigint,"
    " reason text, status text)",
)
INITIATED = "INSERT INTO shown_payment VALUES (%s, %s, %s, %s, 'initiated', '', 0, 0)"
SESSION = "UPDATE shown_payment SET status = 'pending', session = %s WHERE id = %s"
CAPTURED = (
    "UPDATE shown_payment SET status = 'captured', captured_minor = captured_minor + %s"
    " WHERE id = %s"
)
REQUESTED = "INSERT INTO shown_refund VALUES (%s, %s, %s, %s, 'requested')"
REFUNDED = (
    "WITH done AS (UPDATE shown_refund SET status = 'succeeded' WHERE id = %s"
    " RETURNING payment, amount_minor)"
    " UPDATE shown_payment SET status = 'partially_refunded',"
    " refunded_minor = refunded_minor + done.amount_minor FROM done WHERE id = done.payment"
)


class Shown(PostgresTrackingRecorder):
    """The tables, and how far they are, written together."""

    def __init__(self, datastore: Any, **options: Any) -> None:
        super().__init__(datastore, **options)
        self.sql_create_statements += map(SQL, TABLES)

    def write(self, tracking: Tracking, statement: str, *values: Any) -> None:
        with self.datastore.transaction(commit=True) as cursor:
            self._insert_tracking(cursor, tracking)
            cursor.execute(statement, values, prepare=True)


class Showing(Projection[Shown]):
    @singledispatchmethod
    def process_event(self, domain_event: Any, tracking: Tracking) -> None:
        raise TypeError(f"{domain_event} is not shown")

    @process_event.register
    def initiated(self, happened: Payment.Initiated, tracking: Tracking) -> None:
        values = happened.originator_id, happened.payer, happened.amount_minor, happened.currency
        self.view.write(tracking, INITIATED, *values)

    @process_event.register
    def session(self, happened: Payment.SessionCreated, tracking: Tracking) -> None:
        self.view.write(tracking, SESSION, happened.session, happened.originator_id)

    @process_event.register
    def captured(self, happened: Payment.Captured, tracking: Tracking) -> None:
        self.view.write(tracking, CAPTURED, happened.amount_minor, happened.originator_id)

    @process_event.register
    def requested(self, happened: Payment.RefundRequested, tracking: Tracking) -> None:
        values = happened.refund, happened.originator_id, happened.amount_minor, happened.reason
        self.view.write(tracking, REQUESTED, *values)

    @process_event.register
    def refunded(self, happened: Payment.RefundSucceeded, tracking: Tracking) -> None:
        self.view.write(tracking, REFUNDED, happened.refund)


def project(last: int) -> float:
    """Seconds until the last event is in the tables."""
    started = time.perf_counter()
    with ProjectionRunner(
        application_class=Application, projection_class=Showing, view_class=Shown
    ) as runner:
        runner.wait(last, timeout=PATIENCE)
        return time.perf_counter() - started


if __name__ == "__main__":
    payments = int(sys.argv[1])
    application: Application[Any] = Application()
    fill(application, payments)
    application.close()
    print(payments * EVENTS_EACH / project(payments * EVENTS_EACH))
