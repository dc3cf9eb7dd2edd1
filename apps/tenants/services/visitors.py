"""Limits for strangers on the platform's own pages, counted in the database.

Addresses and e-mails are stored as hashes only.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import IPv6Address, IPv6Network
from typing import Any

from django.db import connection
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.tenants.models import VisitorCount
from kernel.errors import DomainError
from kernel.schools import in_public

_COUNT = """
INSERT INTO tenants_visitorcount AS counter (key, count, window_started_at)
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
    """At most `most` times in a window, which starts with the first time."""

    name: str
    most: int
    window: timedelta


SIGN_UP_BY_ADDRESS = Limit("sign-up:address", 10, timedelta(hours=1))
SIGN_UP_BY_EMAIL = Limit("sign-up:email", 5, timedelta(days=1))
CONFIRM_BY_ADDRESS = Limit("confirm:address", 60, timedelta(hours=1))
NAMES_BY_ADDRESS = Limit("names:address", 300, timedelta(minutes=10))
FIND_BY_ADDRESS = Limit("find:address", 60, timedelta(minutes=10))
KEPT_FOR = timedelta(days=2)


class TooMany(DomainError):
    """The limit is reached; `retry_after` is the wait in seconds."""

    status = 429
    code = "too_many_attempts"

    def __init__(self, retry_after: int) -> None:
        minutes = max(1, round(retry_after / 60))
        message = _("Too many attempts. Please wait %(minutes)d minutes and try again.")
        super().__init__(message % {"minutes": minutes})
        self.retry_after = retry_after


def count(limit: Limit, value: str) -> None:
    """Count one more. Raises TooMany past the limit.

    Call it outside a transaction that a refusal rolls back, or the count is lost with it.
    """
    now = timezone.now()
    digest = hashlib.sha256(_whose(value.strip().lower()).encode()).hexdigest()[:40]
    parameters: dict[str, Any] = {
        "key": f"{limit.name}:{digest}",
        "now": now,
        "fresh_since": now - limit.window,
    }
    with in_public(), connection.cursor() as cursor:
        cursor.execute(_COUNT, parameters)
        times, started = cursor.fetchone()
    if times > limit.most:
        raise TooMany(max(1, int((started + limit.window - now).total_seconds())))


def _whose(value: str) -> str:
    """An IPv6 visitor has at least a /64 of addresses: all of them count as one."""
    try:
        address = IPv6Address(value)
    except ValueError:
        return value
    return str(address.ipv4_mapped or IPv6Network((int(address), 64), strict=False))


def forget_old() -> int:
    """Delete counters nobody has touched for two days. Returns how many."""
    with in_public():
        stale = VisitorCount.objects.filter(window_started_at__lt=timezone.now() - KEPT_FOR)
        return stale.delete()[0]
