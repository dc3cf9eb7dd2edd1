"""A school whose tables were replayed is what Django would have made, to the last index."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from django.core.management import CommandError, call_command

from apps.tenants.models import MigrationScript, School
from apps.tenants.services.schemas.catalogue import describe, differences
from apps.tenants.services.schemas.migrating import migrate_schools
from apps.tenants.services.schemas.versions import current_version, read_version, scripts
from apps.tenants.tests.factories import SchoolFactory
from apps.tenants.tests.schemas.conftest import WriteMigration
from kernel.owner import owner_session
from kernel.roles import make_school_role

Owner = psycopg.Connection[Any]


def migrated_by_django(owner: Owner) -> str:
    """One more school, made as stock django-tenants makes it."""
    school = SchoolFactory(schema_version="")
    owner.execute(f'CREATE SCHEMA "{school.schema_name}"')
    make_school_role(owner, school.schema_name)
    call_command("migrate_schemas", schema_name=school.schema_name, tenant=True, verbosity=0)
    return school.schema_name


def rows(owner: Owner, schema_name: str) -> list[Any]:
    query = f'SELECT app, name FROM "{schema_name}".django_migrations ORDER BY 1, 2'
    return owner.execute(query).fetchall()


@pytest.mark.django_db(transaction=True)
def test_a_replayed_school_is_what_django_makes(owner: Owner) -> None:
    # given a school in stock, and one migrated by Django
    stock = migrated_by_django(owner)
    replayed = describe(owner, "t_000101")

    # then nothing tells them apart: tables, columns, identities, indexes, constraints and their
    # names, triggers, functions, sequences, comments, grants; nor which migrations they have
    assert differences(replayed, describe(owner, stock)) == []
    kinds = {name.split()[0] for name in replayed}
    assert kinds == {
        *{"relation", "grant", "column", "index", "constraint", "trigger", "sequence", "function"}
    }
    assert len(replayed) > 500
    assert rows(owner, "t_000101") == rows(owner, stock)
    # and stock migrate_schemas has written down the version
    assert School.objects.get(schema_name=stock).schema_version == current_version()


@pytest.mark.parametrize(
    "change",
    [
        "ALTER TABLE fees_charge ALTER COLUMN amount_minor DROP NOT NULL",
        "ALTER TABLE fees_charge ALTER COLUMN amount_minor SET DEFAULT 7",
        "ALTER TABLE fees_charge RENAME CONSTRAINT fees_charge_pkey TO other",
        "DROP TRIGGER fees_charge_append_only ON fees_charge",
        "CREATE INDEX strange ON fees_charge (amount_minor)",
        "GRANT TRUNCATE ON fees_charge TO t_000101",
        "COMMENT ON TABLE fees_charge IS 'hello'",
        "ALTER TABLE fees_charge ADD COLUMN extra text",
        "CREATE OR REPLACE FUNCTION fees_refuse_change() RETURNS trigger LANGUAGE plpgsql AS"
        " 'BEGIN RETURN NULL; END'",
    ],
)
def test_the_comparison_sees_every_kind_of_difference(db: None, change: str) -> None:
    with owner_session() as owner:
        before = describe(owner, "t_000101")
        assert differences(before, describe(owner, "t_000102")) == []

        owner.execute("SET search_path = t_000101")
        owner.execute(change.encode())

        assert differences(describe(owner, "t_000101"), before) != []
        owner.rollback()


@pytest.mark.django_db(transaction=True)
def test_a_school_can_be_compared_with_what_the_migrations_make(
    owner: Owner, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("migrate_schools", compare="lincoln")
    assert "lincoln has exactly the tables that the migrations make" in capsys.readouterr().out

    owner.execute("CREATE INDEX strange ON t_000001.fees_charge (amount_minor)")

    with pytest.raises(CommandError, match="2 differences") as refused:
        call_command("migrate_schools", compare="lincoln")
    assert refused.value.returncode == 1
    assert "only here: index strange" in capsys.readouterr().out


@pytest.mark.django_db(transaction=True)
def test_chains_that_look_into_the_database_are_replayed_as_django_would(
    owner: Owner, shelf: str, write_migration: WriteMigration
) -> None:
    # given migrations for which Django asks the database what constraints are called, that quote
    # and escape, and that leave a comment at the end of a statement
    write_migration(
        "9002_books",
        """
        migrations.CreateModel("Book", [
            ("id", models.AutoField(primary_key=True)),
            ("code", models.CharField(max_length=10, unique=True, db_comment="quite 'sure'; yes")),
            ("shelf", models.ForeignKey("website.Shelf", models.CASCADE, null=True)),
            ("kind", models.CharField(max_length=9, db_default="it's %s")),
        ], options={"unique_together": {("code", "kind")}, "db_table_comment": "a -- b"}),
        migrations.AddIndex("book", models.Index(fields=["kind"], name="book_kind")),
        migrations.RunSQL("SELECT 1 -- nothing; at all"),
        migrations.RunSQL([("UPDATE website_book SET code = %s WHERE false", ["50%; --"])]),
        """,
        after=shelf,
    )
    write_migration(
        "9003_altered",
        """
        migrations.AlterField("book", "code", models.TextField()),
        migrations.AlterField("book", "id", models.BigAutoField(primary_key=True)),
        migrations.AlterUniqueTogether("book", set()),
        migrations.RemoveField("book", "shelf"),
        migrations.RenameField("book", "kind", "sort"),
        migrations.RunPython(migrations.RunPython.noop),
        """,
        after="9002_books",
    )

    report = migrate_schools(actor="test")

    # then all of it could be replayed, in one go, in schools and spares alike
    assert (report.migrated, report.failures) == (6, [])
    assert MigrationScript.objects.filter(name__startswith="900", replayable=True).count() == 3
    stock = migrated_by_django(owner)
    for schema_name in ("t_000001", "t_000101"):
        assert differences(describe(owner, schema_name), describe(owner, stock)) == []
        assert rows(owner, schema_name) == rows(owner, stock)
        assert read_version(owner, schema_name) == current_version()
    # and so is a school that is made now
    call_command("spare_schools", make=5, verbosity=0)
    assert differences(describe(owner, "t_000105"), describe(owner, stock)) == []


def test_all_that_makes_a_school_is_replayed(db: None) -> None:
    """One migration that runs Python makes every new school and every restore wait for Django:
    what can be said in SQL is said in SQL."""
    assert [str(script) for script in scripts() if not script.replayable] == []


def test_only_the_owner_may_use_the_template(db: None) -> None:
    query = """
        SELECT r.rolname FROM pg_roles r
        WHERE has_schema_privilege(r.oid, 'school_template', 'USAGE') AND NOT r.rolsuper
    """
    with owner_session() as owner:
        users = [row[0] for row in owner.execute(query).fetchall()]
        me = owner.info.user

    # besides PostgreSQL's own roles that may read everything
    assert {name for name in users if not name.startswith("pg_")} <= {me}


def test_a_semicolon_in_a_comment_ends_nothing() -> None:
    from apps.tenants.services.schemas.recording import Tape

    assert Tape(["SELECT 1 -- one;", "SELECT 2;"]).sql == "SELECT 1 -- one;\n;\nSELECT 2;\n;\n"
