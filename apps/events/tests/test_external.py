import pytest

from apps.events import facade as events
from apps.events.models import DeadLetter, ExternalDelivery, OutboxEvent
from apps.events.services import announcements as announced
from apps.events.services import letters
from apps.events.services.draining import drain_lane
from apps.events.tests.lessons import (
    announcements,
    effects,
    hold_lesson,
    let_time_pass,
)
from kernel.ids import uuid7


@pytest.fixture
def post(lessons_school, registry):
    """A letter box that can be out of order; `post.sent` holds (event id, note, attempt)."""

    class Post:
        sent: list = []
        broken: set = set()

    post = Post()
    post.sent, post.broken = [], set()

    @events.handles("lessons.lesson_held", version=2, external=True, consumer="post")
    def send(delivery: events.Delivery) -> None:
        post.sent.append((delivery.event_id, delivery.event.note, delivery.attempt))
        if delivery.event.note in post.broken:
            raise ConnectionError("letter box is full")

    return post


def test_an_external_consumer_is_called_once_with_the_event_id(post, drain):
    event_id = hold_lesson("algebra")

    drain()
    let_time_pass()
    drain()

    assert post.sent == [(event_id, "algebra", 1)]
    assert ExternalDelivery.objects.count() == 0
    assert announcements() == []


def test_a_drain_can_leave_the_calls_to_a_worker(post, drain):
    hold_lesson("algebra")

    assert events.drain("t_000001", calls=False) == 1

    assert post.sent == []
    assert ExternalDelivery.objects.count() == 1
    drain()
    assert [note for _, note, _ in post.sent] == ["algebra"]


def test_the_drain_of_a_lane_owes_the_call_and_another_task_makes_it(post):
    event_id = hold_lesson("algebra")

    assert drain_lane("t_000001", 0) == 1

    assert post.sent == []
    row = ExternalDelivery.objects.get()
    assert (row.event_id, row.consumer, row.attempts) == (event_id, "post", 0)
    assert announcements() == [(-1, row.id, row.id)]
    assert OutboxEvent.objects.count() == 0

    assert drain_lane("t_000001", -1) == 1

    assert post.sent == [(event_id, "algebra", 1)]


def test_a_failed_call_is_made_again_later_with_the_same_id(post, drain):
    post.broken = {"algebra"}
    event_id = hold_lesson("algebra")

    drain()
    drain()

    assert post.sent == [(event_id, "algebra", 1)]
    row = ExternalDelivery.objects.get()
    assert (row.attempts, row.last_error) == (1, "ConnectionError: letter box is full")
    assert row.lease is None
    assert announcements() == [(-1, row.id, row.id)]

    post.broken = set()
    let_time_pass()
    drain()

    assert post.sent == [(event_id, "algebra", 1), (event_id, "algebra", 2)]
    assert ExternalDelivery.objects.count() == 0


def test_a_failing_call_holds_back_its_own_stream_only(post, drain):
    post.broken = {"a1"}
    a, b = uuid7(), uuid7()
    for note, stream in (("a1", a), ("a2", a), ("b1", b)):
        hold_lesson(note, stream)

    drain()

    assert [note for _, note, _ in post.sent] == ["a1", "b1"]

    post.broken = set()
    let_time_pass()
    drain()

    assert [note for _, note, _ in post.sent] == ["a1", "b1", "a1", "a2"]


def test_calls_that_wait_for_an_earlier_one_do_not_keep_the_sweep_busy(post, drain):
    post.broken = {"a1"}
    stream = uuid7()
    hold_lesson("a1", stream)
    hold_lesson("a2", stream)

    drain()

    assert ExternalDelivery.objects.count() == 2
    assert announced.due_lanes() == []


def test_a_call_under_way_is_not_announced_until_its_lease_runs_out(
    lessons_school, registry, drain
):
    due_meanwhile = []

    @events.handles("lessons.lesson_held", version=2, external=True, consumer="slow")
    def look_around(delivery: events.Delivery) -> None:
        due_meanwhile.append(announced.due_lanes())
        assert len(announcements()) == 1

    hold_lesson("algebra")

    drain()

    assert due_meanwhile == [[]]
    assert ExternalDelivery.objects.count() == 0


def test_transactional_effects_do_not_wait_for_a_failing_call(post, hears, drain):
    post.broken = {"algebra"}
    hears("register")
    stream = uuid7()
    hold_lesson("algebra", stream)
    hold_lesson("geometry", stream)

    drain()

    assert effects("register") == ["algebra", "geometry"]


def test_a_worker_that_died_during_the_call_is_replaced_when_its_lease_runs_out(post, drain):
    # Given a claim by a worker that never came back
    event_id = hold_lesson("algebra")
    drain_lane("t_000001", 0)
    ExternalDelivery.objects.update(lease=uuid7(), attempts=1, available_at="2999-01-01T00:00Z")

    drain()
    assert post.sent == []

    let_time_pass()
    drain()
    assert post.sent == [(event_id, "algebra", 2)]


def test_a_worker_whose_lease_ran_out_does_not_strike_off_anothers_call(post, registry, drain):
    def lose_the_lease(delivery):
        ExternalDelivery.objects.update(lease=uuid7(), available_at="2999-01-01T00:00Z")

    events.handles("lessons.lesson_held", version=2, external=True, consumer="slow")(lose_the_lease)
    hold_lesson("algebra")

    drain()

    assert ExternalDelivery.objects.get().consumer == "slow"


def test_a_call_that_never_works_becomes_a_dead_letter_and_can_be_retried(post, drain, settings):
    settings.OUTBOX = {"max_calls": 2}
    post.broken = {"algebra"}
    event_id = hold_lesson("algebra")
    drain()
    let_time_pass()
    drain()

    letter = DeadLetter.objects.get()
    assert (letter.consumer, letter.attempts) == ("post", 2)
    assert ExternalDelivery.objects.count() == 0
    assert announcements() == []

    post.broken = set()
    letters.retry(letter_id=letter.id)
    drain()

    assert [sent[0] for sent in post.sent] == [event_id] * 3
    assert DeadLetter.objects.get().resolution == "retried"


def test_a_call_that_kills_its_workers_is_given_up(post, drain, settings):
    settings.OUTBOX = {"max_calls": 2}
    hold_lesson("algebra")
    drain_lane("t_000001", 0)
    ExternalDelivery.objects.update(lease=uuid7(), attempts=2)
    let_time_pass()

    drain()

    assert post.sent == []
    assert "died" in DeadLetter.objects.get().error


def test_schools_calls_are_apart(post, in_other_school):
    with in_other_school():
        hold_lesson("álgebra")
    hold_lesson("algebra")

    events.drain("t_000001")

    assert [note for _, note, _ in post.sent] == ["algebra"]


def test_calls_of_a_batch_are_owed_together_and_in_order(
    lessons_school, registry, django_assert_max_num_queries
):
    for consumer in ("post", "fax"):
        events.handles("lessons.lesson_held", version=2, external=True, consumer=consumer)(print)
    for number in range(50):
        hold_lesson(f"lesson {number}")

    with django_assert_max_num_queries(30):
        assert events.drain("t_000001", calls=False) == 50

    owed = list(ExternalDelivery.objects.order_by("id"))
    assert [(call.payload["note"], call.consumer) for call in owed] == [
        (f"lesson {number}", name) for number in range(50) for name in ("post", "fax")
    ]
    assert announcements() == [(-1, call.id, call.id) for call in owed]
