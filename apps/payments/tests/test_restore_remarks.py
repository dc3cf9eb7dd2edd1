"""What a restore says about money that came after the backup."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest

from apps.payments.restoring import _tell_of_lost_payments


@pytest.mark.parametrize(
    ("amounts", "says"),
    [
        ([31000], "1 payment of $310.00 arrived after"),
        ([31000, 1000], "2 payments of $320.00 in all arrived after"),
    ],
)
def test_one_lost_payment_is_not_many(school: Any, amounts: list[int], says: str) -> None:
    rows = [(UUID(int=key), amount) for key, amount in enumerate(amounts, start=1)]
    told: list[str] = []
    context: Any = SimpleNamespace(
        replaced=lambda _query: rows, taken_at=datetime(2026, 1, 1, tzinfo=UTC), tell=told.append
    )

    _tell_of_lost_payments(context)

    assert told[0].startswith(says)
