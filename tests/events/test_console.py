"""The operator console: outboxes that have something, what failed there, what is decided."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client

from apps.events import facade as events
from apps.events.models import DeadLetter, OutboxEvent
from apps.tenants.models import OperatorAction, School
from apps.tenants.platform.events import age
from apps.tenants.services import outboxes
from apps.tenants.tests.factories import SchoolFactory
from kernel.ids import uuid7
from kernel.schools import in_public, in_school

LIST, OURS = "/operator/events/", "/operator/events/platform/"
LINCOLN = "/operator/schools/1/events/"
PAGES = [LIST, OURS, LINCOLN]
LETTER = {
    "stream_type": "payment",
    "event_type": "payments.payment_captured",
    "version": 1,
    "payload": {"payer_name": "Zoë <b>Park</b>"},
    "headers": {"trace_id": "5f3c0000beef", "actor": "bursar@example.org"},
    "consumer": "fees.settle_invoices",
    "error": "ValueError: the ledger is <closed>",
    "attempts": 10,
}


@pytest.fixture(autouse=True)
def _nothing_counted(clear_cache: None) -> Iterator[None]:
    yield
    cache.clear()


def make_letter(schema_name: str = "t_000001", **values: Any) -> DeadLetter:
    """A dead letter in that school, which has counted itself since."""
    names = {"event_id": uuid7(), "stream_id": uuid7()}
    if schema_name == "public":
        with in_public():
            letter = DeadLetter.objects.create(**{**LETTER, **names, **values})
    else:
        with in_school(schema_name):
            letter = DeadLetter.objects.create(**{**LETTER, **names, **values})
    events.count_outbox(schema_name)
    return letter


def wait_in(schema_name: str, count: int = 1) -> None:
    """Events that wait in a school's outbox; the trigger announces them."""
    with in_school(schema_name):
        for _number in range(count):
            OutboxEvent.objects.create(
                stream_type="payment",
                stream_id=uuid7(),
                event_type="payments.payment_captured",
                version=1,
                payload={},
            )


def text_of(client: Client, path: str) -> str:
    page = client.get(path)
    assert page.status_code == 200
    return " ".join(page.content.decode().split())


def names(client: Client, path: str = LIST) -> list[str]:
    return [str(row["name"]) for row in client.get(path).context["rows"]]


def stats(client: Client, path: str) -> dict[str, Any]:
    return {str(stat["label"]): stat["value"] for stat in client.get(path).context["stats"]}


# For whom ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", PAGES)
def test_pages_are_for_operators(operator_client: Client, path: str) -> None:
    assert operator_client.get(path).status_code == 200
    stranger = Client(headers={"host": "testserver"})
    assert stranger.get(path).headers["Location"] == f"/sign-in/?next={path}"


@pytest.mark.parametrize("role", ["admin", "bursar", "office", "teacher", "guardian"])
@pytest.mark.parametrize("path", [*PAGES, f"{LINCOLN}1/retry/", f"{OURS}1/discard/"])
def test_a_school_has_no_such_pages(
    client_for: Callable[..., Client], role: str, path: str
) -> None:
    person = client_for(role)

    assert person.get(path).status_code == 404
    assert person.post(path).status_code == 404


def test_a_person_of_a_school_is_a_stranger_on_the_platforms_host(
    client_for: Callable[..., Client],
) -> None:
    letter = make_letter()
    admin = client_for("admin")

    answer = admin.post(f"{LINCOLN}{letter.id}/retry/", headers={"host": "testserver"})

    assert answer.headers["Location"].startswith("/sign-in/")
    with in_school("t_000001"):
        assert DeadLetter.objects.get(id=letter.id).resolution == ""


@pytest.mark.parametrize("action", ["retry", "discard"])
def test_a_decision_needs_a_post_of_our_own_form(operator_client: Client, action: str) -> None:
    letter = make_letter()
    path = f"{LINCOLN}{letter.id}/{action}/"

    assert operator_client.get(path).headers["Location"] == "/operator/schools/1/"
    assert operator_client.get(f"{OURS}1/{action}/").headers["Location"] == OURS
    assert operator_client.put(path).status_code == 405
    operator_client.handler.enforce_csrf_checks = True
    assert operator_client.post(path).status_code == 403
    with in_school("t_000001"):
        assert DeadLetter.objects.get(id=letter.id).resolution == ""


# All outboxes -----------------------------------------------------------------------------------


def test_when_nothing_waits_the_page_says_so(operator_client: Client) -> None:
    for schema_name in ("public", "t_000001", "t_000002"):
        events.count_outbox(schema_name)

    page = text_of(operator_client, LIST)

    assert "Everything is delivered" in page
    assert "Lincoln" not in page
    assert "not been counted" not in page


def test_only_outboxes_with_something_are_listed(operator_client: Client) -> None:
    wait_in("t_000002", count=3)

    assert names(operator_client) == ["Colegio San Martín"]
    figures = stats(operator_client, LIST)
    assert (figures["Waiting"], figures["Dead letters"]) == (3, 0)
    assert figures["Oldest"].endswith(" s")


def test_dead_letters_come_first(operator_client: Client) -> None:
    wait_in("t_000002")
    make_letter()
    make_letter("public")
    make_letter("public")

    assert names(operator_client) == ["Platform", "Lincoln Elementary", "Colegio San Martín"]
    assert stats(operator_client, LIST)["Dead letters"] == 3


def test_work_done_since_the_count_is_not_shown(operator_client: Client) -> None:
    wait_in("t_000001")
    events.count_outbox("t_000001")
    with in_public(), connection.cursor() as cursor:
        cursor.execute("DELETE FROM public.outbox_ready")

    assert names(operator_client) == []
    assert stats(operator_client, LIST)["Waiting"] == 0


def test_work_that_nothing_announces_shows_all_the_same(operator_client: Client) -> None:
    wait_in("t_000001")
    with in_school("t_000001"):
        OutboxEvent.objects.update(occurred_at="2026-01-01T00:00Z")
    events.count_outbox("t_000001")
    with in_public(), connection.cursor() as cursor:
        cursor.execute("DELETE FROM public.outbox_ready")

    assert names(operator_client) == ["Lincoln Elementary"]
    assert stats(operator_client, LIST)["Waiting"] == 1


def test_a_search_looks_into_the_schools_it_finds(operator_client: Client) -> None:
    wait_in("t_000002")

    assert names(operator_client, f"{LIST}?q=lincoln") == ["Lincoln Elementary"]
    assert names(operator_client, f"{LIST}?q=platform") == ["Platform"]
    assert "No school matches" in text_of(operator_client, f"{LIST}?q=hogwarts")


@pytest.mark.parametrize("query", ["?q=%00", "?page=0", "?page=x", f"?q={'x' * 500}", "?q=%25_'"])
def test_odd_input_is_no_error(operator_client: Client, query: str) -> None:
    wait_in("t_000001")

    assert operator_client.get(LIST + query).status_code == 200
    assert operator_client.get(LINCOLN + query).status_code == 200


def test_outboxes_that_were_not_counted_are_told(operator_client: Client) -> None:
    events.count_outbox("public")

    assert "2 outboxes have not been counted" in text_of(operator_client, LIST)


def test_a_school_that_cannot_be_read_does_not_hide_the_others(
    operator_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    wait_in("t_000001")
    wait_in("t_000002")
    look = events.look_at_outbox

    def gone(schema_name: str) -> Any:
        if schema_name == "t_000001":
            raise School.DoesNotExist
        return look(schema_name)

    monkeypatch.setattr(outboxes.events, "look_at_outbox", gone)

    page = text_of(operator_client, LIST)

    assert "Cannot be read at this moment" in page
    assert "Colegio San Martín" in page


def test_schools_that_are_well_are_not_opened(
    operator_client: Client, django_assert_max_num_queries: Callable[..., Any]
) -> None:
    SchoolFactory.create_batch(80)
    make_letter()

    # session, operator and roles; schools, announcements; two statements in Lincoln
    with django_assert_max_num_queries(13):
        assert names(operator_client) == ["Lincoln Elementary"]


# One outbox -------------------------------------------------------------------------------------


def test_a_letter_is_shown_with_all_there_is_to_know(operator_client: Client) -> None:
    letter = make_letter()

    page = text_of(operator_client, LINCOLN)

    for part in (
        "payments.payment_captured",
        "fees.settle_invoices",
        "ValueError: the ledger is &lt;closed&gt;",
        str(letter.event_id),
        "5f3c0000beef",
        "bursar@example.org",
        "Zoë &lt;b&gt;Park&lt;/b&gt;",
        "<dd>10</dd>",
    ):
        assert part in page
    assert 'data-confirm-title="Discard this event?"' in page


def test_what_will_be_tried_again_is_shown(operator_client: Client) -> None:
    wait_in("t_000001")
    with in_school("t_000001"):
        OutboxEvent.objects.update(attempts=3, last_error="fees.settle: ValueError: not yet")

    page = text_of(operator_client, LINCOLN)

    assert "fees.settle: ValueError: not yet" in page
    assert "Will be tried again" in page
    assert "/retry/" not in page


def test_an_outbox_without_failures_says_so(operator_client: Client) -> None:
    assert "Nothing fails here" in text_of(operator_client, LINCOLN)
    assert "Nothing fails here" in text_of(operator_client, OURS)


def test_many_letters_come_in_pages(operator_client: Client) -> None:
    for number in range(21):
        make_letter(error=f"error number {number}.")

    assert "error number 20." not in text_of(operator_client, LINCOLN)
    assert "error number 20." in text_of(operator_client, f"{LINCOLN}?page=2")


@pytest.mark.parametrize(
    "path", ["/operator/schools/99/events/", f"/operator/schools/{10**20}/events/"]
)
def test_an_unknown_school_is_not_found(operator_client: Client, path: str) -> None:
    assert operator_client.get(path).status_code == 404


def test_a_school_in_the_making_has_no_events_yet(operator_client: Client) -> None:
    school = SchoolFactory(status="provisioning")

    assert operator_client.get(f"/operator/schools/{school.id}/events/").status_code == 404


# Decisions --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("action", "resolution", "waiting", "told"),
    [
        ("retry", "retried", 1, "put back for fees.settle_invoices"),
        ("discard", "discarded", 0, "given up on for fees.settle_invoices"),
    ],
)
def test_a_decision_is_made_and_written_down(
    operator_client: Client, action: str, resolution: str, waiting: int, told: str
) -> None:
    letter = make_letter()

    answer = operator_client.post(f"{LINCOLN}{letter.id}/{action}/")

    assert answer.headers["Location"] == LINCOLN
    with in_school("t_000001"):
        assert DeadLetter.objects.get(id=letter.id).resolution == resolution
        assert OutboxEvent.objects.filter(event_id=letter.event_id).count() == waiting
    noted = OperatorAction.objects.get(action__startswith="events.")
    assert (noted.school_id, noted.actor) == (1, "operator@example.org")
    assert noted.detail == {
        "event_id": str(letter.event_id),
        "event": "payments.payment_captured",
        "consumer": "fees.settle_invoices",
    }
    assert told in text_of(operator_client, "/operator/schools/1/history/")


@pytest.mark.parametrize("action", ["retry", "discard"])
def test_the_platforms_own_letters(operator_client: Client, action: str) -> None:
    letter = make_letter("public")

    answer = operator_client.post(f"{OURS}{letter.id}/{action}/")

    assert answer.headers["Location"] == OURS
    with in_public():
        assert DeadLetter.objects.get(id=letter.id).resolved_at is not None
    assert OperatorAction.objects.get(action__startswith="events.").school_id is None


@pytest.mark.parametrize("action", ["retry", "discard"])
def test_a_letter_is_decided_once(operator_client: Client, action: str) -> None:
    letter = make_letter()
    operator_client.post(f"{LINCOLN}{letter.id}/discard/")

    answer = operator_client.post(f"{LINCOLN}{letter.id}/{action}/", follow=True)

    assert "discarded already" in answer.content.decode()
    assert OperatorAction.objects.filter(action__startswith="events.").count() == 1


@pytest.mark.parametrize("number", ["7", "0", str(10**20)])
def test_an_unknown_letter_is_not_found(operator_client: Client, number: str) -> None:
    for action in ("retry", "discard"):
        assert operator_client.post(f"{LINCOLN}{number}/{action}/").status_code == 404
    assert not OperatorAction.objects.filter(action__startswith="events.").exists()


def test_another_schools_letter_is_not_found_here(operator_client: Client) -> None:
    letter = make_letter("t_000002", id=4711)

    assert operator_client.post(f"{LINCOLN}{letter.id}/retry/").status_code == 404

    with in_school("t_000002"):
        assert DeadLetter.objects.get(id=letter.id).resolution == ""


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 s"),
        (119.9, "119 s"),
        (120, "2 min"),
        (7199, "119 min"),
        (7200, "2 h"),
        (172800, "2 d"),
    ],
)
def test_an_age_is_one_number(seconds: float, words: str) -> None:
    assert age(seconds) == words
