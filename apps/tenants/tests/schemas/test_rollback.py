"""migrate_schools --rollback-to: everywhere, where there is a way back."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from django.core.management import CommandError, call_command

from apps.tenants.models import MigrationScript
from apps.tenants.services.schemas.migrating import migrate_schools
from apps.tenants.services.schemas.template import TEMPLATE
from apps.tenants.services.schemas.versions import current_version, read_version
from apps.tenants.tests.schemas.conftest import WriteMigration

Owner = psycopg.Connection[Any]
Versions = Callable[[], dict[str, str]]
FILL = """
    migrations.RunPython(
        lambda apps, editor: apps.get_model("website", "Shelf").objects.create(label="one"),
        lambda apps, editor: apps.get_model("website", "Shelf").objects.all().delete(),
    ),
"""

pytestmark = pytest.mark.django_db(transaction=True)


def back_to(name: str, app: str = "website") -> dict[str, Any]:
    out = io.StringIO()
    call_command("migrate_schools", "--json", rollback_to=[app, name], stdout=out)
    return json.loads(out.getvalue())


def schemas_with_shelf(owner: Owner) -> set[str]:
    query = "SELECT schemaname FROM pg_tables WHERE tablename = 'website_shelf'"
    return {row[0] for row in owner.execute(query).fetchall()}


@pytest.fixture
def note(shelf: str, write_migration: WriteMigration) -> str:
    return write_migration(
        "9002_note",
        'migrations.AddField("shelf", "note", models.CharField(max_length=5, db_default="x")),',
        after=shelf,
    )


def test_it_takes_back_in_every_school_and_forward_again(
    owner: Owner, note: str, last_migration: str, versions: Versions
) -> None:
    start = current_version()
    migrate_schools(actor="test")
    after = current_version()

    done = back_to(last_migration[:4])

    # then schools, stock, template and the platform's record are where they were
    assert (done["ok"], done["migrated"]) == (True, 6)
    assert done["taken_back"] == ["website.9002_note", "website.9001_shelf"]
    assert schemas_with_shelf(owner) == set()
    assert set(versions().values()) == {start} == {current_version()}
    assert read_version(owner, "t_000001") == read_version(owner, TEMPLATE) == start
    query = "SELECT count(*) FROM public.django_migrations WHERE name LIKE '900%'"
    assert owner.execute(query).fetchone() == (0,)
    assert not MigrationScript.objects.filter(name__startswith="900").exists()

    # and the way forward is open
    assert migrate_schools(actor="test").migrated == 6
    assert set(versions().values()) == {after}


def test_python_is_taken_back_by_its_own_way_back(
    owner: Owner, shelf: str, write_migration: WriteMigration
) -> None:
    write_migration("9002_fill", FILL, after=shelf)
    migrate_schools(actor="test")
    count = "SELECT count(*) FROM t_000001.website_shelf"
    assert owner.execute(count).fetchone() == (1,)

    assert back_to(shelf)["taken_back"] == ["website.9002_fill"]

    assert owner.execute(count).fetchone() == (0,)


def test_what_has_no_way_back_is_refused_before_anything_changes(
    owner: Owner, note: str, write_migration: WriteMigration, last_migration: str
) -> None:
    write_migration("9003_gone", 'migrations.RunSQL("SELECT 1"),', after=note)
    migrate_schools(actor="test")
    before = current_version()

    with pytest.raises(CommandError, match=r"9003_gone cannot be taken back") as refused:
        back_to(last_migration)

    assert refused.value.returncode == 2
    assert current_version() == before == read_version(owner, TEMPLATE)
    assert len(schemas_with_shelf(owner)) == 7


@pytest.mark.parametrize(
    ("app", "name", "says"),
    [
        ("website", "7777", "“7777” is not one migration of website"),
        ("website", "", "is not one migration"),
        ("nonsense", "0001", "no app “nonsense”"),
        ("tenants", "0001", "cannot be migrated without tenants.0002"),
    ],
)
def test_bad_targets_are_refused(owner: Owner, note: str, app: str, name: str, says: str) -> None:
    migrate_schools(actor="test")

    with pytest.raises(CommandError, match=says) as refused:
        back_to(name, app)

    assert refused.value.returncode == 2


def test_a_school_that_fails_is_taken_up_by_the_next_run(
    owner: Owner, note: str, shelf: str, versions: Versions
) -> None:
    migrate_schools(actor="test")
    owner.execute("ALTER TABLE t_000002.website_shelf RENAME note TO other")

    with pytest.raises(CommandError, match=r"sanmartin .*does not exist"):
        back_to(shelf)

    # then the platform keeps its record until nobody needs it
    query = "SELECT count(*) FROM public.django_migrations WHERE name = '9002_note'"
    assert owner.execute(query).fetchone() == (1,)
    owner.execute("ALTER TABLE t_000002.website_shelf RENAME other TO note")
    done = back_to(shelf)
    assert (done["ok"], done["migrated"], done["taken_back"]) == (True, 1, ["website.9002_note"])
    assert set(versions().values()) == {current_version()}
    assert owner.execute(query).fetchone() == (0,)


def test_back_and_forth_in_the_middle_of_others(
    owner: Owner, note: str, shelf: str, versions: Versions
) -> None:
    """A school that failed on the way back goes forward with the others."""
    migrate_schools(actor="test")
    after = current_version()
    owner.execute("ALTER TABLE t_000002.website_shelf RENAME note TO other")
    with pytest.raises(CommandError):
        back_to(shelf)

    report = migrate_schools(actor="test")

    assert report.ok
    assert set(versions().values()) == {after} == {current_version()}
