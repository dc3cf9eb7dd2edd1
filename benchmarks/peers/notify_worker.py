"""A worker that LISTENs: `<database> <notes>`. Each event that waits is deleted, its receipt and
its effect written, in one transaction; then the moment is noted as ours are.

Ends by itself after a few minutes, should nobody end it.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import psycopg

from benchmarks.notes import note

LIFE = 300
TAKE = """
DELETE FROM bench_outbox WHERE id IN
    (SELECT id FROM bench_outbox ORDER BY id LIMIT 100 FOR UPDATE SKIP LOCKED)
    RETURNING event_id, number
"""
RECEIPTS = """
INSERT INTO receipt (event_id, consumer) SELECT event_id, 'bench' FROM unnest(%s::uuid[])
    AS event_id ON CONFLICT DO NOTHING
"""
EFFECT = "INSERT INTO bench_effect (event_id) VALUES (%s)"


def handle(session: psycopg.Connection) -> list[int]:
    with session.transaction():
        taken = session.execute(TAKE).fetchall()
        if taken:
            session.execute(RECEIPTS, [[event_id for event_id, _ in taken]])
        for event_id, _ in taken:
            session.execute(EFFECT, [event_id])
    return [number for _, number in taken]


def main(address: str, notes: Path) -> None:
    until = time.monotonic() + LIFE
    with psycopg.connect(address) as session, psycopg.connect(address, autocommit=True) as ears:
        ears.execute("LISTEN bench")
        print("ready", flush=True)
        while time.monotonic() < until:
            while numbers := handle(session):
                for number in numbers:
                    note(notes, number)
            # What was announced while we worked is waiting here: nothing is missed between.
            for _ in ears.notifies(timeout=1, stop_after=1):
                pass


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
