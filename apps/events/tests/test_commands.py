import json

import pytest
from django.core.management import CommandError, call_command

from apps.events.models import DeadLetter, OutboxEvent
from apps.events.services import audit
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
        "school", "pending", "retrying", "oldest", "s", "calls", "parked", "dead", "letters",
    ]  # fmt: skip
    rows = {line.split()[0]: line.split()[1:] for line in lines[1:]}
    assert set(rows) == {"platform", "lincoln", "sanmartin"}
    lincoln = rows["lincoln"]
    assert (lincoln[0], lincoln[1], *lincoln[3:]) == ("1", "0", "0", "0", "1")
    assert rows["sanmartin"] == ["0", "0", "0.0", "0", "0", "0"]


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
            "parked": 0,
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

    told = f"Dead letter {letter.id}: event {letter.event_id} is back in the outbox."
    assert told in capsys.readouterr().out
    assert effects("register") == ["algebra"]


def test_a_letter_is_discarded_once(letter, capsys):
    call_command("dead_letters", "discard", "--school", "lincoln", str(letter.id))

    assert "is discarded" in capsys.readouterr().out
    with pytest.raises(CommandError, match="discarded already") as error:
        call_command("dead_letters", "discard", "--school", "lincoln", str(letter.id))
    assert error.value.returncode == 2
    call_command("dead_letters", "list", "--all")
    assert "[discarded]" in capsys.readouterr().out


@pytest.fixture
def letters(lessons_school, hears, drain, settings):
    """Three dead letters of two events."""
    settings.OUTBOX = {"max_attempts": 1}

    def fail(delivery):
        if fail.on:
            raise ValueError("no chalk")

    fail.on = True
    hears("register", fails=fail)
    hold_lesson("algebra")
    drain()
    hears("diary", fails=fail)
    hold_lesson("music")
    drain()
    fail.on = False
    return list(DeadLetter.objects.order_by("id"))


@pytest.fixture
def decided(monkeypatch):
    """What the operators' history is told."""
    told = []
    monkeypatch.setattr(audit, "_recorder", lambda *decision: told.append(decision))
    return told


def test_those_that_fit_are_retried_together_and_noted(letters, capsys, drain, decided):
    call_command(
        "dead_letters", "retry", "--school", "lincoln", "--type", "lessons.*", "--yes", "--json"
    )
    drain()

    told = json.loads(capsys.readouterr().out)
    assert told["action"] == "retry"
    assert sorted(told["events"].values()) == sorted({str(one.event_id) for one in letters})
    assert sorted(effects("register")) == ["algebra", "music"]
    # Who has joined since hears of it for the first time.
    assert sorted(effects("diary")) == ["algebra", "music"]
    assert not DeadLetter.objects.filter(resolved_at=None).exists()
    assert {(schema, action) for schema, _who, action, _detail in decided} == {
        ("t_000001", audit.RETRIED)
    }
    assert sorted(detail["event_id"] for *_, detail in decided) == sorted(told["events"].values())


def test_those_of_one_consumer_are_discarded(letters, capsys):
    chosen = ["--consumer", "register", "--since", "2020-01-01", "--until", "2100-01-01T00:00"]
    call_command("dead_letters", "discard", "--school", "lincoln", *chosen, "--yes")

    assert capsys.readouterr().out.count("is discarded.") == 2
    assert [one.consumer for one in DeadLetter.objects.filter(resolved_at=None)] == ["diary"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "Which ones"),
        (["7", "--type", "lessons.lesson_held"], "not both"),
        (["--type", "lessons.*"], "Add --yes"),
        (["--since", "yesterday"], "no moment"),
        (["--since", "2026-02-01", "--until", "2026-01-01"], "before --until"),
    ],
)
def test_nothing_is_decided_by_accident(letters, arguments, said):
    with pytest.raises(CommandError, match=said) as error:
        call_command("dead_letters", "discard", "--school", "lincoln", *arguments)

    assert error.value.returncode == 2
    assert DeadLetter.objects.filter(resolved_at=None).count() == len(letters)


def test_a_number_counts_once_and_so_does_an_event(letters, capsys):
    numbers = [str(one.id) for one in letters]
    call_command("dead_letters", "retry", "--school", "lincoln", *numbers, *numbers, "--yes")

    assert capsys.readouterr().out.count("is back in the outbox.") == 2
    assert not DeadLetter.objects.filter(resolved_at=None).exists()


def test_nothing_is_decided_when_one_number_is_unknown(letters):
    with pytest.raises(CommandError, match="no dead letter 999"):
        call_command(
            "dead_letters", "discard", "--school", "lincoln", f"{letters[0].id}", "999", "--yes"
        )

    assert DeadLetter.objects.filter(resolved_at=None).count() == len(letters)


def test_nothing_that_fits_is_said_so(letters, capsys):
    call_command("dead_letters", "retry", "--school", "lincoln", "--type", "fees.*")

    assert capsys.readouterr().out == "No dead letter fits.\n"


def test_letters_as_json(letters, capsys):
    call_command("dead_letters", "list", "--json")

    rows = json.loads(capsys.readouterr().out)
    assert [(row["school"], row["consumer"]) for row in rows] == [
        ("lincoln", one.consumer) for one in letters
    ]


def test_a_consumer_is_paused_and_resumed(lessons_school, hears, capsys, drain, decided):
    hears("register")
    call_command("consumers", "pause", "register", "--school", "lincoln", "--reason", "chalk")
    hold_lesson("algebra")
    drain()
    call_command("consumers", "list", "--school", "lincoln")
    assert "paused since" in capsys.readouterr().out
    assert effects("register") == []

    call_command("consumers", "resume", "register", "--school", "lincoln", "--json")
    drain()

    assert json.loads(capsys.readouterr().out) == {"consumer": "register", "waiting": 1}
    assert effects("register") == ["algebra"]
    assert [action for _schema, _who, action, _detail in decided] == [
        audit.PAUSED,
        audit.RESUMED,
    ]


@pytest.mark.parametrize(
    "arguments",
    [("pause", "janitor"), ("resume", "janitor"), ("pause",), ("stop", "register")],
)
def test_consumers_that_do_not_exist_are_code_2(school, arguments):
    with pytest.raises(CommandError) as error:
        call_command("consumers", *arguments, "--school", "lincoln")

    assert error.value.returncode == 2
