"""A change of a school shows in the very next request of every process, also without Redis."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest

from apps.tenants import facade as tenants
from apps.tenants import hosts
from apps.tenants.bells import CounterBell, PostgresBell, _parameters
from apps.tenants.models import School
from apps.tenants.services.status import suspend_school
from kernel.schools import connection, in_public
from tests.waiting import wait_for

# A second web process: looks a school up whenever it is asked to, by a line on its standard input.
OTHER_PROCESS = """
import sys, django
django.setup()
from django.db import connection
connection.settings_dict["NAME"] = sys.argv[1]
if sys.argv[2] == "deaf":
    from apps.tenants import hosts
    hosts._counter.has_rung = lambda: False
from apps.tenants.facade import find_school_by_host
for line in sys.stdin:
    school = find_school_by_host("lincoln.testserver")
    print(school.name, school.status, sep="|", flush=True)
"""
Ask = Callable[[], list[str]]


@pytest.fixture
def other_process(committed_school: Any) -> Iterator[Callable[..., Ask]]:
    """other_process(ears): a process that answers with the school's name and status."""
    running: list[subprocess.Popen[str]] = []

    def start(ears: str = "both") -> Ask:
        name = connection.settings_dict["NAME"]
        command = [sys.executable, "-c", OTHER_PROCESS, name, ears]
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd="."
        )
        running.append(process)
        assert process.stdin
        assert process.stdout
        source, sink = process.stdout, process.stdin

        def ask() -> list[str]:
            sink.write("?\n")
            sink.flush()
            return source.readline().strip().split("|")

        return ask

    yield start
    for process in running:
        process.stdin.close()  # type: ignore[union-attr]
        process.wait(timeout=10)


def test_the_next_request_of_another_process_sees_every_change(
    other_process: Callable[..., Ask],
) -> None:
    ask = other_process()
    assert ask() == ["Lincoln Elementary", "active"]

    for number in range(50):
        tenants.update_settings(school_id=1, name=f"Lincoln {number}")
        assert ask()[0] == f"Lincoln {number}"


def test_a_suspension_shows_in_the_next_request_of_another_process(
    other_process: Callable[..., Ask],
) -> None:
    ask = other_process()
    assert ask()[1] == "active"

    suspend_school(school_id=1, reason="unpaid", actor="olive@example.org")

    assert ask()[1] == "suspended"


def test_another_machine_and_sql_by_hand_are_heard_by_the_databases_word(
    other_process: Callable[..., Ask],
) -> None:
    """`deaf` to the counter file, as a process on another machine is."""
    ask = other_process("deaf")
    ask()

    with psycopg.connect(**_parameters()) as by_hand:
        by_hand.execute("UPDATE public.tenants_school SET name = 'By hand' WHERE id = 1")

    # The word needs the time of the scheduler: microseconds mostly, more on a busy machine.
    assert wait_for(lambda: ask()[0] == "By hand")


def test_the_counter_is_heard_once_by_each(db: None) -> None:
    one, other = CounterBell(), CounterBell()
    one.has_rung(), other.has_rung()

    one.ring()

    assert (one.has_rung(), other.has_rung()) == (True, True)
    assert (one.has_rung(), other.has_rung()) == (False, False)


def test_without_a_place_for_the_file_nothing_breaks(
    db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.gettempdir", lambda: "/nowhere")
    bell = CounterBell()

    bell.ring()

    assert bell.has_rung() is False


def test_a_lost_connection_counts_as_a_ring_and_is_made_again(
    db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("apps.tenants.bells.RETRY_SECONDS", 0.0)
    bell = PostgresBell()
    assert (bell.has_rung(), bell.has_rung()) == (True, False)
    assert bell._session is not None

    with psycopg.connect(**_parameters(), autocommit=True) as admin:
        pid = bell._session.info.backend_pid
        admin.execute("SELECT pg_terminate_backend(%s, 2000)", [pid])

    assert bell.has_rung() is True
    # It takes up to two looks to notice the end; listening again rings too, since what was said
    # in between is not known.
    assert [bell.has_rung() for _ in range(4)][-1] is False
    assert bell._session.info.backend_pid != pid
    bell.hang_up()


def test_a_change_of_the_schema_version_alone_wakes_nobody(committed_school: Any) -> None:
    bell = PostgresBell()
    bell.has_rung()

    with in_public():
        School.objects.filter(pk=1).update(schema_version="next")
    assert bell.has_rung() is False

    with in_public():
        School.objects.filter(pk=1).update(tagline="Curious together")
    assert wait_for(bell.has_rung)
    bell.hang_up()


def test_hearing_costs_no_query(db: None, django_assert_num_queries: Any) -> None:
    tenants.find_school_by_host("lincoln.testserver")

    with django_assert_num_queries(0):
        for _ in range(10):
            hosts.find_school_by_host("lincoln.testserver")
