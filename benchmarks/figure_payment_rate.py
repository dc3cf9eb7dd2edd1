"""Twenty payments a second for a minute on this machine: how many are settled, and none lost.

A payment is the family's whole way: the Pay button of the running web, the page at the sandbox,
whose messages come twice and out of order, the worker, the receipt. Payments start evenly, whether
or not earlier ones are done; when the minute is over, what is under way has a minute to end.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial

import psycopg
from psycopg import sql

from benchmarks import paying
from benchmarks.harness import Result
from config.stack import Stack
from kernel.owner import owner_session

RATE = 20  # payments a second
SECONDS = int(os.environ.get("BENCH_PAYMENT_SECONDS", "60"))
HANDS = 24  # families that may wait for an answer at the same time
GRACE = 6  # seconds after the minute until the last Pay button was answered
PATIENCE = 60  # seconds after the last one has begun


def measure() -> Result:
    count = RATE * SECONDS
    with paying.running("web", "worker", "beat") as stack:
        families = paying.payers(count)
        with owner_session(autocommit=True) as session:
            before = settled(session)
            length, failed = _pay_evenly(families, stack)
            _wait(lambda: settled(session) - before >= count - failed, stack)
            done, doubled = settled(session) - before, twice(session)
    result = Result(
        figure=f"payments settled of {count}, {RATE} a second for {SECONDS} s",
        ours=done,
        peer=count,
        peer_name="all of them, once",
        unit="payments",
        ratio=round(done / count, 4),
        goal=1,
        met=done == count and not doubled and length <= SECONDS + GRACE,
        rounds=1,
    )
    print(f"{failed} without a page, {doubled} booked twice, started in {length:.1f} s", flush=True)
    return result


def _pay_evenly(families: list[paying.Payer], stack: Stack) -> tuple[float, int]:
    """Seconds until the last one was answered, and how many got no page."""
    started = time.monotonic()
    with ThreadPoolExecutor(HANDS) as hands:
        ways: list[Future[None]] = []
        for number, family in enumerate(families):
            time.sleep(max(0.0, started + number / RATE - time.monotonic()))
            ways.append(hands.submit(partial(_pay, family, stack)))
    return time.monotonic() - started, sum(way.exception() is not None for way in ways)


def _pay(family: paying.Payer, stack: Stack) -> None:
    """The Pay button, then the button of the gateway's page."""
    answer = paying.post(
        stack.port,
        "/family/pay/",
        {"token": str(family.token), "csrfmiddlewaretoken": family.csrf},
        {"Host": f"{paying.HOST}:{stack.port}", "Cookie": family.cookies},
    )
    paying.press_pay(answer.headers["Location"])


def settled(session: psycopg.Connection) -> int:
    """Receipts: one is written with the allocation of each payment."""
    return _count(session, "SELECT count(*) FROM {}", "fees_receipt")


def twice(session: psycopg.Connection) -> int:
    """Invoices that were paid more than once."""
    query = "SELECT count(*) FROM (SELECT FROM {} GROUP BY invoice_id HAVING count(*) > 1) twice"
    return _count(session, query, "fees_allocation")


def _count(session: psycopg.Connection, query: str, table: str) -> int:
    statement = sql.SQL(query).format(sql.Identifier(paying.SCHOOL, table))
    return int(session.execute(statement).fetchone()[0])  # type: ignore[index]


def _wait(done: Callable[[], bool], stack: Stack) -> None:
    """Until it is so or PATIENCE is over: what is not settled then counts as lost."""
    until = time.monotonic() + PATIENCE
    while not done() and time.monotonic() < until:
        if stack.ended():
            raise RuntimeError("\n".join(stack.log(name) for name in stack.processes))
        time.sleep(0.2)
