"""What hand-written or injected SQL can reach from inside a school: PostgreSQL itself says no.

Each attempt is made on the connection that a request of Lincoln Elementary has, with San Martín's
tables and the platform's in the same database. The tests look at what arrives, so they use the
product's connection and nothing of the product's above it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import psycopg
import pytest
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, ProgrammingError, connection, connections, transaction
from psycopg import errors
from psycopg.conninfo import conninfo_to_dict

from apps.students.models import Student
from config.postgres.base import DatabaseWrapper, SchoolNotOpened
from config.postgres.guard import StatementRefused
from conftest import LINCOLN, SAN_MARTIN
from kernel.owner import owner_session
from kernel.roles import add_member, app_login, drop_school_role, make_role
from kernel.schools import in_public, in_school
from tests.tenancy.attempts import REFUSED_BEFORE, REFUSED_BY_THE_DATABASE

OpenOther = Callable[[], AbstractContextManager[Any]]


def run(statement: Any, values: Any = None) -> list[Any]:
    """In a savepoint of its own, as a request does it."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchall() if cursor.description else []


def copy_out(statement: str) -> list[Any]:
    with transaction.atomic(), connection.cursor() as cursor, cursor.copy(statement) as copy:
        return list(copy)


def whoami() -> tuple[str, str]:
    """The role and the path that the server has."""
    return run("SELECT current_user::text, current_setting('search_path')")[0]


@contextmanager
def on_the_wire() -> Iterator[list[str]]:
    """What is sent to switch, in order."""
    sent: list[str] = []
    wrapper: Any = connections["default"]
    send = wrapper._send

    def note(statement: str) -> None:
        sent.append(statement)
        send(statement)

    wrapper._send = note
    try:
        yield sent
    finally:
        del wrapper._send


@pytest.mark.parametrize("statement", REFUSED_BY_THE_DATABASE.values(), ids=REFUSED_BY_THE_DATABASE)
@pytest.mark.parametrize("values", [None, []], ids=["", "with parameters"])
def test_what_is_not_the_schools_is_refused(school: Any, statement: str, values: Any) -> None:
    expected = errors.InsufficientPrivilege, errors.SyntaxError
    with pytest.raises((DatabaseError, psycopg.Error)) as caught:
        if statement.startswith("COPY"):
            copy_out(statement)
        else:
            run(statement, values)
    cause = caught.value.__cause__ or caught.value
    if statement.startswith("TRUNCATE"):
        assert isinstance(cause, StatementRefused)
    elif "; " in statement:
        assert "multiple commands" in str(cause)
    else:
        assert isinstance(cause, expected), cause
        assert "permission denied" in str(cause).lower() or "superuser" in str(cause).lower()


@pytest.mark.parametrize("statement", REFUSED_BEFORE)
@pytest.mark.parametrize("through", ["cursor", "stream", "many", "copy", "driver", "named"])
def test_what_is_not_about_rows_is_not_sent(school: Any, statement: str, through: str) -> None:
    whoami()
    driver = connection.connection
    with pytest.raises((DatabaseError, psycopg.Error)) as caught, transaction.atomic():
        if through == "driver":
            driver.execute(statement)
        elif through == "stream":
            list(driver.cursor().stream(statement))
        elif through == "many":
            driver.cursor().executemany(statement, [[]])
        elif through == "copy":
            with driver.cursor().copy(statement) as copy:
                list(copy)
        elif through == "named":
            with connection.chunked_cursor() as cursor:
                cursor.execute(statement)
        else:
            run(statement)
    cause = caught.value.__cause__ or caught.value
    if through != "named":
        assert isinstance(cause, StatementRefused)
    else:  # behind DECLARE … CURSOR FOR nothing but a query is grammar
        assert isinstance(cause, errors.SyntaxError)


def test_after_all_that_the_school_is_still_open(school: Any) -> None:
    for statement in [
        "RESET ROLE",
        "SELECT set_config('role', 'none', false)",
        "SELECT 1; SELECT 2",
    ]:
        with pytest.raises(DatabaseError):
            run(statement)
    assert whoami() == (LINCOLN, LINCOLN)


@pytest.mark.parametrize(
    ("statement", "answer"),
    [
        ("SELECT 1", "SELECT"),
        ("  select 1", "SELECT"),
        ("/* why */ SELECT 1", "SELECT"),
        ("-- why\nSELECT 1", "SELECT"),
        ("(SELECT 1) UNION (SELECT 2)", "SELECT"),
        ("((SELECT 1))", "SELECT"),
        ("WITH a AS (SELECT 1) SELECT * FROM a", "SELECT"),
        ("VALUES (1)", "SELECT"),
        ("TABLE students_student", "SELECT"),
        ("EXPLAIN SELECT 1", "EXPLAIN"),
        ("SHOW search_path", "SHOW"),
        ("SET CONSTRAINTS ALL IMMEDIATE", "SET CONSTRAINTS"),
        ("SET LOCAL lock_timeout = '3s'", "SET"),
        ("SET LOCAL statement_timeout TO 1000", "SET"),
        ("SELECT pg_advisory_xact_lock(1, 2)", "SELECT"),
        ("SELECT pg_try_advisory_xact_lock(1, 2)", "SELECT"),
    ],
)
def test_what_is_about_rows_is_sent(school: Any, statement: str, answer: str) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
        assert cursor.statusmessage.rstrip(" 0123456789") == answer


def test_a_value_cannot_end_its_statement(school: Any) -> None:
    hostile = "x'; SET ROLE t_000002; --"
    assert run("SELECT %s::text", [hostile]) == [(hostile,)]
    assert Student.objects.filter(first_name=hostile).count() == 0
    assert whoami() == (LINCOLN, LINCOLN)


def test_a_school_works_with_its_own_rows(school: Any) -> None:
    run("INSERT INTO django_session VALUES ('k', 'd', now())")
    assert run("SELECT session_data FROM django_session FOR UPDATE") == [("d",)]
    run("UPDATE django_session SET session_data = 'e' WHERE session_key = %s", ["k"])
    run("DELETE FROM django_session")
    assert run("SELECT count(*) FROM django_session") == [(0,)]


# The platform's announcements: one table for all, each school sees its own rows --------------


def _announce(tenant_id: int) -> list[Any]:
    return run(
        "INSERT INTO public.outbox_ready (tenant_id, lane, first_id, last_id)"
        " VALUES (%s, 0, 1, 1) RETURNING tenant_id",
        [tenant_id],
    )


def test_a_school_announces_for_itself_only(school: Any) -> None:
    assert _announce(1) == [(1,)]
    for other in (2, 0, 999):
        with pytest.raises(ProgrammingError, match="row-level security"):
            _announce(other)
    with pytest.raises(ProgrammingError, match="row-level security"):
        run("UPDATE public.outbox_ready SET tenant_id = 2")


def test_a_school_sees_and_deletes_its_own_announcements_only(
    school: Any, in_other_school: OpenOther
) -> None:
    _announce(1)
    with in_other_school():
        _announce(2)
        assert run("SELECT DISTINCT tenant_id FROM public.outbox_ready") == [(2,)]
        run("DELETE FROM public.outbox_ready")
    assert run("SELECT tenant_id FROM public.outbox_ready") == [(1,)]
    with in_public():
        assert run("SELECT tenant_id FROM public.outbox_ready") == [(1,)]
        assert _announce(7) == [(7,)]


def test_the_platform_reads_no_school_without_opening_it(db: None) -> None:
    with in_public():
        assert whoami()[0] == connection.settings_dict["USER"]
        for table in ("t_000001.students_student", "t_000002.identity_user"):
            with pytest.raises(ProgrammingError, match="permission denied for schema"):
                run(f"SELECT * FROM {table}")
        with pytest.raises(ProgrammingError, match="permission denied"):
            run("UPDATE django_migrations SET name = 'x'")
        with pytest.raises(ProgrammingError, match="permission denied for schema public"):
            run("SELECT 1 AS a INTO public.mine")


def test_the_login_is_no_more_than_an_app(db: None) -> None:
    rights = run(
        "SELECT rolsuper, rolcreaterole, rolcreatedb, rolbypassrls, rolreplication, rolinherit"
        " FROM pg_roles WHERE rolname = session_user"
    )
    assert rights == [(False,) * 6]
    owned = "SELECT count(*) FROM pg_class WHERE relowner = session_user::regrole"
    assert run(owned) == [(0,)]


# Switching ----------------------------------------------------------------------------------


def test_path_and_role_travel_in_one_string_and_only_when_the_school_changes(
    school: Any, in_other_school: OpenOther
) -> None:
    whoami()
    with on_the_wire() as sent:
        for _ in range(3):
            Student.objects.count()
        connection.set_tenant(school)
        Student.objects.count()
        assert sent == []
        with in_other_school():
            pass  # nothing was asked of it, beyond which school it is
        Student.objects.count()
        sent.clear()
        with in_school(SAN_MARTIN):
            Student.objects.count()
            Student.objects.count()
        Student.objects.count()
    assert [line for line in sent if "public" not in line] == [
        'SET search_path = "t_000002"; SET ROLE "t_000002"',
        'SET search_path = "t_000001"; SET ROLE "t_000001"',
    ]


def test_public_inside_a_schools_transaction_and_back(school: Any) -> None:
    with transaction.atomic():
        assert whoami() == (LINCOLN, LINCOLN)
        with in_public():
            assert whoami() == (connection.settings_dict["USER"], "public")
            assert run("SELECT count(*) FROM tenants_school")[0][0] >= 2
        assert whoami() == (LINCOLN, LINCOLN)


def test_a_savepoint_that_is_rolled_back_takes_the_school_with_it(school: Any) -> None:
    assert whoami() == (LINCOLN, LINCOLN)
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        connection.set_schema(SAN_MARTIN)
        assert whoami() == (SAN_MARTIN, SAN_MARTIN)
        raise ZeroDivisionError
    # The server is back in Lincoln; San Martín is what the program says.
    assert whoami() == (SAN_MARTIN, SAN_MARTIN)
    connection.set_tenant(school)
    assert whoami() == (LINCOLN, LINCOLN)


def test_a_savepoint_after_an_error_is_rolled_back_whatever_is_open(school: Any) -> None:
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT 1 / 0")
    assert whoami() == (LINCOLN, LINCOLN)


def test_a_transaction_that_is_rolled_back_takes_the_school_with_it(committed_school: Any) -> None:
    assert whoami() == (LINCOLN, LINCOLN)
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        connection.set_schema(SAN_MARTIN)
        assert whoami() == (SAN_MARTIN, SAN_MARTIN)
        raise ZeroDivisionError
    assert whoami() == (SAN_MARTIN, SAN_MARTIN)
    connection.set_tenant(committed_school)
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        assert whoami() == (LINCOLN, LINCOLN)
        raise ZeroDivisionError
    assert whoami() == (LINCOLN, LINCOLN)
    connection.close()
    assert whoami() == (LINCOLN, LINCOLN)


def test_a_kept_connection_serves_the_next_school(committed_school: Any) -> None:
    first = whoami(), connection.connection.info.backend_pid
    connection.close_if_unusable_or_obsolete()
    connection.set_schema(SAN_MARTIN)
    second = whoami(), connection.connection.info.backend_pid
    assert first == ((LINCOLN, LINCOLN), second[1])
    assert second[0] == (SAN_MARTIN, SAN_MARTIN)


@pytest.mark.parametrize(
    ("schema_name", "error"),
    [
        ("t_987654", SchoolNotOpened),
        ("T_000001", SchoolNotOpened),
        ("homeroom_school", SchoolNotOpened),
        ("postgres", SchoolNotOpened),
        ("pg_catalog", ImproperlyConfigured),
        ('t_000001", "public', ImproperlyConfigured),
        ("", ImproperlyConfigured),
    ],
)
def test_an_unknown_school_fails_closed(
    school: Any, schema_name: str, error: type[Exception]
) -> None:
    for _again in range(2):
        with pytest.raises(error), transaction.atomic():
            connection.set_schema(schema_name)
            run("SELECT count(*) FROM django_session")
        connection.set_tenant(school)
        assert whoami() == (LINCOLN, LINCOLN)


def test_a_role_without_its_school_fails_closed(school: Any) -> None:
    with owner_session() as owner:
        make_role(owner, "t_987653")
        add_member(owner, app_login(), of="t_987653", options="INHERIT FALSE, SET TRUE")
    try:
        for table in ("identity_user", "tenants_school", "outbox_ready"):
            with pytest.raises(ProgrammingError, match="does not exist"), transaction.atomic():
                connection.set_schema("t_987653")
                run(f"SELECT count(*) FROM {table}")
            connection.set_tenant(school)
    finally:
        with owner_session() as owner:
            drop_school_role(owner, "t_987653")


def test_a_connection_that_has_seen_enough_schools_is_closed_between_requests(
    committed_school: Any, settings: Any
) -> None:
    settings.SCHOOLS_PER_CONNECTION = 2
    whoami()
    first = connection.connection
    connection.close_if_unusable_or_obsolete()
    assert connection.connection is first
    for schema_name in (SAN_MARTIN, "public"):
        connection.set_schema(schema_name)
        whoami()
    connection.close_if_unusable_or_obsolete()
    assert connection.connection is None
    assert whoami()[1] == "public"


@pytest.mark.parametrize("powerful", ["owner", "superuser"])
def test_the_app_does_not_start_as_somebody_whom_no_wall_stops(db: None, powerful: str) -> None:
    url = settings.DATABASE_ADMIN_URL if powerful == "superuser" else ""
    user = conninfo_to_dict(url)["user"] if url else settings.OWNER_DATABASE["USER"]
    parts = {**connection.settings_dict, "USER": user, "PASSWORD": ""}
    with pytest.raises(ImproperlyConfigured, match="whom no wall"):
        DatabaseWrapper(parts, alias="default").ensure_connection()
