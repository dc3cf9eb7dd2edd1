"""Sending a Celery task for a lane that has work: what beat found, or more than the attendant
(attending.py) does itself.

A hung Redis blocks Celery's send for tens of seconds whatever its options. Therefore our own
client with short time-outs is asked first; after its first failure nothing is tried at all for
a few seconds.
"""

import threading
import time
from collections.abc import Callable

import redis
import structlog
from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry

from apps.events.services.options import options

log = structlog.get_logger(__name__)

Sender = Callable[[str, int], None]

_sender: Sender | None = None
_client: redis.Redis | None = None
_client_lock = threading.Lock()


class Breaker:
    """Closed: calls go through. Open: they do not, until the pause is over."""

    def __init__(self) -> None:
        self.open_until = 0.0

    @property
    def is_open(self) -> bool:
        return time.monotonic() < self.open_until

    def trip(self) -> None:
        self.open_until = time.monotonic() + options().breaker_pause

    def reset(self) -> None:
        self.open_until = 0.0


breaker = Breaker()


def send_wake_ups_with(sender: Sender | None) -> None:
    """Say how a wake-up travels. The task module does so at start; with None no worker is woken,
    by nobody."""
    global _sender
    _sender = sender


def is_silent() -> bool:
    """No worker is to be woken."""
    return _sender is None


def wake(schema_name: str, lane: int) -> bool:
    """Ask a worker to drain a lane; at most one request is under way at a time.

    True when a request was sent. Never raises and never takes longer than the short time-out.
    """
    if _sender is None or breaker.is_open:
        return False
    try:
        if not _claim(schema_name, lane):
            return False
        _sender(schema_name, lane)
    except Exception as error:
        breaker.trip()
        log.warning("outbox.wake_up_failed", schema=schema_name, lane=lane, error=repr(error))
        return False
    return True


def heard(schema_name: str, lane: int) -> None:
    """A worker calls this before it looks: work that comes later needs a new wake-up."""
    if breaker.is_open:
        return
    try:
        client().delete(_key(schema_name, lane))
    except Exception as error:
        breaker.trip()
        log.warning("outbox.wake_up_not_cleared", schema=schema_name, error=repr(error))


def client() -> redis.Redis:
    """The dedicated client: short time-outs, no retries."""
    global _client
    with _client_lock:
        if _client is None:
            _client = connect(options().redis_timeout)
        return _client


def connect(patience: float) -> redis.Redis:
    """A client that waits so many seconds for an answer, and tries nothing twice."""
    return redis.Redis.from_url(
        settings.REDIS_URL,
        socket_timeout=patience,
        socket_connect_timeout=options().redis_timeout,
        retry=Retry(NoBackoff(), 0),
    )


def _claim(schema_name: str, lane: int) -> bool:
    life = int(options().wake_key_life * 1000)
    return bool(client().set(_key(schema_name, lane), b"1", nx=True, px=life))


def _key(schema_name: str, lane: int) -> str:
    return f"{schema_name}:outbox:wake:{lane}"
