import json

import pytest
from django.core.management import CommandError, call_command

from apps.events.models import DeadLetter, OutboxEvent
from apps.events.tests.lessons import effects, hold_lesson


@pytest.fixture
def letter(lessons_school, hears, drain, settings):
    """One dead letter at Lincoln."""
    settings.OUTBOX = {"max_attempts": 1}

    def fail(delivery):
        if fail.on:
            raise ValueError("no chalk\nat all")

    fail.on = True
    hears("register", fails=fail)
    hold_lesson("algebra")
    drain()
    fail.on = False
    return DeadLetter.objects.get()


def test_status_shows_each_school(letter, capsys):
    hold_lesson("geometry")

    call_command("outbox_status")

    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == [
        "school", "pending", "retrying", "oldest", "s", "calls", "dead", "letters",
    ]  # fmt: skip
    rows = {line.split()[0]: line.split()[1:] for line in lines[1:]}
    assert set(rows) == {"platform", "lincoln", "sanmartin"}
    lincoln = rows["lincoln"]
    assert (lincoln[0], lincoln[1], lincoln[3], lincoln[4]) == ("1", "0", "0", "1")
    assert rows["sanmartin"] == ["0", "0", "0.0", "0", "0"]


@pytest.mark.parametrize("name", ["lincoln", "t_000001"])
def test_status_of_one_school_as_json(letter, capsys, name):
    OutboxEvent.objects.all().delete()

    call_command("outbox_status", "--school", name, "--json")

    assert json.loads(capsys.readouterr().out) == [
        {
            "school": "lincoln",
            "schema_name": "t_000001",
            "pending": 0,
            "retrying": 0,
            "oldest_seconds": 0.0,
            "deliveries": 0,
            "dead_letters": 1,
        }
    ]


@pytest.mark.parametrize(
    "arguments",
    [
        ("outbox_status", "--school", "hogwarts"),
        ("dead_letters", "list", "--school", "hogwarts"),
        ("dead_letters", "show", "--school", "hogwarts", "1"),
    ],
)
def test_an_unknown_school_is_one_clear_line_and_code_2(school, arguments):
    with pytest.raises(CommandError, match=r"There is no school “hogwarts”\.") as error:
        call_command(*arguments)

    assert error.value.returncode == 2


@pytest.mark.parametrize("action", ["show", "retry", "discard"])
def test_an_unknown_letter_is_one_clear_line_and_code_2(school, action):
    with pytest.raises(CommandError, match="no dead letter 77") as error:
        call_command("dead_letters", action, "--school", "lincoln", "77")

    assert error.value.returncode == 2


def test_letters_are_listed_with_the_first_line_of_their_error(letter, capsys):
    call_command("dead_letters", "list")

    [line] = capsys.readouterr().out.splitlines()
    assert line.startswith(f"lincoln  {letter.id}  ")
    assert line.endswith("lessons.lesson_held v2  register  ValueError: no chalk")


def test_no_letters_is_said_so(school, capsys):
    call_command("dead_letters", "list", "--school", "sanmartin")

    assert capsys.readouterr().out == "No dead letters.\n"


def test_a_letter_is_shown_in_full(letter, capsys):
    call_command("dead_letters", "show", "--school", "lincoln", str(letter.id))

    text = capsys.readouterr().out
    assert str(letter.event_id) in text
    assert "no chalk\nat all" in text
    assert '"note": "algebra"' in text


def test_a_letter_is_retried(letter, capsys, drain):
    call_command("dead_letters", "retry", "--school", "lincoln", str(letter.id))
    drain()

    assert f"Event {letter.event_id} is back in the outbox." in capsys.readouterr().out
    assert effects("register") == ["algebra"]


def test_a_letter_is_discarded_once(letter, capsys):
    call_command("dead_letters", "discard", "--school", "lincoln", str(letter.id))

    assert "is discarded" in capsys.readouterr().out
    with pytest.raises(CommandError, match="discarded already") as error:
        call_command("dead_letters", "discard", "--school", "lincoln", str(letter.id))
    assert error.value.returncode == 2
    call_command("dead_letters", "list", "--all")
    assert "[discarded]" in capsys.readouterr().out
