"""Events a second through two real worker processes, beside two of procrastinate's.

Both leave a receipt and an effect of one SQL statement for each event, in one transaction; events
and jobs wait when the clock starts. A procrastinate worker does ten jobs at once, on as many
connections.
"""

from __future__ import annotations

from benchmarks import outbox, peer
from benchmarks.counting import Counted, CountedTogether
from benchmarks.harness import Result, compare
from config.stack import Stack

OURS, THEIRS = 4000, 600
WAYS = {"one by one": Counted, "by a handler of batches": CountedTogether}


def measure() -> list[Result]:
    peer.check()
    outbox.make_effects()
    with peer.database() as database, outbox.running("worker") as stack:
        return [_beside(database, stack, way) for way in WAYS]


def _beside(database: str, stack: Stack, way: str) -> Result:
    return compare(
        f"drain through 2 workers, {way}",
        ours=lambda: OURS / outbox.drain_by_workers(OURS, stack, WAYS[way]),
        peer=lambda: peer.number_of("procrastinate_jobs", database, str(THEIRS)),
        peer_name="procrastinate",
        unit="events a second",
        goal=20,
        more_is_better=True,
        rounds=5,
    )
