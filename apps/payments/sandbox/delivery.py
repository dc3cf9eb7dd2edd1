"""Sending signed messages: in background threads, repeated, out of order, again after failures."""

from __future__ import annotations

import hashlib
import hmac
import http.client
import json
import ssl
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

from apps.payments.sandbox.gateway import Gateway
from apps.payments.sandbox.wire import Json

BACK_OFF_SECONDS = (1, 2, 4, 8, 16, 30, 60, 120, 300, 600, 1800, 3600)
TIMEOUT_SECONDS = 10
TICK_SECONDS = 0.1
# Longer than sending can take: after that a message that was taken is free again.
LEASE_SECONDS = 120
Transport = Callable[[str, dict[str, str], bytes], int]
Row = tuple[int, str, str, str, int]


def sign(secret: str, body: bytes, *, at: int) -> str:
    """The Stripe-Signature header: HMAC-SHA256 over the time and the raw body."""
    digest = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={at},v1={digest}"


def _address(host: str) -> str:
    """Names that exist on this machine only are found there, whatever a name server says."""
    here = host == "localhost" or host.endswith((".localhost", ".testserver"))
    return "127.0.0.1" if here else host


def post(url: str, headers: dict[str, str], body: bytes) -> int:
    """Send a message; returns the status. The Host header stays that of the address."""
    parts = urlsplit(url)
    host, secure = parts.hostname or "", parts.scheme == "https"
    port = parts.port or (443 if secure else 80)
    connection = (
        http.client.HTTPSConnection(
            host, port, timeout=TIMEOUT_SECONDS, context=ssl.create_default_context()
        )
        if secure
        else http.client.HTTPConnection(_address(host), port, timeout=TIMEOUT_SECONDS)
    )
    try:
        connection.request("POST", parts.path or "/", body, {**headers, "Host": parts.netloc})
        return connection.getresponse().status
    finally:
        connection.close()


class Courier:
    """Takes deliveries whose time has come and sends each in a thread of its own."""

    def __init__(self, gateway: Gateway, *, transport: Transport = post, threads: int = 4) -> None:
        self.gateway = gateway
        self.store = gateway.store
        self.transport = transport
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="courier")
        self._stop = threading.Event()
        self._clock = threading.Thread(target=self._run, name="sandbox-clock", daemon=True)

    def start(self) -> None:
        self._clock.start()

    def stop(self) -> None:
        self._stop.set()
        if self._clock.is_alive():
            self._clock.join(timeout=5)
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _run(self) -> None:
        while not self._stop.wait(TICK_SECONDS):
            try:
                self.gateway.run_timers()
                for row in self._take_due():
                    self._pool.submit(self._deliver, *row)
            except Exception as error:  # the clock must not stop for one bad row
                print(f"sandbox: {error!r}", file=sys.stderr, flush=True)

    def deliver_due(self) -> int:
        """Send everything that is due, here and now, one after the other (for tests)."""
        rows = self._take_due()
        for row in rows:
            self._deliver(*row)
        return len(rows)

    def _take_due(self) -> list[Row]:
        """A message stays in the store while it is sent: a stopped sandbox sends it later."""
        if not self.gateway.behaviour.webhooks:
            return []
        with self.store.work():
            rows = self.store.rows(
                "SELECT seq, account, endpoint, event, attempt FROM delivery WHERE due <= ? "
                "ORDER BY due LIMIT 200",
                time.time(),
            )
            for seq, *_rest in rows:
                self._put_off(seq, LEASE_SECONDS)
        return [(row[0], row[1], row[2], row[3], row[4]) for row in rows]

    def _put_off(self, seq: int, seconds: float, *, attempts: int = 0) -> None:
        self.store.rows(
            "UPDATE delivery SET due = ?, attempt = attempt + ? WHERE seq = ?",
            time.time() + seconds,
            attempts,
            seq,
        )

    def _deliver(self, seq: int, account: str, endpoint_id: str, event_id: str, tried: int) -> None:
        endpoint = self.store.get(account, "webhook_endpoint", endpoint_id)
        event = self.store.get(account, "event", event_id)
        if endpoint and event and not self._sent(endpoint, event) and tried < len(BACK_OFF_SECONDS):
            self._put_off(seq, BACK_OFF_SECONDS[tried], attempts=1)
        else:
            self.store.rows("DELETE FROM delivery WHERE seq = ?", seq)

    def _signature(self, endpoint: Json, body: bytes) -> dict[str, str]:
        if endpoint.get("wire") == "paypal":
            return self.gateway.paypal.signed_headers(endpoint["id"], body)
        return {"Stripe-Signature": sign(endpoint["secret"], body, at=int(time.time()))}

    def _sent(self, endpoint: Json, event: Json) -> bool:
        body = json.dumps(event, separators=(",", ":")).encode()
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "User-Agent": "Homeroom-Sandbox/1.0",
            **self._signature(endpoint, body),
        }
        try:
            return 200 <= self.transport(endpoint["url"], headers, body) < 300
        except (OSError, ValueError, http.client.HTTPException):
            return False
