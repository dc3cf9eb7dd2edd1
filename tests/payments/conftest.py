"""Payments and the books together: the sandbox gateway, families with bills, and the outbox."""

from __future__ import annotations

from typing import Any

import pytest

from apps.fees.tests import factories as make
from apps.payments.tests.conftest import account, sandbox

__all__ = ["account", "sandbox"]


@pytest.fixture
def room(school: Any) -> Any:
    return make.make_class()


@pytest.fixture
def family(room: Any) -> make.Family:
    """Maria Lopez and her two children, billed nothing yet."""
    return make.make_family(room, children=2, email="maria@example.org")
