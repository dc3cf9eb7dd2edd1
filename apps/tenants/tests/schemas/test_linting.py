"""Bad migrations are planted, and seen to be refused."""

from __future__ import annotations

import io
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from apps.tenants.management.commands import lint_migrations
from apps.tenants.services.schemas.linting import Finding, lint, migrations_of_this_code
from apps.tenants.tests.schemas.conftest import WriteMigration

# One migration each; what is said of it, or nothing when the running release does not mind.
PLANTED = [
    ('migrations.RemoveField("newspost", "author_name"),', "DROPPING columns (website_newspost)"),
    (
        'migrations.RenameField("newspost", "title", "headline"),',
        "RENAMING columns (website_newspost)",
    ),
    (
        'migrations.AddField("newspost", "mood", models.CharField(max_length=9, default="good")),',
        "NOT NULL constraint on columns (website_newspost)",
    ),
    (
        'migrations.AlterField("newspost", "body", models.CharField(max_length=10)),',
        "ALTERING columns",
    ),
    (
        'migrations.AlterModelTable("newspost", "website_story"),',
        "RENAMING tables (website_newspost)",
    ),
    ('migrations.DeleteModel("newspost"),', "DROPPING table (website_story)"),
    (
        'migrations.RunSQL("alter table website_document /* now */ drop column title"),',
        "DROPPING columns",
    ),
    (
        'migrations.AddConstraint("staffentry", models.CheckConstraint('
        'condition=~models.Q(name="x"), name="no_x")),',
        "ADDING a check that it does not know (website_staffentry)",
    ),
    (
        'migrations.AddConstraint("staffentry", models.UniqueConstraint('
        'fields=["name"], name="one_name")),',
        "ADDING unique constraint",
    ),
    (
        'migrations.AddField("staffentry", "floor", models.IntegerField(null=True)),',
        "",
    ),
    (
        'migrations.AddField("staffentry", "room", models.IntegerField(db_default=1)),',
        "",
    ),
    (
        """
        migrations.CreateModel("Shelf", [("id", models.BigAutoField(primary_key=True))]),
        migrations.AddField("shelf", "label", models.CharField(max_length=9, default="x")),
        """,
        "",
    ),
    ('migrations.RemoveField("shelf", "label"),', ""),
]


@pytest.fixture
def planted(
    transactional_db: None, write_migration: WriteMigration, last_migration: str
) -> list[str]:
    after, names = last_migration, []
    for number, (operations, _said) in enumerate(PLANTED):
        after = write_migration(f"91{number:02d}_planted", operations, after=after)
        names.append(after)
    return names


def test_each_planted_migration_is_judged(planted: list[str]) -> None:
    released = [key for key in migrations_of_this_code() if "_planted" not in key[1]]

    found = {finding.migration: finding for finding in lint(released)}

    for name, (_operations, said) in zip(planted, PLANTED, strict=True):
        finding = found.get(f"website.{name}")
        if said:
            assert finding is not None, name
            assert any(said in problem for problem in finding.problems), (name, finding)
            assert finding.refused
        else:
            assert finding is None, (name, finding)


def test_a_reason_lets_a_migration_pass_and_a_word_does_not(
    transactional_db: None,
    write_migration: WriteMigration,
    last_migration: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    drop = 'migrations.RemoveField("newspost", "{}"),\n    ]\n    contract = "{}"\n    _rest = ['
    first = write_migration("9101_a", drop.format("title", "Nobody reads it since 2026.1 came out"))
    write_migration("9102_b", drop.format("body", "intended"), after=first)
    released = {key for key in migrations_of_this_code() if not key[1].startswith("91")}
    monkeypatch.setattr(lint_migrations, "_released", lambda: released)
    out = io.StringIO()

    with pytest.raises(CommandError, match=r"would break: website\.9102_b\.") as refused:
        call_command("lint_migrations", stdout=out)

    assert refused.value.returncode == 1
    assert (
        "9101_a: DROPPING columns (website_newspost) — accepted: Nobody reads it" in out.getvalue()
    )


def test_a_finding_without_problems_is_not_refused() -> None:
    assert not Finding("app.0001", ()).refused


def test_a_release_is_written_down(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lint_migrations, "RELEASED", tmp_path / "released.txt")

    call_command("lint_migrations", "--release", stdout=io.StringIO())

    assert ("fees", "0001_initial") in lint_migrations._released()
    assert set(lint_migrations._released()) == set(migrations_of_this_code())
