"""Attempt counters in the database: exact under concurrency, and there when Redis is not.

An attempt is counted before the password is hashed, so that a flood costs one small statement
each and not 20 ms of Argon2.
"""

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import connection
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.identity.models import SignInAttempt
from kernel.errors import DomainError

COUNT_ONE_MORE = """
INSERT INTO identity_signinattempt AS counter (key, count, window_started_at)
VALUES (%(key)s, 1, %(now)s)
ON CONFLICT (key) DO UPDATE SET
    count = CASE WHEN counter.window_started_at <= %(fresh_since)s THEN 1
                 ELSE counter.count + 1 END,
    window_started_at = CASE WHEN counter.window_started_at <= %(fresh_since)s THEN %(now)s
                             ELSE counter.window_started_at END
RETURNING count, window_started_at
"""


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `most` attempts in one window; a window starts with its first attempt."""

    name: str
    most: int
    window: timedelta


# A whole school may sit behind one address, so the limit by address is generous; it also gets
# its count back when the sign-in succeeds.
SIGN_IN_BY_EMAIL = Limit("sign-in:email", 10, timedelta(minutes=15))
SIGN_IN_BY_ADDRESS = Limit("sign-in:address", 100, timedelta(minutes=15))
RESET_BY_EMAIL = Limit("reset:email", 5, timedelta(hours=1))
RESET_BY_ADDRESS = Limit("reset:address", 50, timedelta(hours=1))
KEPT_FOR = timedelta(days=1)


class TooManyAttempts(DomainError):
    """The limit is reached; `retry_after` is the wait in seconds."""

    status = 429
    code = "too_many_attempts"

    def __init__(self, retry_after: int) -> None:
        minutes = max(1, round(retry_after / 60))
        message = _("Too many attempts. Please wait %(minutes)d minutes and try again.")
        super().__init__(message % {"minutes": minutes})
        self.retry_after = retry_after


def key_for(limit: Limit, value: str) -> str:
    """The counter's key; hashed, because what people type into an e-mail field may be a secret."""
    digest = hashlib.sha256(value.strip().lower().encode()).hexdigest()[:40]
    return f"{limit.name}:{digest}"


def count_attempt(limit: Limit, value: str) -> None:
    """Count one attempt. Raises TooManyAttempts once the limit is passed.

    Call outside a transaction that a refusal rolls back, or the count is lost with it.
    """
    now = timezone.now()
    parameters: dict[str, Any] = {
        "key": key_for(limit, value),
        "now": now,
        "fresh_since": now - limit.window,
    }
    with connection.cursor() as cursor:
        cursor.execute(COUNT_ONE_MORE, parameters)
        count, window_started_at = cursor.fetchone()
    if count > limit.most:
        remaining = window_started_at + limit.window - now
        raise TooManyAttempts(max(1, int(remaining.total_seconds())))


def forget(limit: Limit, value: str) -> None:
    """The person proved who they are: start again from nothing."""
    SignInAttempt.objects.filter(key=key_for(limit, value)).delete()


def give_back(limit: Limit, value: str) -> None:
    """Take one attempt off again: it was a good one."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE identity_signinattempt SET count = greatest(count - 1, 0) WHERE key = %s",
            [key_for(limit, value)],
        )


def sweep() -> int:
    """Delete counters nobody has touched for a day; returns how many."""
    stale = SignInAttempt.objects.filter(window_started_at__lt=timezone.now() - KEPT_FOR)
    return stale.delete()[0]
