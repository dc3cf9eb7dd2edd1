"""The same tables in fewer statements; test_replay compares the schemas that come out."""

from __future__ import annotations

import pytest

from apps.tenants.services.schemas.condensing import END, condense
from apps.tenants.services.schemas.versions import scripts

CLASSROOM = 'CREATE TABLE "classroom" ("id" uuid NOT NULL PRIMARY KEY, "name" text NOT NULL)'
PUPIL = 'CREATE TABLE "pupil" ("id" uuid NOT NULL PRIMARY KEY, "classroom_id" uuid NOT NULL)'
FIRST_IS = (
    'ALTER TABLE "classroom" ADD COLUMN "first_id" uuid NULL CONSTRAINT "first"'
    ' REFERENCES "pupil"("id") DEFERRABLE INITIALLY DEFERRED; SET CONSTRAINTS "first" IMMEDIATE'
)
ONE_NAME = 'ALTER TABLE "classroom" ADD CONSTRAINT "one_name" UNIQUE ("name")'
SITS_IN = (
    'ALTER TABLE "pupil" ADD CONSTRAINT "sits_in" FOREIGN KEY ("classroom_id")'
    ' REFERENCES "classroom" ("id") DEFERRABLE INITIALLY DEFERRED'
)
BY_ROOM = 'CREATE INDEX "by_room" ON "pupil" ("classroom_id")'
RENAMED = 'ALTER TABLE "classroom" RENAME TO "room"'


def condensed(*statements: str) -> list[str]:
    script = "".join(statement + END for statement in statements)
    return condense(script).split(END)[:-1]


def test_constraints_move_into_their_tables() -> None:
    both = condensed(CLASSROOM, PUPIL, ONE_NAME, SITS_IN, BY_ROOM)
    assert both == [
        CLASSROOM[:-1] + ', CONSTRAINT "one_name" UNIQUE ("name"))',
        PUPIL[:-1] + ", " + SITS_IN.partition(" ADD ")[2] + ")",
        BY_ROOM,
    ]


def test_a_table_comes_after_those_it_points_at() -> None:
    assert condensed(PUPIL, CLASSROOM, SITS_IN)[0] == CLASSROOM
    [_pupil, classroom] = condensed(CLASSROOM, PUPIL, FIRST_IS)
    assert classroom.startswith(CLASSROOM[:-1] + ', "first_id" uuid NULL CONSTRAINT "first"')
    assert "SET CONSTRAINTS" not in classroom


def test_a_circle_keeps_the_constraint_that_would_close_it() -> None:
    [classroom, pupil, closing] = condensed(CLASSROOM, PUPIL, SITS_IN, FIRST_IS)
    assert classroom == CLASSROOM
    assert '"sits_in"' in pupil
    assert closing == FIRST_IS


def test_what_needs_a_later_column_comes_after_it() -> None:
    both = 'ALTER TABLE "classroom" ADD CONSTRAINT "both" UNIQUE ("first_id", "name")'
    assert condensed(CLASSROOM, PUPIL, SITS_IN, FIRST_IS, both)[-2:] == [FIRST_IS, both]


def test_a_table_may_point_at_itself() -> None:
    itself = (
        'ALTER TABLE "pupil" ADD CONSTRAINT "twin" FOREIGN KEY ("id") REFERENCES "pupil" ("id")'
    )
    [pupil] = condensed(PUPIL, itself)
    assert '"twin"' in pupil


@pytest.mark.parametrize(
    "barrier",
    [
        RENAMED,
        "UPDATE pupil SET id = id",
        "CREATE TRIGGER t BEFORE DELETE ON pupil EXECUTE FUNCTION refuse();",
        'ALTER TABLE "pupil" DROP COLUMN "classroom_id"',
        'CREATE TABLE "a;b" ("id" int)',
    ],
)
def test_nothing_moves_past_what_is_not_understood(barrier: str) -> None:
    given = [CLASSROOM, PUPIL, barrier, ONE_NAME, SITS_IN, BY_ROOM]
    assert condensed(*given) == given


def test_a_key_of_an_older_table_is_there_before_what_points_at_it() -> None:
    by_name = (
        'ALTER TABLE "pupil" ADD CONSTRAINT "by_name"'
        ' FOREIGN KEY ("name") REFERENCES "classroom" ("name")'
    )
    given = [CLASSROOM, RENAMED, PUPIL, ONE_NAME, by_name]
    assert condensed(*given) == given


def test_condensing_twice_changes_nothing_more() -> None:
    once = condensed(CLASSROOM, PUPIL, ONE_NAME, SITS_IN, FIRST_IS, BY_ROOM)
    assert condensed(*once) == once


def test_the_recorded_tables_need_a_sixth_fewer_statements(db: None) -> None:
    recorded = "".join(script.sql for script in scripts())
    assert 6 * condense(recorded).count(END) < 5 * recorded.count(END)
    assert condense(recorded).count('CREATE TABLE "') == recorded.count('CREATE TABLE "')
