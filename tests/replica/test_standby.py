"""Reading from a real streaming standby: what comes from it, and what must not."""

from __future__ import annotations

import io
import json
import re
import signal
import time
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, connections, transaction
from django.db.models import BooleanField, Func
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.identity.models import User
from apps.students.models import Household
from conftest import SAN_MARTIN, _sign_in, client_on, make_user
from kernel import replica
from kernel import standby as standby_module
from kernel.ids import uuid7
from kernel.replica import reading_replica, reads_replica
from kernel.schools import in_school
from kernel.standby import HANG_SECONDS, Standby
from tests.replica.server import StandbyServer
from tests.waiting import wait_for

pytestmark = pytest.mark.timeout(120)


class InRecovery(Func):
    function = "pg_is_in_recovery"
    output_field = BooleanField()


def answered_by() -> str:
    """Which server answers the ORM just now."""
    where = Household.objects.annotate(there=InRecovery()).values_list("there", flat=True).first()
    return {True: "standby", False: "primary"}[where]


def report() -> tuple[bool, str]:
    with reading_replica() as there:
        return there, answered_by()


@pytest.fixture
def household(standby: Standby, server: StandbyServer) -> Household:
    """A row that both servers have; nothing was written lately."""
    row = Household.objects.create()
    server.wait_caught_up()
    replica.begin()
    wait_for(lambda: report()[0], "the standby to be fit")
    return row


# Who reads where ------------------------------------------------------------------------------


def test_a_report_is_read_from_the_standby(household: Household) -> None:
    assert answered_by() == "primary"
    assert report() == (True, "standby")
    with reading_replica():
        assert Household.objects.get() == household
    assert answered_by() == "primary"


def test_own_writes_are_read_from_the_primary(household: Household) -> None:
    with reading_replica() as there:
        assert there
        Household.objects.create()
        assert answered_by() == "primary"
        assert Household.objects.count() == 2
    assert report() == (False, "primary")
    replica.begin()  # the next request
    assert report() == (True, "standby")


def test_a_transaction_reads_what_it_belongs_to(household: Household) -> None:
    with transaction.atomic():
        assert report() == (False, "primary")
    with reading_replica():
        assert answered_by() == "standby"
        with transaction.atomic():
            assert answered_by() == "primary"


def test_a_row_from_the_standby_is_saved_to_the_primary(household: Household) -> None:
    with reading_replica():
        read = Household.objects.get()
    read.save()
    assert read._state.db == "default"


def test_nothing_is_configured_without_an_address(lincoln: Any) -> None:
    Household.objects.create()
    assert "replica" not in connections
    assert report() == (False, "primary")


# Isolation on the standby ---------------------------------------------------------------------


def test_the_standby_follows_the_school(household: Household) -> None:
    with reading_replica():
        assert Household.objects.count() == 1
        with in_school(SAN_MARTIN):
            assert Household.objects.count() == 0
            with connections["replica"].cursor() as cursor:
                cursor.execute("SELECT current_schema()")
                assert cursor.fetchone() == (SAN_MARTIN,)


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM t_000002.students_household",
        "SELECT * FROM public.tenants_school",
        "SELECT * FROM public.identity_user",
    ],
)
def test_the_walls_stand_there_too(household: Household, statement: str) -> None:
    with reading_replica():
        cursor = connections["replica"].cursor()
        with pytest.raises(DatabaseError, match="permission denied"):
            cursor.execute(statement)


def test_nobody_writes_there(household: Household) -> None:
    with connections["replica"].cursor() as cursor:
        cursor.execute("SHOW default_transaction_read_only")
        assert cursor.fetchone() == ("on",)
        with pytest.raises(DatabaseError, match="read-only transaction"):
            cursor.execute("DELETE FROM students_household")
    assert Household.objects.count() == 1


# Behind, away, frozen -------------------------------------------------------------------------


def test_a_standby_that_lags_is_not_read(
    household: Household, standby: Standby, server: StandbyServer, settings: Any
) -> None:
    settings.REPLICA_MAX_LAG = 0.3
    server.ask("SELECT pg_wal_replay_pause()")
    try:
        Household.objects.create()
        replica.begin()
        wait_for(lambda: not report()[0], "the lag to be noticed")
        assert report() == (False, "primary")
        assert standby.lag is not None
        assert 0.3 < standby.lag < 30
    finally:
        server.ask("SELECT pg_wal_replay_resume()")
    # Others write to the cluster: it may lie as far behind once more for a moment.
    wait_for(lambda: report() == (True, "standby"), "the standby to be read again")


def test_a_night_without_a_commit_is_no_lag(
    household: Household, standby: Standby, server: StandbyServer
) -> None:
    """pg_last_xact_replay_timestamp() alone would say that the standby is falling behind."""
    time.sleep(1.5)
    assert report() == (True, "standby")
    # Others may write to the cluster at this moment.
    wait_for(lambda: report()[0] and standby.lag < 1, "a look without lag")
    assert standby.lag < 1


def test_a_standby_that_is_gone_is_not_missed(
    household: Household, standby: Standby, server: StandbyServer, settings: Any
) -> None:
    settings.REPLICA_RETRY_SECONDS = 3
    assert report() == (True, "standby")
    server.stop()
    assert (report(), standby.lag) == ((False, "primary"), None)
    looked_at = standby.checked
    assert report() == (False, "primary")
    assert standby.checked == looked_at, "it is left alone for a while"
    server.start()
    wait_for(lambda: report() == (True, "standby"), "the standby to be used again")


def test_a_frozen_standby_costs_a_moment_once(
    household: Household,
    standby: Standby,
    server: StandbyServer,
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings.REPLICA_RETRY_SECONDS = 3
    assert report() == (True, "standby")
    monkeypatch.setattr(standby_module, "HANG_SECONDS", HANG_SECONDS)
    server.signal(signal.SIGSTOP)
    try:
        began = time.monotonic()
        assert report() == (False, "primary")
        looked_at = standby.checked
        # A frozen server would be waited for without end; it is for HANG_SECONDS.
        assert standby.closed_until - began < 10
        assert [report() for _ in range(5)] == [(False, "primary")] * 5
        assert standby.checked == looked_at, "it is left alone for a while"
    finally:
        server.signal(signal.SIGCONT)
    monkeypatch.setattr(standby_module, "HANG_SECONDS", 5.0)
    wait_for(lambda: report() == (True, "standby"), "the standby to be used again")


def test_a_report_that_loses_the_standby_half_way_is_made_again(
    household: Household, server: StandbyServer
) -> None:
    answers = []

    @reads_replica
    def statement() -> int:
        answers.append(answered_by())
        if len(answers) == 1:
            server.stop()
        return Household.objects.count()

    try:
        assert statement() == 1
        assert answers == ["standby", "primary"]
    finally:
        server.start()


def test_an_error_on_the_primary_is_not_tried_twice(household: Household) -> None:
    calls = []

    @reads_replica
    def broken() -> None:
        calls.append(1)
        with connection.cursor() as cursor:
            cursor.execute("SELECT nothing FROM students_household")

    with pytest.raises(DatabaseError):
        broken()
    assert calls == [1]


# Over HTTP ------------------------------------------------------------------------------------


@pytest.fixture
def admin(household: Household, settings: Any, server: StandbyServer) -> Iterator[Client]:
    """Lincoln's administrator, who may open every report."""
    settings.MIDDLEWARE = [
        "config.gateway.replica.ReplicaMiddleware",
        *(name for name in settings.MIDDLEWARE if "gateway.replica" not in name),
    ]
    client = client_on("lincoln.testserver")
    user = make_user("admin", email=f"{uuid7()}@example.org")
    _sign_in(client, user.id)
    server.wait_caught_up()
    yield client
    User.objects.filter(pk=user.id).delete()


def from_standby(client: Client, path: str) -> bool:
    with CaptureQueriesContext(connections["replica"]) as queries:
        assert client.get(path).status_code == 200
    return len(queries) > 0


REPORTS = [
    *("/portal/", "/portal/payments/", "/portal/fees/invoices/", "/portal/people/audit/"),
    *("/portal/fees/reports/", "/portal/fees/reports/outstanding/"),
]


@pytest.mark.parametrize("path", REPORTS)
def test_a_report_page_reads_the_standby(admin: Client, path: str) -> None:
    assert from_standby(admin, path)


def test_whoever_has_just_written_sees_it(admin: Client, server: StandbyServer) -> None:
    server.ask("SELECT pg_wal_replay_pause()")
    try:
        form = {"language": "en", "next": "/portal/"}
        assert admin.post("/language/", form).status_code == 302
        assert not from_standby(admin, "/portal/payments/")
    finally:
        server.ask("SELECT pg_wal_replay_resume()")
    time.sleep(3.1)  # READ_OWN_WRITES is 2, counted in whole seconds
    server.wait_caught_up()
    assert from_standby(admin, "/portal/payments/")


def test_a_forged_cookie_is_no_cookie(admin: Client) -> None:
    admin.cookies["wrote"] = "1:1xxxxx:forged"
    assert from_standby(admin, "/portal/payments/")


# For operators --------------------------------------------------------------------------------


def test_replica_status_and_metrics_tell(
    household: Household, server: StandbyServer, standby: Standby
) -> None:
    out = io.StringIO()
    call_command("replica_status", "--json", stdout=out)
    told = json.loads(out.getvalue())
    assert (told["configured"], told["in_use"], told["problem"]) == (True, True, "")
    assert 0 <= told["lag_seconds"] <= 1
    page = Client(headers={"host": "testserver"}).get("/metrics").content.decode()
    assert "homeroom_replica_in_use 1.0" in page
    assert re.search(r"^homeroom_replication_lag_seconds 0\.\d+$", page, re.MULTILINE)


def test_they_tell_of_a_replica_that_is_gone(
    household: Household, server: StandbyServer, standby: Standby
) -> None:
    server.stop()
    try:
        out = io.StringIO()
        with pytest.raises(CommandError, match="Reports read from the primary") as ended:
            call_command("replica_status", stdout=out)
        assert ended.value.returncode == 1
        assert out.getvalue().startswith("The replica does not answer: ")
        page = Client(headers={"host": "testserver"}).get("/metrics").content.decode()
        assert "homeroom_replica_in_use 0.0" in page
        assert "replication_lag" not in page
    finally:
        server.start()
