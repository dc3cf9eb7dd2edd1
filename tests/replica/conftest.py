from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.db import connection, connections

from apps.students.models import Household
from config import testdb
from conftest import LINCOLN
from kernel import replica
from kernel import standby as standby_module
from kernel.schools import in_school
from kernel.standby import Standby
from tests.replica.server import StandbyServer, parts_for_django


@pytest.fixture(scope="session")
def server() -> Iterator[StandbyServer]:
    if not django_settings.DATABASE_ADMIN_URL:
        pytest.skip("needs the embedded server, to make a standby of it")
    server = StandbyServer(django_settings.DATABASE_ADMIN_URL)
    try:
        # A database that is made by files while a base backup is taken can break the backup.
        with testdb.making_none():
            server.copy()
        server.start()
        yield server
    finally:
        server.remove()


@pytest.fixture(scope="module")
def committed(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """Real commits, for a whole module: a standby sees nothing else. One fresh copy at the end."""
    with django_db_blocker.unblock():
        yield
        connection.set_schema_to_public()
        testdb.make(connection.settings_dict["NAME"])


@pytest.fixture
def lincoln(committed: None) -> Iterator[Any]:
    """Lincoln, open, without households; with real commits."""
    with in_school(LINCOLN) as opened:
        Household.objects.all().delete()
        yield opened


@pytest.fixture
def standby(
    lincoln: Any, server: StandbyServer, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Standby]:
    """What this process knows of the standby, fresh, with DATABASE_REPLICA_URL as if set."""
    if server.process is None:
        server.start()
    _add_alias(server)
    # Others write to the cluster, so it may lie behind. Lag has its own test.
    settings.REPLICA_MAX_LAG, settings.READ_OWN_WRITES = 30, 2
    settings.REPLICA_RETRY_SECONDS = 0.2
    monkeypatch.setattr(standby_module, "CHECK_EVERY", 0.0)
    # Beside the rest of the suite a healthy server may be slow. The real limit has its own test.
    monkeypatch.setattr(standby_module, "HANG_SECONDS", 5.0)
    fresh = Standby()
    monkeypatch.setattr(standby_module, "standby", fresh)
    monkeypatch.setattr(replica, "standby", fresh)
    replica.begin()
    yield fresh
    fresh._hang_up()
    replica.begin()
    connections["replica"].close()
    del connections["replica"], connections.settings["replica"]


def _add_alias(server: StandbyServer) -> None:
    parts = copy.deepcopy(connections.settings["default"])
    parts.update(parts_for_django(server.address), ENGINE="config.replica")
    parts["NAME"] = connection.settings_dict["NAME"]
    parts["OPTIONS"].pop("host", None)
    connections.settings["replica"] = parts
