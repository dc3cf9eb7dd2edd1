"""From a gateway's message to the settled invoice, in ms: posted to web, worked off by a real
worker, beside the bare answer to the same message.

Settled is when the receipt is committed: the gateway has been asked, the capture written into the
story, the event delivered, the money given to the invoice. The bare answer is that of a message
that is known already: the way over HTTP, the signature and one look into the table.
"""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass

import psycopg
import requests
from psycopg import sql

from apps.payments import models
from apps.payments.sandbox.delivery import sign
from benchmarks import outbox, paying
from benchmarks.harness import Result, judge
from config.stack import Stack
from kernel.owner import owner_session

MESSAGES, ROUNDS = 15, 7
AT_MOST = 100.0  # ms
OF_BARE_ANSWER = 0.05
PAUSE = 0.001  # seconds between two looks whether it is settled


@dataclass(frozen=True)
class Message:
    """One signed message of the gateway about one payment."""

    payment_id: str
    body: bytes


def measure() -> list[Result]:
    with paying.running("web", "worker") as stack, owner_session(autocommit=True) as session:
        control(stack, {"webhooks": "off"})  # we are the messenger
        messages = iter(_messages(stack, MESSAGES * (ROUNDS + 1)))
        gateway = _Gateway(stack)
        rounds = [_round(gateway, messages, session, stack) for _ in range(ROUNDS + 1)][1:]
    settled, bare = [pair[0] for pair in rounds], [pair[1] for pair in rounds]
    title = "gateway's message to settled invoice, p50"
    beside = {"ours": settled, "unit": "ms"}
    return [
        judge(title, **beside, peer=bare, peer_name="the bare answer", goal=OF_BARE_ANSWER),
        judge(title, **beside, peer=[AT_MOST], peer_name="the set figure", goal=1),
    ]


class _Gateway:
    """Posts signed messages to web, on one connection."""

    def __init__(self, stack: Stack) -> None:
        account = models.GatewayAccount.objects.get(is_default=True)
        self._secret = account.webhook_secret
        self._url = f"http://127.0.0.1:{stack.port}/hooks/payments/{account.webhook_key}/"
        self._host = f"{paying.HOST}:{stack.port}"
        self._session = requests.Session()

    def post(self, message: Message) -> float:
        """Returns when it was sent."""
        headers = {
            "Host": self._host,
            "Content-Type": "application/json",
            "Stripe-Signature": sign(self._secret, message.body, at=int(time.time())),
        }
        moment = time.perf_counter()
        answer = self._session.post(self._url, message.body, headers=headers, timeout=30)
        if answer.status_code != 200:
            raise RuntimeError(f"not taken: {answer.status_code} {answer.text[:200]}")
        return moment


def _round(
    gateway: _Gateway, messages: Iterator[Message], session: psycopg.Connection, stack: Stack
) -> tuple[float, float]:
    settled, bare = [], []
    for _ in range(MESSAGES):
        message = next(messages)
        moment = gateway.post(message)
        _wait_until_settled(session, message, stack)
        settled.append(time.perf_counter() - moment)
        moment = gateway.post(message)
        bare.append(time.perf_counter() - moment)
    return paying.ms(statistics.median(settled)), paying.ms(statistics.median(bare))


def _wait_until_settled(session: psycopg.Connection, message: Message, stack: Stack) -> None:
    table = sql.Identifier(paying.SCHOOL, "fees_receipt")
    query = sql.SQL("SELECT 1 FROM {} WHERE payment_id = %s").format(table)
    until = time.monotonic() + outbox.PATIENCE
    while session.execute(query, [message.payment_id]).fetchone() is None:
        if time.monotonic() > until:
            raise RuntimeError(f"never settled: {stack.log('worker')}")
        time.sleep(PAUSE)


def control(stack: Stack, wanted: dict[str, object]) -> None:
    """Switch something at the sandbox."""
    url = f"{stack.env['SANDBOX_URL']}/_control/faults"
    requests.post(url, json=wanted, timeout=10).raise_for_status()


def _messages(stack: Stack, count: int) -> list[Message]:
    """So many families have paid at the gateway, and nobody here has heard of it."""
    pages = [payer.pay() for payer in paying.payers(count)]
    for page in pages:
        paying.press_pay(page)
    found = _events(stack)
    sessions = dict(models.Payment.objects.filter(is_open=True).values_list("session_id", "pk"))
    return [
        Message(str(sessions[event["data"]["object"]["id"]]), json.dumps(event).encode())
        for event in found
        if event["data"]["object"]["id"] in sessions
    ]


def _events(stack: Stack) -> list[dict]:
    """Every message about a completed page that the gateway would have sent."""
    account = models.GatewayAccount.objects.get(is_default=True)
    found: list[dict] = []
    wanted: dict[str, object] = {"limit": 100, "type": "checkout.session.completed"}
    while True:
        answer = requests.get(
            f"{stack.env['SANDBOX_URL']}/v1/events",
            params=wanted,  # type: ignore[arg-type]
            auth=(account.secret_key, ""),
            timeout=10,
        ).json()
        found += [e for e in answer["data"] if e["type"] == "checkout.session.completed"]
        if not answer.get("has_more"):
            return found
        wanted["starting_after"] = answer["data"][-1]["id"]
