"""From the Pay button to the address of the hosted page, in ms: the family's whole request, beside
the bare call of the gateway's package to the same sandbox.

Each request is of a family that has not paid before. In it are the link's session, the checks of
what is owed, the intent and its claims committed, the call, and the record of the page committed.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from uuid import uuid4

from apps.payments import models
from apps.payments.providers.base import SessionLine, SessionRequest
from apps.payments.services import accounts
from benchmarks import paying
from benchmarks.harness import Result, judge, seconds

REQUESTS, ROUNDS = 20, 7
AT_MOST = 150.0  # ms
OF_BARE_CALL = 0.05  # with all its reads and two commits: at most twenty bare calls


def measure() -> list[Result]:
    with paying.running():
        families = iter(paying.payers(REQUESTS * (ROUNDS + 1)))
        account = models.GatewayAccount.objects.get(is_default=True)
        rounds = [(_ours(families), _bare(account)) for _ in range(ROUNDS + 1)][1:]
    ours, bare = [pair[0] for pair in rounds], [pair[1] for pair in rounds]
    title = "Pay button to hosted page, p50"
    return [
        judge(
            title, ours=ours, peer=bare, peer_name="the call alone", unit="ms", goal=OF_BARE_CALL
        ),
        judge(title, ours=ours, peer=[AT_MOST], peer_name="the set figure", unit="ms", goal=1),
    ]


def _ours(families: Iterator[paying.Payer]) -> float:
    return _median([seconds(next(families).pay) for _ in range(REQUESTS)])


def _bare(account: models.GatewayAccount) -> float:
    provider = accounts.provider_for(account)
    return _median([seconds(lambda: provider.open_session(_request())) for _ in range(REQUESTS)])


def _median(found: list[float]) -> float:
    return paying.ms(statistics.median(found))


def _request() -> SessionRequest:
    key = str(uuid4())
    return SessionRequest(
        payment_id=key,
        currency="USD",
        description="School fees",
        payer_email="payer@example.org",
        success_url="http://lincoln.testserver/",
        cancel_url="http://lincoln.testserver/",
        expires_at=int(time.time()) + 3600,
        idempotency_key=f"{key}:init:1",
        lines=(SessionLine(description="Tuition", amount_minor=paying.OWED),),
    )
