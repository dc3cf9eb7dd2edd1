"""Fixtures of the whole suite: two schools, people of every role, the outbox."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import pytest
import structlog
from django.core.cache import cache
from django.db import connection
from django.test import Client

from kernel.schools import in_public, in_school

LINCOLN, SAN_MARTIN = "t_000001", "t_000002"
PASSWORD = "correct horse battery"


def pytest_configure(config: pytest.Config) -> None:
    """SIGTERM ends the run as Ctrl-C does: whatever fixtures have started is stopped."""
    if not hasattr(config, "workerinput"):  # the parallel workers hear of it from us
        signal.signal(signal.SIGTERM, signal.default_int_handler)


@pytest.fixture(scope="session")
def django_db_setup(django_test_environment: None, django_db_blocker: Any) -> Iterator[None]:
    """A copy of the template database for this worker, with two schools in it."""
    from config import testdb

    worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
    with django_db_blocker.unblock():
        testdb.make(f"test_homeroom_{worker}")
    _put_back_by_copy()
    yield
    with django_db_blocker.unblock():
        connection.close()


def _put_back_by_copy() -> None:
    """After a test with real commits Django would flush: that empties the platform's tables and
    none of the schools'. A fresh copy of the template puts all of them back."""
    from django.test import TransactionTestCase

    from config import testdb

    def restore(self: TransactionTestCase) -> None:
        connection.set_schema_to_public()
        testdb.make(connection.settings_dict["NAME"])

    TransactionTestCase._fixture_teardown = restore


@pytest.fixture(autouse=True)
def _clean_slate() -> Iterator[None]:
    """Nothing a test left in the process or in Redis reaches the next one."""
    yield
    connection.set_schema_to_public()
    structlog.contextvars.clear_contextvars()
    from apps.tenants import hosts

    hosts._map.empty(0)


@pytest.fixture(autouse=True)
def _school_stays_open(monkeypatch: pytest.MonkeyPatch) -> None:
    """The gateway closes the school after a request; a test goes on looking into it."""
    send = Client.request

    def request(self: Client, **more: Any) -> Any:
        before = connection.tenant
        try:
            return send(self, **more)
        finally:
            connection.set_tenant(before)

    monkeypatch.setattr(Client, "request", request)


@pytest.fixture(scope="session", autouse=True)
def _no_waiting_between_tries() -> None:
    """Stripe's package asks a gateway that is away twice more, and half a second apart at least."""
    from stripe import HTTPClient

    HTTPClient.INITIAL_DELAY = HTTPClient.MAX_DELAY = 0


@pytest.fixture
def clear_cache() -> None:
    """An empty Redis database: for tests of counters and wake-ups."""
    from django_redis import get_redis_connection

    get_redis_connection("default").flushdb()
    cache.clear()


@pytest.fixture
def school(db: None) -> Iterator[Any]:
    """Lincoln Elementary (USD, English, Chicago), open; rolled back afterwards."""
    with in_school(LINCOLN) as opened:
        yield opened


@pytest.fixture
def other_school(db: None) -> Any:
    """Colegio San Martín (EUR, Spanish, Madrid), not open."""
    with in_school(SAN_MARTIN) as opened:
        return opened


@pytest.fixture
def in_other_school(db: None) -> Callable[[], AbstractContextManager[Any]]:
    """A context manager that opens San Martín for a while."""
    return lambda: in_school(SAN_MARTIN)


@pytest.fixture
def committed_school(transactional_db: None) -> Iterator[Any]:
    """Lincoln, open, with real commits: for threads and workers. See _put_back_by_copy."""
    with in_school(LINCOLN) as opened:
        yield opened


def make_user(role: str, **values: Any) -> Any:
    """A user with one role in the open school (or, on public, an operator)."""
    from apps.identity import facade as identity

    values.setdefault("email", f"{role}@example.org")
    values.setdefault("name", f"{role.title()} Person")
    return identity.create_user(password=PASSWORD, roles=[role], **values)


def _sign_in(client: Client, user_id: Any) -> None:
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
    from django.contrib.sessions.backends.db import SessionStore

    from apps.identity.models import User

    user = User.objects.get(pk=user_id)
    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = "apps.identity.backends.EmailBackend"
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session["schema"] = connection.schema_name
    session.save()
    from django.conf import settings

    client.cookies[settings.SESSION_COOKIE_NAME] = session.session_key
    client.user = user  # type: ignore[attr-defined]


def client_on(host: str) -> Client:
    return Client(headers={"host": host})


@contextmanager
def _opened(chosen: Any) -> Iterator[Any]:
    with in_school(chosen.schema_name if chosen else LINCOLN) as opened:
        yield opened


@pytest.fixture
def client_for(db: None) -> Callable[..., Client]:
    """client_for(role, school=None, **user values): a browser signed in on the school's host."""

    def make(role: str, school: Any = None, **values: Any) -> Client:
        with _opened(school) as opened:
            client = client_on(opened.primary_host)
            _sign_in(client, make_user(role, **values).id)
            return client

    return make


@pytest.fixture
def anonymous(db: None) -> Callable[..., Client]:
    """anonymous(school=None): a browser that has not signed in."""

    def make(school: Any = None) -> Client:
        with _opened(school) as opened:
            return client_on(opened.primary_host)

    return make


@pytest.fixture
def operator_client(db: None) -> Client:
    """An operator signed in on the platform's host."""
    with in_public():
        client = client_on("testserver")
        _sign_in(client, make_user("operator").id)
        return client


@pytest.fixture
def api_for(db: None) -> Callable[..., Any]:
    """api_for(role, school=None): an API client with an access token of that school."""
    from rest_framework.test import APIClient

    def make(role: str, school: Any = None, **values: Any) -> Any:
        from apps.identity import facade as identity

        with _opened(school) as opened:
            user = make_user(role, **values)
            token = identity.issue_tokens(user.id).access
            client = APIClient(headers={"host": opened.primary_host})
            client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}", HTTP_HOST=opened.primary_host)
            client.user = user
            return client

    return make


@pytest.fixture
def drain() -> Callable[[], int]:
    """Deliver the open school's outbox until it is empty; returns how many events that took."""
    from apps.events import facade as events

    def run() -> int:
        total = 0
        while handled := events.drain(connection.schema_name):
            total += handled
        return total

    return run


@pytest.fixture
def published(db: None) -> Callable[[str], list[dict[str, Any]]]:
    """published("fees.family_billed"): the payloads of that event waiting in the open school's
    outbox, in order."""
    from apps.events.models import OutboxEvent

    def payloads(event_type: str) -> list[dict[str, Any]]:
        rows = OutboxEvent.objects.filter(event_type=event_type).order_by("id")
        return list(rows.values_list("payload", flat=True))

    return payloads


@pytest.fixture
def cut_connection(db: None) -> Callable[[], None]:
    """cut_connection(): what a restart of PostgreSQL does to the connection of this thread."""

    def cut() -> None:
        from config import testdb

        with testdb.as_superuser() as session:
            pid = connection.connection.info.backend_pid
            session.execute("SELECT pg_terminate_backend(%s)", [pid])

    return cut


@pytest.fixture
def mailbox() -> Any:
    """The mails sent in this test."""
    from django.core import mail

    return mail.outbox
