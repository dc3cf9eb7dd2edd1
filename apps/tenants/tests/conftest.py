from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.utils import translation

from apps.events import facade as events
from apps.tenants import hosts
from apps.tenants.contracts import ProvisioningContext
from apps.tenants.models import Domain, OperatorAction, School, SpareSchool
from apps.tenants.services import provision
from apps.tenants.services.steps import Step
from apps.tenants.tests.signing_up import FORM, START, path_in
from kernel.schools import current_school, in_public

ORDER = {"name": "Riverside School", "slug": "riverside", "admin_email": "jo@example.org"}


@pytest.fixture(autouse=True)
def _fresh_host_map() -> Iterator[None]:
    hosts._map.empty(0)
    yield
    hosts._map.empty(0)


@pytest.fixture
def stranger(db: None) -> Iterator[Client]:
    """A visitor of the platform's host; the language of their browser is theirs alone."""
    yield Client(headers={"host": "testserver"})
    translation.deactivate()


@pytest.fixture
def deliver(db: None) -> Callable[[], int]:
    """deliver(): hand on the events of the platform that wait."""
    return lambda: events.drain("public")


@pytest.fixture
def link(stranger: Client, deliver: Callable[[], int], mailbox: list[Any]) -> str:
    """The path in the mail to whoever sent the form."""
    stranger.post(START, FORM)
    deliver()
    return path_in(mailbox[-1])


@pytest.fixture
def order() -> dict[str, str]:
    """A good order for a new school."""
    return dict(ORDER)


@pytest.fixture
def published(db: None) -> Callable[[str], list[Any]]:
    """published(event type): the payloads in the outbox of the schema that is open."""

    def read(event_type: str) -> list[Any]:
        with connection.cursor() as cursor:
            query = "SELECT payload::text FROM outbox_event WHERE event_type = %s"
            cursor.execute(query, [event_type])
            return [json.loads(row[0]) for row in cursor.fetchall()]

    return read


@pytest.fixture
def footprint(db: None) -> Callable[[], dict[str, int]]:
    """How much the installation holds: schemas, spares, schools, domains, actions, events."""

    def measure() -> dict[str, int]:
        with in_public(), connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_namespace WHERE nspname LIKE 't\\_%'")
            schemas = cursor.fetchone()[0]
            cursor.execute("SELECT count(*) FROM outbox_event")
            return {
                "schemas": schemas,
                "spares": SpareSchool.objects.count(),
                "schools": School.objects.count(),
                "domains": Domain.objects.count(),
                "actions": OperatorAction.objects.count(),
                "events": cursor.fetchone()[0],
            }

    return measure


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """In place of the apps' steps two that say in which school they ran."""
    ran: list[str] = []

    def settle(context: ProvisioningContext) -> None:
        ran.append(f"settle {current_school().schema_name == context.school.schema_name}")

    def invite(context: ProvisioningContext) -> None:
        ran.append(f"invite {context.admin_name} <{context.admin_email}>")

    both = [Step("Settled in", settle), Step("Invited the administrator", invite)]
    _steps_are(monkeypatch, both)
    return ran


@pytest.fixture
def failing_step(monkeypatch: pytest.MonkeyPatch) -> Callable[[BaseException], None]:
    """failing_step(error): provisioning has one step, and it raises this."""

    def arrange(error: BaseException) -> None:
        def fail(context: ProvisioningContext) -> Any:
            raise error

        _steps_are(monkeypatch, [Step("Invited the administrator", fail)])

    return arrange


def _steps_are(monkeypatch: pytest.MonkeyPatch, steps: list[Step]) -> None:
    def in_order(*, after_opening: bool) -> list[Step]:
        return [step for step in steps if step.after_opening == after_opening]

    monkeypatch.setattr(provision, "steps_in_order", in_order)
