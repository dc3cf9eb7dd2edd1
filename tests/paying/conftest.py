"""Families that pay at the real sandbox gateway, seen from above both apps."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from apps.fees.services import autopay
from apps.fees.tests import factories as make
from apps.fees.tests.conftest import family, parent, room
from apps.fees.tests.test_checkout import second
from apps.payments.sandbox import wire
from apps.payments.tests.conftest import account, sandbox
from tests.paying.cards import keep_card

__all__ = ["account", "family", "parent", "room", "sandbox", "second"]


@pytest.fixture
def days(monkeypatch):
    """days(3): it is three days later, at ten in the morning at the school."""
    zone = ZoneInfo("America/Chicago")
    begin = datetime.now(zone).replace(hour=10, minute=0)
    state = {"at": begin}

    def later(count, hour=10):
        state["at"] = (begin + timedelta(days=count)).replace(hour=hour)
        return state["at"].date()

    def now():
        return state["at"].astimezone(ZoneInfo("UTC"))

    monkeypatch.setattr(timezone, "now", now)
    monkeypatch.setattr(wire, "now", lambda: int(state["at"].timestamp()))  # the gateway's clock
    return later


@pytest.fixture
def maria(account, room, family, days):
    """Maria has turned automatic payment on; 450 dollars a child are due in ten days."""
    family.guardian.email = "maria@example.org"
    family.guardian.save()
    make.bill(room, amount_minor=100)
    family.card = keep_card(family.guardian)
    autopay.enrol(guardian_id=family.guardian.pk, method_id=family.card)
    make.bill(room, due_on=days(0) + timedelta(days=10))
    return family
