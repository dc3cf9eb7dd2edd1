"""Migrations that cannot be replayed: Django runs them, school after school."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from django.core.management import CommandError, call_command

from apps.tenants.models import MigrationScript
from apps.tenants.services.schemas.versions import current_version
from apps.tenants.tests.schemas.conftest import WriteMigration

Owner = psycopg.Connection[Any]
Versions = Callable[[], dict[str, str]]
LINCOLN, SAN_MARTIN = "t_000001", "t_000002"
STOCK = {"t_000101", "t_000102", "t_000103", "t_000104"}

pytestmark = pytest.mark.django_db(transaction=True)


def run(*args: str) -> dict[str, Any]:
    out = io.StringIO()
    call_command("migrate_schools", "--json", *args, stdout=out)
    return json.loads(out.getvalue())


def test_python_runs_in_each_school_with_the_state_loaded_once(
    owner: Owner, shelf: str, write_migration: WriteMigration, versions: Versions
) -> None:
    # given a migration that writes rows, between two that are replayed
    write_migration(
        "9002_fill",
        """
        migrations.RunPython(
            lambda apps, editor: apps.get_model("website", "Shelf").objects.create(
                label=editor.connection.schema_name
            ),
            migrations.RunPython.noop,
        ),
        """,
        after=shelf,
    )
    write_migration(
        "9003_note",
        'migrations.AddField("shelf", "note", models.CharField(max_length=5, db_default="x")),',
        after="9002_fill",
    )

    done = run()

    assert done["migrated"] == 6
    assert not MigrationScript.objects.get(name="9002_fill").replayable
    query = "SELECT label, note FROM {}.website_shelf"
    for schema_name in {LINCOLN, SAN_MARTIN} | STOCK:
        assert owner.execute(query.format(schema_name)).fetchall() == [(schema_name, "x")]
    assert set(versions().values()) == {current_version()}
    # and a school that is made now goes the same way
    call_command("spare_schools", make=5, verbosity=0)
    assert owner.execute(query.format("t_000105")).fetchall() == [("t_000105", "x")]


def test_python_that_fails_in_one_school_leaves_it_as_it_was(
    owner: Owner, shelf: str, write_migration: WriteMigration, versions: Versions
) -> None:
    write_migration(
        "9002_picky",
        f"""
        migrations.RunPython(lambda apps, editor: (
            apps.get_model("website", "Shelf").objects.create(label="one"),
            1 / (editor.connection.schema_name != "{LINCOLN}"),
        )),
        """,
        after=shelf,
    )

    with pytest.raises(CommandError, match=r"lincoln .* division by zero"):
        run()

    assert owner.execute(f"SELECT count(*) FROM {LINCOLN}.website_shelf").fetchone() == (0,)
    assert owner.execute(f"SELECT count(*) FROM {SAN_MARTIN}.website_shelf").fetchone() == (1,)
    late = {name for name, version in versions().items() if version != current_version()}
    assert late == {LINCOLN}


def test_an_index_is_built_without_locking_and_again_after_a_kill(
    owner: Owner, shelf: str, write_migration: WriteMigration
) -> None:
    write_migration(
        "9002_index",
        'AddIndexConcurrently("shelf", models.Index(fields=["label"], name="shelf_label")),',
        after=shelf,
        atomic=False,
    )
    run("--school", "lincoln")
    # given one school where the index was begun and not finished, one where only the note is
    # missing
    owner.execute(f"DELETE FROM {LINCOLN}.django_migrations WHERE name = '9002_index'")
    owner.execute("UPDATE public.tenants_school SET schema_version = ''")

    run()

    query = "SELECT schemaname FROM pg_indexes WHERE indexname = 'shelf_label'"
    found = {row[0] for row in owner.execute(query).fetchall()} - {"school_template"}
    assert found == {LINCOLN, SAN_MARTIN} | STOCK


def test_a_half_built_index_is_built_anew(
    owner: Owner, shelf: str, write_migration: WriteMigration
) -> None:
    write_migration(
        "9002_index",
        'AddIndexConcurrently("shelf", models.Index(fields=["label"], name="shelf_label")),',
        after=shelf,
        atomic=False,
    )
    run("--school", "sanmartin")
    owner.execute(f"DELETE FROM {SAN_MARTIN}.django_migrations WHERE name = '9002_index'")
    owner.execute("UPDATE public.tenants_school SET schema_version = ''")
    # a unique index over rows that are not: it fails and stays behind, invalid
    owner.execute(f"DROP INDEX {SAN_MARTIN}.shelf_label")
    owner.execute(f"INSERT INTO {SAN_MARTIN}.website_shelf (label) VALUES ('a'), ('a')")
    with pytest.raises(psycopg.errors.UniqueViolation):
        owner.execute(
            f"CREATE UNIQUE INDEX CONCURRENTLY shelf_label ON {SAN_MARTIN}.website_shelf (label)"
        )

    run()

    query = "SELECT indisvalid FROM pg_index WHERE indexrelid = %s::regclass"
    assert owner.execute(query, [f"{SAN_MARTIN}.shelf_label"]).fetchone() == (True,)
