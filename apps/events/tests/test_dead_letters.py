import pytest

from apps.events import facade as events
from apps.events.models import DeadLetter, OutboxEvent, Receipt
from apps.events.services import letters
from apps.events.tests.lessons import (
    effects,
    hold_lesson,
    let_time_pass,
)
from kernel.errors import Conflict, NotFound
from kernel.ids import uuid7


@pytest.fixture
def poison(lessons_school, hears, settings):
    """A cook who cannot bear the lessons in the list, and gives up at the second attempt."""
    settings.OUTBOX = {"max_attempts": 2}
    notes = ["poison"]

    def check(delivery):
        if delivery.event.note in notes:
            raise ValueError("cannot bear it")

    hears("register")
    hears("cook", fails=check)
    return notes


def give_up(drain):
    drain()
    let_time_pass()
    drain()


def test_a_poison_event_becomes_a_dead_letter_and_its_stream_goes_on(poison, drain):
    stream = uuid7()
    event_id = hold_lesson("poison", stream, actor="ada@example.org")
    hold_lesson("after it", stream)
    hold_lesson("neighbour")

    give_up(drain)

    letter = DeadLetter.objects.get()
    assert (letter.event_id, letter.consumer, letter.attempts) == (event_id, "cook", 2)
    assert letter.error == "ValueError: cannot bear it"
    assert letter.payload == {"note": "poison", "teacher": "Ada"}
    assert letter.headers["actor"] == "ada@example.org"
    assert effects("register") == ["poison", "neighbour", "after it"]
    assert effects("cook") == ["neighbour", "after it"]
    assert OutboxEvent.objects.count() == 0


def test_other_schools_go_on(poison, drain, in_other_school):
    hold_lesson("poison")
    with in_other_school():
        hold_lesson("álgebra")

    give_up(drain)
    events.drain("t_000002")

    with in_other_school():
        assert effects("cook") == ["álgebra"]
        assert DeadLetter.objects.count() == 0


def test_a_retried_letter_runs_the_consumer_that_failed_and_no_other(poison, drain):
    event_id = hold_lesson("poison")
    give_up(drain)
    poison.clear()

    assert letters.retry(letter_id=DeadLetter.objects.get().id) == event_id
    drain()

    assert effects("cook") == ["poison"]
    assert effects("register") == ["poison"]
    letter = DeadLetter.objects.get()
    assert letter.resolution == "retried"
    assert letter.resolved_at is not None


def test_a_retry_that_fails_again_is_a_new_letter(poison, drain):
    hold_lesson("poison")
    give_up(drain)

    letters.retry(letter_id=DeadLetter.objects.get().id)
    give_up(drain)

    assert list(DeadLetter.objects.order_by("id").values_list("resolution", flat=True)) == [
        "retried",
        "",
    ]


def test_a_discarded_letter_keeps_its_consumer_from_ever_handling_the_event(poison, hears, drain):
    def no_key(delivery):
        if "poison" in poison:
            raise KeyError("no key")

    hears("porter", fails=no_key)
    event_id = hold_lesson("poison")
    give_up(drain)
    cook, porter = DeadLetter.objects.order_by("consumer")
    poison.clear()

    letters.discard(letter_id=cook.id)
    letters.retry(letter_id=porter.id)
    drain()

    assert effects("cook") == []
    assert effects("porter") == ["poison"]
    assert Receipt.objects.filter(event_id=event_id).count() == 3


def test_a_letter_is_resolved_once(poison, drain):
    hold_lesson("poison")
    give_up(drain)
    letter_id = DeadLetter.objects.get().id
    letters.discard(letter_id=letter_id)

    with pytest.raises(Conflict, match="discarded already"):
        letters.retry(letter_id=letter_id)

    assert OutboxEvent.objects.count() == 0


def test_an_unknown_letter_is_not_found(school):
    with pytest.raises(NotFound, match="no dead letter 7"):
        letters.discard(letter_id=7)
