"""/readyz asks whether this release's migrations are everywhere: in three queries, by versions."""

from __future__ import annotations

from typing import Any

import pytest
from django.apps import apps
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.tenants import facade as tenants
from apps.tenants.services.schemas import pending


@pytest.fixture
def waits(db: None, settings: Any) -> Any:
    """What the web waits for, which has no owner's address."""
    settings.OWNER_DATABASE = None
    return tenants.what_this_code_waits_for


def test_it_is_ready_when_everything_is_migrated(waits: Any) -> None:
    with CaptureQueriesContext(connection) as queries:
        assert waits() == ""
    assert len([q for q in queries if q["sql"].startswith("SELECT")]) <= 6


def test_a_school_that_is_still_to_come_is_waited_for(waits: Any) -> None:
    school = apps.get_model("tenants", "School")
    school.objects.filter(slug="lincoln").update(schema_version="an earlier one")
    assert waits() == "1 schools behind"

    # one that could not be brought along is told of by migrate_schools, and holds nobody up
    school.objects.filter(slug="lincoln").update(schema_error="division by zero")
    assert waits() == ""


def test_a_migration_of_this_release_that_nobody_ran_is_seen(
    waits: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = pending.migrations_on_disk()
    monkeypatch.setattr(pending, "migrations_on_disk", lambda: (*disk, ("fees", "0999_next")))

    assert waits() == "1 pending"
    monkeypatch.setattr(pending, "pending_on_platform", list)
    assert waits() == "not recorded"
