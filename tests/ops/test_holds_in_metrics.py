"""Pauses of payments, in the figures of the installation."""

from __future__ import annotations

from typing import Any

from django.test import Client
from django.utils import timezone

from apps.events import facade as events
from apps.payments.models import FraudHold


def waiting() -> float:
    page = Client(headers={"host": "testserver"}).get("/metrics", REMOTE_ADDR="127.0.0.1")
    lines = page.content.decode().splitlines()
    [line] = [each for each in lines if each.startswith("homeroom_payment_holds ")]
    return float(line.split()[1])


def test_pauses_are_counted_whoever_placed_them(school: Any, clear_cache: Any) -> None:
    now = timezone.now()
    for number, state in enumerate(("open", "open", "kept")):
        FraudHold.objects.create(
            subject=f"family:{number}", kind="velocity", state=state, placed_at=now, until=now
        )
    assert waiting() == 0, "nobody has counted yet"

    for schema_name in ("public", "t_000001", "t_000002"):
        events.count_outbox(schema_name)

    assert waiting() == 2
