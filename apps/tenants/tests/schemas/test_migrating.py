"""migrate_schools on real schools: two of them, and four in stock."""

from __future__ import annotations

import io
import json
import sys
import threading
import time
from collections.abc import Callable
from importlib import import_module
from typing import Any

import psycopg
import pytest
from django.core.management import CommandError, call_command

from apps.tenants.models import MigrationScript, OperatorAction, School, SpareSchool
from apps.tenants.services.schemas import crew
from apps.tenants.services.schemas.migrating import MIGRATED, migrate_schools
from apps.tenants.services.schemas.versions import current_version
from apps.tenants.tests.schemas.conftest import SHELF, WriteMigration
from kernel.errors import Invalid, Unavailable
from kernel.owner import owner_session

Owner = psycopg.Connection[Any]
Tables = Callable[[str], set[str]]
Versions = Callable[[], dict[str, str]]
LINCOLN, SAN_MARTIN = "t_000001", "t_000002"
STOCK = {"t_000101", "t_000102", "t_000103", "t_000104"}

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def broken(owner: Owner) -> str:
    """San Martín has a table of its own where the new one should go."""
    owner.execute(f"CREATE TABLE {SAN_MARTIN}.website_shelf (id int)")
    return SAN_MARTIN


@pytest.fixture(autouse=True)
def _no_long_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crew, "wait", lambda attempt: time.sleep(0.05))


def run(*args: str) -> dict[str, Any]:
    out = io.StringIO()
    call_command("migrate_schools", "--json", *args, stdout=out)
    return json.loads(out.getvalue())


def have_shelf(owner: Owner) -> set[str]:
    query = "SELECT schemaname FROM pg_tables WHERE tablename = 'website_shelf'"
    return {row[0] for row in owner.execute(query).fetchall()} - {"school_template"}


def test_every_school_in_every_status_and_every_spare_is_migrated(
    owner: Owner, shelf: str, versions: Versions
) -> None:
    School.objects.filter(slug="sanmartin").update(status="archived")

    done = run()

    assert have_shelf(owner) == {LINCOLN, SAN_MARTIN} | STOCK
    assert set(versions().values()) == {current_version()}
    assert (done["ok"], done["migrated"], done["failures"]) == (True, 6, [])
    assert done["recorded"] == ["website.9001_shelf"]
    # and it is written down
    action = OperatorAction.objects.get(action=MIGRATED)
    assert (action.actor, action.detail["migrated"]) == ("manage.py", 6)

    # when there is nothing to do, nothing is done
    again = run()
    assert (again["ok"], again["migrated"], again["recorded"]) == (True, 0, [])
    assert OperatorAction.objects.filter(action=MIGRATED).count() == 1


def test_plan_and_check_tell_and_change_nothing(
    owner: Owner, shelf: str, versions: Versions, capsys: pytest.CaptureFixture[str]
) -> None:
    before = versions()

    call_command("migrate_schools", "--plan")
    with pytest.raises(CommandError, match="1 to be recorded") as behind:
        call_command("migrate_schools", "--check", "--json")

    assert behind.value.returncode == 1
    assert "website.9001_shelf" in capsys.readouterr().out
    assert (versions(), have_shelf(owner)) == (before, set())

    # when everything is done, the check is content
    run()
    assert run("--check") == {"platform": [], "template": [], "schools": []}
    call_command("migrate_schools", "--plan")
    assert "up to date" in capsys.readouterr().out


def test_the_plan_says_who_lacks_what(owner: Owner, shelf: str, broken: str) -> None:
    with pytest.raises(CommandError):
        run()

    (group,) = run("--plan")["schools"]

    assert (group["names"], group["migrations"]) == (["sanmartin"], ["website.9001_shelf"])
    assert "already exists" in group["errors"]["sanmartin"]


def test_one_school_that_fails_does_not_stop_the_others(
    owner: Owner, shelf: str, broken: str, versions: Versions
) -> None:
    before = versions()[SAN_MARTIN]

    with pytest.raises(CommandError) as failed:
        run()

    # then the others are done, and that one is as it was, with the reason
    assert failed.value.returncode == 1
    assert f'sanmartin ({SAN_MARTIN}): relation "website_shelf" already exists' in str(failed.value)
    assert "run the command again" in str(failed.value)
    assert versions()[SAN_MARTIN] == before
    assert versions()[LINCOLN] == current_version()
    school = School.objects.get(slug="sanmartin")
    assert school.schema_error == 'relation "website_shelf" already exists'

    # when the reason is put right, the next run takes up what is left
    owner.execute(f"DROP TABLE {SAN_MARTIN}.website_shelf")
    assert run()["migrated"] == 1
    school.refresh_from_db()
    assert (school.schema_version, school.schema_error) == (current_version(), "")


def test_a_canary_that_fails_keeps_all_others_out_of_it(
    owner: Owner, shelf: str, broken: str, versions: Versions
) -> None:
    before = versions()[LINCOLN]

    with pytest.raises(CommandError, match="The canary sanmartin failed") as failed:
        run("--canary", "sanmartin")

    assert failed.value.returncode == 1
    assert versions()[LINCOLN] == before
    assert have_shelf(owner) == {SAN_MARTIN} | STOCK


def test_canaries_can_be_a_setting_and_go_first(
    owner: Owner, shelf: str, broken: str, settings: Any
) -> None:
    settings.CANARY_SCHOOLS = ["sanmartin"]

    with pytest.raises(CommandError, match="canary sanmartin"):
        run()


def test_an_unknown_school_or_canary_is_bad_input(owner: Owner) -> None:
    for option in ("--school", "--canary"):
        with pytest.raises(CommandError, match="no school “nowhere”") as refused:
            run(option, "nowhere")
        assert refused.value.returncode == 2
    with pytest.raises(Invalid):
        migrate_schools(actor="test", school="nowhere")


def test_one_school_can_be_migrated_alone(owner: Owner, shelf: str, versions: Versions) -> None:
    assert run("--school", "sanmartin")["migrated"] == 1
    assert have_shelf(owner) == {SAN_MARTIN}


def test_a_migration_that_fails_on_the_template_reaches_no_school(
    owner: Owner, shelf: str, write_migration: WriteMigration, versions: Versions
) -> None:
    write_migration("9002_bad", 'migrations.RunSQL("SELECT 1/0"),', after=shelf)
    # public has no such app, so only the template can tell
    before = versions()

    with pytest.raises(CommandError, match="9002_bad failed on the template") as failed:
        run()

    assert failed.value.returncode == 1
    assert versions() == before
    # and the one before it is recorded, so that the next run goes on from there
    assert MigrationScript.objects.filter(name=shelf).exists()
    write_migration("9002_bad", 'migrations.RunSQL("SELECT 1"),', after=shelf)
    assert run()["recorded"] == ["website.9002_bad"]


def test_a_lock_that_somebody_holds_is_waited_for_and_tried_again(
    owner: Owner, shelf: str, write_migration: WriteMigration, monkeypatch: pytest.MonkeyPatch
) -> None:
    run()
    write_migration(
        "9002_wider",
        'migrations.AlterField("shelf", "label", models.CharField(max_length=40)),',
        after=shelf,
    )
    tries: list[int] = []
    # given a request that reads the table for longer than a migration waits
    with owner_session() as reader:
        reader.execute(f"SELECT * FROM {LINCOLN}.website_shelf")

        def wait(attempt: int) -> None:
            tries.append(attempt)
            reader.rollback()

        monkeypatch.setattr(crew, "wait", wait)
        done = run()

    assert (done["ok"], done["migrated"], tries) == (True, 6, [1])


def test_a_broken_connection_is_replaced(
    owner: Owner, shelf: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    current = crew.Connections.current
    broken: list[int] = []

    def cut(self: crew.Connections) -> Any:
        session = current(self)
        if not broken:
            broken.append(session.info.backend_pid)
            owner.execute("SELECT pg_terminate_backend(%s, 1000)", [session.info.backend_pid])
        return session

    monkeypatch.setattr(crew.Connections, "current", cut)

    assert (run()["ok"], len(broken)) == (True, 1)


def test_workers_take_new_connections_now_and_then(
    owner: Owner, shelf: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(crew, "RECONNECT_AFTER", 2)
    backends: set[int] = set()
    travel = crew.travel

    def watch(session: Any, *args: Any) -> None:
        backends.add(session.info.backend_pid)
        travel(session, *args)

    monkeypatch.setattr(crew, "travel", watch)

    run("--workers", "1")

    # four spares by two connections, two schools by one
    assert len(backends) == 3


def test_two_runs_at_once_are_refused(owner: Owner) -> None:
    owner.execute("SELECT pg_advisory_lock(hashtextextended('tenants.migrate_schools', 0))")

    with pytest.raises(Unavailable, match="Another migrate_schools is running"):
        migrate_schools(actor="test")


def test_what_stock_django_migrated_is_believed_from_its_own_table(
    owner: Owner, shelf: str, versions: Versions
) -> None:
    # given a school that stock migrate_schemas took forward, whose note got lost
    call_command("migrate_schemas", schema_name=LINCOLN, tenant=True, verbosity=0)
    assert have_shelf(owner) == {LINCOLN}
    owner.execute("UPDATE public.tenants_school SET schema_version = 'somewhere'")

    done = run()

    assert (done["ok"], done["migrated"]) == (True, 6)
    assert set(versions().values()) == {current_version()}


def test_a_version_that_is_not_true_is_found_out(
    owner: Owner, shelf: str, versions: Versions
) -> None:
    # given a school that somebody migrated behind our back: it is noted as not migrated
    before = versions()[LINCOLN]
    call_command("migrate_schemas", schema_name=LINCOLN, tenant=True, verbosity=0)
    owner.execute("UPDATE public.tenants_school SET schema_version = %s", [before])

    assert run()["ok"]
    assert set(versions().values()) == {current_version()}


def test_an_edited_migration_makes_the_template_and_the_stock_anew(
    owner: Owner, shelf: str, write_migration: WriteMigration
) -> None:
    run()
    write_migration("9001_shelf", SHELF.replace("max_length=20", "max_length=30"))

    done = run()

    assert "website.9001_shelf was edited" in done["rebuilt"]
    assert "varchar(30)" in MigrationScript.objects.get(name=shelf).sql
    assert not SpareSchool.objects.exists()
    # what is applied is not applied again: schools keep what they have, as with Django
    assert have_shelf(owner) == {LINCOLN, SAN_MARTIN}
    call_command("spare_schools", make=1, verbosity=0)
    spare = SpareSchool.objects.get()
    query = """
        SELECT format_type(atttypid, atttypmod) FROM pg_attribute
        WHERE attrelid = %s::regclass AND attname = 'label'
    """
    assert owner.execute(query, [f"t_{spare.id:06d}.website_shelf"]).fetchone() == (
        "character varying(30)",
    )


def test_a_spare_claimed_while_schools_are_migrated_is_taken_along(
    owner: Owner, shelf: str, versions: Versions, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given a claim under way: its transaction has begun and read the version before
    with owner_session() as claiming:
        claiming.execute("DELETE FROM public.tenants_spareschool WHERE id = 101")
        claiming.execute(
            "INSERT INTO public.tenants_school (id, schema_name, slug, name, status, currency,"
            " language, time_zone, schema_version, primary_host, tagline, colour, contact_email,"
            " contact_phone, address, admin_email, created_at)"
            " SELECT 101, 't_000101', 'fresh', 'Fresh', 'active', 'USD', 'en', 'UTC',"
            " schema_version, '', '', '', '', '', '', '', now()"
            " FROM public.tenants_school WHERE id = 1"
        )
        threading.Timer(1.0, claiming.commit).start()
        done = run()

    assert done["ok"]
    assert versions()["t_000101"] == current_version()
    assert "t_000101" in have_shelf(owner)


def test_a_file_that_is_written_anew_is_read_anew(
    write_migration: WriteMigration, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    read = []
    for before in ("0001_one", "0001_two"):  # within a second, and of one size
        name = write_migration("9001_shelf", "", after=before)
        module = import_module(f"{settings.MIGRATION_MODULES['website']}.{name}")
        read += module.Migration.dependencies

    assert read == [("website", "0001_one"), ("website", "0001_two")]
