"""Making a school: all of it, or nothing. What is left when the process is killed on the way is
tried in tests/schemas/test_killing.py."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection, connections

from apps.tenants import facade as tenants
from apps.tenants.contracts import Provisioned, ProvisioningContext
from apps.tenants.models import Domain, OperatorAction, School, schema_name_for
from apps.tenants.services import provision
from apps.tenants.services.steps import Step
from apps.tenants.tests.factories import SchoolFactory
from kernel.errors import Conflict, Invalid, Unavailable
from kernel.schools import in_public, in_school

Footprint = Callable[[], dict[str, int]]
Fail = Callable[[BaseException], None]


def _tables(schema_name: str) -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = %s", [schema_name])
        return {row[0] for row in cursor.fetchall()}


def test_a_school_is_made_with_its_own_tables_and_then_only_once(
    order: dict[str, str], footprint: Footprint, published: Callable[[str], list[Any]]
) -> None:
    # when the whole of provisioning runs, the other apps' steps included
    heard: list[str] = []
    done = tenants.provision_school(
        **order,
        admin_name="Jo Lee",
        currency="EUR",
        language="es",
        time_zone="Europe/Madrid",
        actor="olive@example.org",
        on_step=lambda title, seconds: heard.append(title),
    )

    # then the school is open, in a schema named after its key, with tables of its own
    school = School.objects.get(slug="riverside")
    assert (done.already, done.school.id) == (False, school.id)
    assert school.schema_name == schema_name_for(school.id) == done.school.schema_name
    assert (school.name, school.status) == ("Riverside School", "active")
    assert (school.currency, school.language, school.time_zone) == ("EUR", "es", "Europe/Madrid")
    assert school.primary_host == "riverside.testserver"
    assert _tables(school.schema_name) == _tables("t_000001")
    # and each step has its time
    assert [title for title, _seconds in done.steps] == heard
    assert len(heard) >= 4
    assert all(seconds >= 0 for _title, seconds in done.steps)
    assert done.seconds > 0
    # and the others are told, and the operator's deed is written down
    assert published("tenants.school_provisioned") == [
        {
            "school_id": school.id,
            "schema_name": school.schema_name,
            "school_name": "Riverside School",
            "slug": "riverside",
        }
    ]
    action = OperatorAction.objects.get(school_id=school.id)
    assert (action.actor, action.action) == ("olive@example.org", "school.provisioned")
    assert len(action.detail["steps"]) == len(heard)
    # and it can be worked in
    with in_school(school.schema_name) as opened:
        assert opened.name == "Riverside School"
        assert tenants.current_school_info().domain == "riverside.testserver"

    # when the same order comes again
    before = footprint()
    again = tenants.provision_school(**order)

    # then it is told so and nothing changed, even where the rest of the order differs
    assert (again.already, again.steps) == (True, ())
    assert again.school.currency == "EUR"
    assert footprint() == before


def test_the_apps_steps_run_inside_the_new_school(
    db: None, order: dict[str, str], steps: list[str]
) -> None:
    done = tenants.provision_school(**order, admin_name="Jo Lee")

    assert steps == ["settle True", "invite Jo Lee <jo@example.org>"]
    assert [title for title, _seconds in done.steps] == [
        "Name, address and settings checked",
        "Tables of its own made",
        "Settled in",
        "Invited the administrator",
        "School opened",
    ]
    assert connection.schema_name == "public"


@pytest.mark.parametrize(
    ("change", "field", "says"),
    [
        ({"name": " "}, "name", "Give the school a name"),
        ({"name": "X"}, "name", "“X” is too short for a school’s name"),
        ({"slug": "Bad Slug!"}, "slug", "“Bad Slug!” cannot be part of a web address"),
        ({"slug": "www"}, "slug", "reserved"),
        ({"admin_email": "jo"}, "admin_email", "“jo” is not an e-mail address"),
        ({"currency": "BTC"}, "currency", "“BTC” is not a currency"),
        ({"language": "tlh"}, "language", "“tlh” is not a language"),
        ({"time_zone": "Mars/Base"}, "time_zone", "“Mars/Base” is not a time zone"),
    ],
)
def test_each_bad_input_has_its_sentence_and_leaves_nothing(
    order: dict[str, str],
    footprint: Footprint,
    change: dict[str, str],
    field: str,
    says: str,
) -> None:
    before = footprint()

    with pytest.raises(Invalid, match=says) as refused:
        tenants.provision_school(**{**order, **change})

    assert refused.value.field == field
    assert footprint() == before


def test_a_taken_slug_names_the_school_that_has_it(
    order: dict[str, str], footprint: Footprint
) -> None:
    before = footprint()

    with pytest.raises(Conflict, match="“lincoln” belongs to another school, Lincoln Elementary"):
        tenants.provision_school(**{**order, "slug": "lincoln"})

    assert footprint() == before


@pytest.mark.parametrize("change", [{"name": "Other"}, {"admin_email": "other@example.org"}])
def test_the_same_slug_for_another_name_or_person_is_refused(
    order: dict[str, str], footprint: Footprint, change: dict[str, str]
) -> None:
    SchoolFactory(slug="riverside", name=order["name"], admin_email=order["admin_email"])
    before = footprint()

    with pytest.raises(Conflict):
        tenants.provision_school(**{**order, **change})

    assert tenants.provision_school(**{**order, "admin_email": "JO@example.org"}).already
    assert footprint() == before


def test_a_taken_domain_names_the_school_that_has_it(
    order: dict[str, str], footprint: Footprint
) -> None:
    SchoolFactory(slug="other", name="Other School", host="riverside.testserver")
    before = footprint()

    with pytest.raises(Conflict, match=r"riverside\.testserver already leads to .* Other School"):
        tenants.provision_school(**order)

    assert footprint() == before


def test_a_step_that_crashes_leaves_nothing_behind(
    order: dict[str, str], footprint: Footprint, failing_step: Fail
) -> None:
    # given real tables, so that dropping them is part of what is tried
    failing_step(RuntimeError("mail server on fire"))
    before = footprint()

    with pytest.raises(Unavailable, match="“Invited the administrator” failed") as failed:
        tenants.provision_school(**order)

    assert isinstance(failed.value.__cause__, RuntimeError)
    assert footprint() == before
    assert tenants.find_school_by_host("riverside.testserver") is None


@pytest.mark.parametrize("error", [Invalid("No such mailbox."), KeyboardInterrupt()])
def test_a_refusal_in_a_step_and_ctrl_c_leave_nothing_either(
    order: dict[str, str],
    footprint: Footprint,
    failing_step: Fail,
    error: BaseException,
) -> None:
    failing_step(error)
    before = footprint()

    with pytest.raises(type(error)):
        tenants.provision_school(**order)

    assert footprint() == before
    assert connection.schema_name == "public"


def test_a_failure_while_opening_leaves_nothing_behind(
    order: dict[str, str],
    footprint: Footprint,
    steps: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(*args: Any, **options: Any) -> None:
        raise RuntimeError("outbox full")

    monkeypatch.setattr(provision.events, "publish", broken)
    before = footprint()

    with pytest.raises(RuntimeError):
        tenants.provision_school(**order)

    assert footprint() == before


def test_what_an_older_release_was_killed_over_is_made_afresh(
    db: None, order: dict[str, str], steps: list[str]
) -> None:
    # given a school whose provisioning was killed: the rows are there, and nobody holds the lock
    half = SchoolFactory(slug="riverside", status=School.Status.PROVISIONING)

    done = tenants.provision_school(**order)

    assert not done.already
    assert done.school.schema_name != half.schema_name
    assert not School.objects.filter(pk=half.pk).exists()


def test_a_step_after_the_opening_undoes_nothing(
    db: None, order: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(context: ProvisioningContext) -> None:
        raise OSError("mail server on fire")

    late = Step("Invitation sent", fail, after_opening=True)
    monkeypatch.setattr(
        provision, "steps_in_order", lambda after_opening: [late] if after_opening else []
    )

    done = tenants.provision_school(**order)

    assert School.objects.get(slug="riverside").status == "active"
    assert done.steps[-1][0] == "Invitation sent: not yet, it is tried again"
    action = OperatorAction.objects.get(school_id=done.school.id)
    assert action.detail["steps"][-1][0] == done.steps[-1][0]


def test_provisioning_from_inside_a_school_returns_there(
    school: Any, order: dict[str, str], steps: list[str]
) -> None:
    tenants.provision_school(**order)

    assert connection.schema_name == school.schema_name


@pytest.mark.django_db(transaction=True)
def test_two_runs_at_once_make_one_school(
    committed_school: Any, order: dict[str, str], steps: list[str]
) -> None:
    results: list[Provisioned | Exception] = []
    start = threading.Barrier(2)

    def run() -> None:
        start.wait()
        try:
            results.append(tenants.provision_school(**order))
        except Exception as error:
            results.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)

    assert all(isinstance(result, Provisioned) for result in results), results
    assert sorted(result.already for result in results) == [False, True]  # type: ignore[union-attr]
    with in_public():
        assert School.objects.filter(slug="riverside").count() == 1
        assert Domain.objects.filter(domain="riverside.testserver").count() == 1
