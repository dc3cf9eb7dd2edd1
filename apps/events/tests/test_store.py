import json

import psycopg
import pytest
from django.db import IntegrityError, ProgrammingError, connection, transaction

from apps.events import facade as events
from apps.events.models import OutboxEvent, StoredEventRow
from apps.events.tests.lessons import LessonHeld, announcements
from kernel.ids import uuid7
from kernel.owner import owner_session
from kernel.statements import OFTEN


def lesson(note):
    return LessonHeld(note=note, teacher="Ada")


def test_a_stream_is_read_back_in_order(school):
    stream = uuid7()

    assert events.append("lesson", stream, expected_version=0, events=[lesson("a")]) == 1
    assert (
        events.append(
            "lesson",
            stream,
            expected_version=1,
            events=[lesson("b"), lesson("c")],
            metadata={"actor": "ada@example.org"},
        )
        == 3
    )

    stored = events.load(stream)
    assert [(one.version, one.event) for one in stored] == [
        (1, lesson("a")),
        (2, lesson("b")),
        (3, lesson("c")),
    ]
    said = dict(stored[2].metadata)
    # Nobody had begun a trace: the first append did, and the second goes on with it.
    assert said.pop("trace_id") == stored[0].metadata["trace_id"]
    assert said == {"actor": "ada@example.org", "stream_type": "lesson"}
    assert [one.version for one in events.load(stream, after_version=2)] == [3]


@pytest.mark.parametrize(
    "note",
    ['ñ€😀 \\ "b" \n', "\0", "\ud83d", "x" * 10**6],
    ids=["words", "NUL", "half a pair", "long"],
)
def test_whatever_json_can_say_is_stored_as_it_was_said(school, note):
    stream = uuid7()

    events.append(
        "lesson", stream, expected_version=0, events=[lesson(note)], publish=[lesson(note)]
    )

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT payload::text FROM stored_event"
            " UNION ALL SELECT payload::text FROM outbox_event"
        )
        said = json.dumps({"note": note, "teacher": "Ada"})
        assert cursor.fetchall() == [(said,), (said,)]
    assert events.load(stream)[0].event == lesson(note)


def test_what_nobody_could_read_again_is_not_stored(school):
    stream = uuid7()

    with pytest.raises(TypeError, match=r"LessonHeld: .*note"):
        events.append("lesson", stream, expected_version=0, events=[lesson(None)])
    with pytest.raises(TypeError, match=r"LessonHeld: .*note"):
        events.append(
            "lesson", stream, expected_version=0, events=[lesson("a")], publish=[lesson(1)]
        )
    with pytest.raises(TypeError, match=r"LessonHeld: .*note"), transaction.atomic():
        events.publish(lesson(None), stream_type="lesson", stream_id=stream)

    assert events.load(stream) == []
    assert not OutboxEvent.objects.exists()


def test_an_unknown_stream_is_empty(school):
    assert events.load(uuid7()) == []


def test_old_versions_are_brought_up_to_date_on_reading(school):
    stream = uuid7()
    StoredEventRow.objects.create(
        stream_id=stream,
        version=1,
        event_type="lessons.lesson_held",
        schema_version=1,
        payload={"note": "a"},
    )

    assert events.load(stream)[0].event == LessonHeld(note="a", teacher="unknown")


@pytest.mark.parametrize("expected_version", [0, 2, 7])
def test_a_wrong_version_is_a_conflict_and_the_transaction_goes_on(school, expected_version):
    stream = uuid7()
    events.append("lesson", stream, expected_version=0, events=[lesson("a")])

    with transaction.atomic():
        with pytest.raises(events.VersionConflict) as conflict:
            events.append("lesson", stream, expected_version=expected_version, events=[lesson("b")])
        assert [one.event for one in events.load(stream)] == [lesson("a")]

    assert conflict.value.actual_version == 1
    assert (conflict.value.status, conflict.value.code) == (409, "version_conflict")


def test_the_database_itself_refuses_a_version_twice(school):
    stream = uuid7()
    events.append("lesson", stream, expected_version=0, events=[lesson("a")])
    twin = StoredEventRow.objects.get()
    twin.id = None

    with pytest.raises(IntegrityError), transaction.atomic():
        twin.save(force_insert=True)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE stored_event SET payload = '{}'",
        "DELETE FROM stored_event",
    ],
)
def test_history_cannot_be_changed(school, statement):
    stream = uuid7()
    events.append("lesson", stream, expected_version=0, events=[lesson("a")])

    with (
        pytest.raises(ProgrammingError, match="permission denied for table stored_event"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)

    assert [one.event for one in events.load(stream)] == [lesson("a")]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE t_000001.stored_event SET payload = '{}'",
        "DELETE FROM t_000001.stored_event",
        "TRUNCATE t_000001.stored_event",
    ],
)
def test_history_cannot_be_changed_by_its_owner_either(school, statement):
    with owner_session() as owner:
        with pytest.raises(psycopg.IntegrityError, match="is history"):
            owner.execute(statement)
        owner.rollback()


def test_rows_carry_the_transaction_that_wrote_them(school):
    events.append("lesson", uuid7(), expected_version=0, events=[lesson("a"), lesson("b")])

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_current_xact_id()::text")
        [current] = cursor.fetchone()
    assert {str(row.txid) for row in StoredEventRow.objects.all()} == {current}


def test_histories_of_schools_are_apart(school, in_other_school):
    stream = uuid7()
    events.append("lesson", stream, expected_version=0, events=[lesson("a")])

    with in_other_school():
        assert events.load(stream) == []
        assert events.append("lesson", stream, expected_version=0, events=[lesson("z")]) == 1

    assert [one.event for one in events.load(stream)] == [lesson("a")]


def test_appending_takes_a_constant_number_of_queries(school, django_assert_max_num_queries):
    events.append("lesson", uuid7(), expected_version=0, events=[lesson("a")])

    with django_assert_max_num_queries(4):
        events.append(
            "lesson", uuid7(), expected_version=0, events=[lesson(str(n)) for n in range(20)]
        )


def test_an_append_publishes_by_the_same_statement(school, django_assert_num_queries):
    stream = uuid7()
    news = [lesson("told"), lesson("told too")]

    with django_assert_num_queries(1):
        events.append(
            "lesson",
            stream,
            expected_version=0,
            events=[lesson("a")],
            metadata={"actor": "ada@example.org"},
            publish=news,
        )

    rows = list(OutboxEvent.objects.order_by("id"))
    assert [row.payload["note"] for row in rows] == ["told", "told too"]
    assert [(row.stream_type, row.stream_id, row.seq) for row in rows] == [
        ("lesson", stream, 1)
    ] * 2
    assert rows[0].headers["actor"] == "ada@example.org"
    assert announcements() == [(rows[0].lane, rows[0].id, rows[1].id)]


@pytest.mark.parametrize("story", [["b"], ["b", "c"]])
def test_a_conflict_publishes_nothing(school, story):
    stream = uuid7()
    events.append("lesson", stream, expected_version=0, events=[lesson("a")])

    with pytest.raises(events.VersionConflict):
        events.append(
            "lesson",
            stream,
            expected_version=0,
            events=[lesson(note) for note in story],
            publish=[lesson("told")],
        )

    assert OutboxEvent.objects.count() == 0
    assert [one.event for one in events.load(stream)] == [lesson("a")]


def test_what_is_kept_prepared_follows_the_school(school, in_other_school):
    for _round in range(OFTEN + 2):
        events.append("lesson", uuid7(), expected_version=0, events=[lesson("here")])
        with in_other_school():
            events.append("lesson", uuid7(), expected_version=0, events=[lesson("there")])

    def notes():
        return {row.payload["note"] for row in StoredEventRow.objects.all()}

    assert notes() == {"here"}
    with in_other_school():
        assert notes() == {"there"}
