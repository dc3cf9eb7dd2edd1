"""A million stored events of payments gone through again, and a long stream read by its snapshot.

Ours is the whole of `manage.py replay`: read, decoded (one in ten from an older version),
folded, written to the shadows, compared. Peers: the ORM's rows decoded and folded, nothing else;
those of the eventsourcing library, and its own replay, a projection into tables.
Then the peak memory of the processes, and a stream of 10,000 events from its snapshot and 50
events beside all of it.
"""

from __future__ import annotations

import os
import resource
from dataclasses import dataclass, replace
from itertools import groupby
from operator import attrgetter
from typing import ClassVar

from apps.events import facade as events
from apps.events.models import StoredEventRow
from apps.events.services.registry import registry
from apps.events.services.replay.ground import Choice
from apps.events.services.replay.running import replay
from apps.payments.aggregate import fold
from benchmarks import peer
from benchmarks.harness import Result, Skipped, judge, seconds
from kernel.ids import uuid7
from kernel.owner import owner_session
from kernel.schools import in_school

SCHOOL = "t_000001"
STREAMS, EVENTS_EACH, ROUNDS = 200_000, 5, 3
PEER_STREAMS, PROJECTED_STREAMS = 20_000, 2_000
MEGABYTES = 150.0

_FILL = """
SET LOCAL search_path = t_000001;
CREATE TEMP TABLE s ON COMMIT DROP AS
SELECT n, uuidv7(make_interval(secs => (n - {streams})::float8 / 50)) AS id, uuidv7() AS refund,
       timestamptz '2026-01-01' + make_interval(secs => n) AS at
  FROM generate_series(1, {streams}) n;
INSERT INTO stored_event (stream_id, version, event_type, schema_version, payload, metadata)
SELECT id, version, event_type, schema_version, payload, '{{"stream_type": "payment"}}'
  FROM s, LATERAL (VALUES
  (1, 'payments.initiated', CASE WHEN n % 2 = 0 THEN 1 ELSE 2 END, json_build_object(
      'payer_id', id, 'payer_name', 'Grace', 'amount_minor', 12500, 'currency', 'USD',
      'lines', json_build_array(json_build_object('reference', n::text, 'description', 'Fees',
                                                  'amount_minor', 12500)),
      'provider', 'stripe', 'mode', 'test', 'method', 'card', 'at', at)),
  (2, 'payments.session_created', 1, json_build_object('session_id', 'cs_' || n,
      'expires_at', at + interval '1 hour', 'at', at + interval '1 s')),
  (3, 'payments.captured', 1, json_build_object('capture_id', 'ch_' || n, 'amount_minor', 12500,
      'currency', 'USD', 'method', 'card', 'at', at + interval '2 s')),
  (4, 'payments.refund_requested', 1, json_build_object('refund_id', refund, 'amount_minor', 500,
      'reason', 'Trip', 'at', at + interval '3 s')),
  (5, 'payments.refund_succeeded', 1, json_build_object('refund_id', refund,
      'provider_refund_id', 're_' || n, 'at', at + interval '4 s'))
) AS told (version, event_type, schema_version, payload);
INSERT INTO payments_payment (id, provider, mode, method, payer_id, payer_name, payer_email,
    description, currency, amount_minor, idempotency_key, request, session_id, hosted_url, note,
    actor, started_at, version, status, is_open, captured_minor, refunded_minor, refundable_minor,
    captured_at, capture_id, attention, checks)
SELECT id, 'stripe', 'test', 'card', id, 'Grace', '', 'Fees', 'USD', 12500, 'bench:' || n, '{{}}',
    'cs_' || n, '', '', '', at, 5, 'partially_refunded', false, 12500, 500, 12000,
    at + interval '2 s', 'ch_' || n, '', 0 FROM s;
INSERT INTO payments_refund (id, payment_id, amount_minor, reason, actor, idempotency_key,
    provider_refund_id, external, status, failure, requested_at, completed_at)
SELECT refund, id, 500, 'Trip', '', 'bench:' || n, 're_' || n, false, 'succeeded', '',
    at + interval '3 s', at + interval '4 s' FROM s;
"""
_LIBRARY_TABLES = "stored_events, showing_tracking, shown_payment, shown_refund"
_BY_LIBRARY = (
    ("eventsourcing_replay", PEER_STREAMS, "the eventsourcing library, decoded and folded only"),
    ("eventsourcing_projection", PROJECTED_STREAMS, "the eventsourcing library, into tables"),
)
_EMPTY = """
TRUNCATE t_000001.payments_payment, t_000001.payments_refund CASCADE;
ALTER TABLE t_000001.stored_event DISABLE TRIGGER stored_event_immutable;
TRUNCATE t_000001.stored_event;
ALTER TABLE t_000001.stored_event ENABLE TRIGGER stored_event_immutable;
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """A number more."""

    name: ClassVar[str] = "website.bench_counted"
    version: ClassVar[int] = 1
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Sum:
    total: int = 0


def fill(streams: int) -> None:
    with owner_session() as session:
        session.execute(_FILL.format(streams=streams).encode(), prepare=False)
    with owner_session(autocommit=True) as session:
        for table in ("stored_event", "payments_payment", "payments_refund"):
            session.execute(f"VACUUM ANALYZE {SCHOOL}.{table}".encode())


def empty() -> None:
    with owner_session() as session:
        session.execute(_EMPTY.encode(), prepare=False)


def ours() -> float:
    result = replay(
        school=SCHOOL,
        projection="payments",
        choice=Choice(),
        dry_run=True,
        workers=os.cpu_count() or 1,
        progress=lambda *_told: None,
    )
    assert not result.differences, result.differences[0]
    assert result.events == STREAMS * EVENTS_EACH
    return result.events / result.seconds


def by_orm() -> float:
    """The first streams only: its rate does not depend on how many follow."""
    decode, count = registry().decode, PEER_STREAMS * EVENTS_EACH

    def go_through() -> None:
        rows = StoredEventRow.objects.order_by("stream_id", "version")[:count]
        for _stream, group in groupby(rows.iterator(chunk_size=2000), attrgetter("stream_id")):
            fold(decode(row.event_type, row.schema_version, row.payload) for row in group)

    return count / seconds(go_through)


def by_library(database: str, script: str, streams: int) -> float:
    rate = peer.number_of(script, str(streams), env=peer.eventsourcing(database))
    peer.execute(database, f"DROP TABLE IF EXISTS {_LIBRARY_TABLES}")
    return rate


def library_figures(ours: list[float]) -> list[Result]:
    """None without the peers' environment."""
    try:
        peer.check()
    except Skipped as reason:
        print(f"replay beside the eventsourcing library: SKIPPED, {reason}", flush=True)
        return []
    with peer.database() as database:
        return [
            judge(
                f"replay {STREAMS * EVENTS_EACH:,} events of payments",
                ours=ours,
                peer=[by_library(database, script, streams) for _ in ours],
                peer_name=name,
                unit="events a second",
                goal=2,
                more_is_better=True,
            )
            for script, streams, name in _BY_LIBRARY
        ]


def snapshot_figure() -> Result:
    stream, length = uuid7(), 10_000
    folding = events.Folding(
        state=Sum,
        initial=Sum,
        apply=lambda state, event: replace(state, total=state.total + event.number),
        schema=1,
        every=1000,
    )
    with events.isolated_registry() as known:
        known.add_event(Counted)
        numbers = [Counted(number=n) for n in range(length)]
        events.append("bench", stream, expected_version=0, events=numbers)
        events.state_of(stream, folding)
        events.append("bench", stream, expected_version=length, events=numbers[:50])

        def whole() -> None:
            state = Sum()
            for stored in events.load(stream):
                state = folding.apply(state, stored.event)
            assert events.state_of(stream, folding)[0] == state

        pairs = [
            (seconds(lambda: events.state_of(stream, folding)), seconds(whole)) for _ in range(6)
        ][1:]
    return judge(
        "load a stream of 10,000 events by its snapshot and 50 events",
        ours=[pair[0] * 1000 for pair in pairs],
        peer=[pair[1] * 1000 for pair in pairs],
        peer_name="all of its events",
        unit="ms",
        goal=50,
    )


def measure() -> list[Result]:
    try:
        empty()  # figures before this one took payments too
        with in_school(SCHOOL):
            fill(STREAMS)
            rates = [(ours(), by_orm()) for _ in range(ROUNDS + 1)][1:]
            peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
            snapshot = snapshot_figure()
            beside_library = library_figures([pair[0] for pair in rates])
    finally:
        empty()
    beside_orm, whole = own_figures(rates)
    return [beside_orm, *beside_library, whole, memory_figure(peak), snapshot]


def own_figures(rates: list[tuple[float, float]]) -> tuple[Result, Result]:
    """Beside the ORM, and in seconds."""
    total = STREAMS * EVENTS_EACH
    return (
        judge(
            f"replay {total:,} events of payments",
            ours=[pair[0] for pair in rates],
            peer=[pair[1] for pair in rates],
            peer_name="the ORM's rows, decoded and folded",
            unit="events a second",
            goal=2.5,
            more_is_better=True,
        ),
        judge(
            f"replay {total:,} events of payments, whole",
            ours=[total / pair[0] for pair in rates],
            peer=[10.0],
            peer_name="the promise",
            unit="s",
            goal=1,
        ),
    )


def memory_figure(peak: float) -> Result:
    return judge(
        "peak memory of a process that replays",
        ours=[peak],
        peer=[MEGABYTES],
        peer_name="the promise",
        unit="MB",
        goal=1,
    )
