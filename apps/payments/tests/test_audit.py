"""Who did what with money, and why: in every way an event is written, and on the page."""

from __future__ import annotations

import csv
import io
import json
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone, translation

from apps.identity import facade as identity
from apps.payments import facade as payments
from apps.payments import models, tasks
from apps.payments.services import audit, timeline
from apps.payments.tests.conftest import deliver
from apps.payments.tests.factories import counter, start
from kernel.acting import PAYER, acting

URL, FILE = "/portal/payments/audit/", "/portal/payments/audit/file/"


def notes(payment_id: Any) -> list[tuple[str, dict[str, Any]]]:
    """(type, metadata) of the payment's stored events."""
    with connection.cursor() as cursor:
        # The table is another app's: its facade appends, and tests read what it wrote.
        cursor.execute(
            "SELECT event_type, metadata::text FROM stored_event WHERE stream_id = %s"
            " ORDER BY version",
            [payment_id],
        )
        return [(row[0].removeprefix("payments."), json.loads(row[1])) for row in cursor.fetchall()]


def actors(payment_id: Any) -> dict[str, str]:
    """Type -> who, of a payment; every event must say so, and its trace."""
    found = notes(payment_id)
    assert all(said.get("actor") and said.get("trace_id") for _type, said in found), found
    return {name: said["actor"] for name, said in found}


def test_what_the_payer_starts_and_the_webhook_finds(
    school: Any, account: Any, sandbox: Any, anonymous: Any
) -> None:
    with acting(PAYER):
        started = start()
    sandbox.press(started, "pay")
    deliver(anonymous(), sandbox.collect()[0])
    message = models.ProviderEvent.objects.get()
    tasks.process_provider_event(schema_name=school.schema_name, provider_event_id=str(message.pk))
    assert actors(started.payment_id) == {
        "initiated": "payer",
        "session_created": "payer",
        "captured": "system: webhook",
    }


def test_what_the_sweep_of_messages_finds(
    school: Any, account: Any, sandbox: Any, anonymous: Any
) -> None:
    started = start()
    sandbox.press(started, "pay")
    deliver(anonymous(), sandbox.collect()[0])
    models.ProviderEvent.objects.update(next_attempt_at=timezone.now())
    tasks.take_up_messages(schema_name=school.schema_name)
    assert actors(started.payment_id)["captured"] == "system: webhook"


def test_what_the_janitor_finds(school: Any, account: Any, sandbox: Any) -> None:
    started = start()
    sandbox.press(started, "pay")
    models.Payment.objects.update(next_check_at=timezone.now())
    tasks.tidy_school(schema_name=school.schema_name)
    assert actors(started.payment_id)["captured"] == "system: janitor"


def test_what_staff_does_carries_the_trace_of_the_request(
    school: Any, account: Any, sandbox: Any, client_for: Any
) -> None:
    started = start()
    sandbox.press(started, "pay")
    client = client_for("bursar", email="bea@example.org")
    asked = client.post(f"/portal/payments/{started.payment_id}/ask/")
    form = {"amount": "10.00", "reason": "Trip cancelled", "key": str(uuid4())}
    refunded = client.post(f"/portal/payments/{started.payment_id}/refund/", form)
    assert asked.status_code == refunded.status_code == 302
    said = dict(notes(started.payment_id))
    assert said["captured"]["actor"] == "bea@example.org"
    assert said["captured"]["trace_id"] == asked["X-Request-ID"]
    assert said["refund_requested"]["actor"] == "bea@example.org"
    # The outcome is written after the call, in another transaction: still the same person.
    assert said["refund_succeeded"]["actor"] == "bea@example.org"
    assert said["refund_succeeded"]["trace_id"] == refunded["X-Request-ID"]


def test_what_a_machine_does_by_the_api(school: Any, account: Any, api_for: Any) -> None:
    payment_id = payments.record_offline_payment(**counter())
    answer = api_for("bursar", email="machine@example.org").post(
        f"/api/v1/payments/{payment_id}/refunds/",
        {"amount_minor": 100, "reason": "Too much"},
        content_type="application/json",
        headers={"Idempotency-Key": "a-key-of-its-own"},
    )
    assert answer.status_code == 201
    said = dict(notes(payment_id))
    assert said["refund_succeeded"]["actor"] == "machine@example.org"
    assert said["refund_succeeded"]["trace_id"] == answer["X-Request-ID"]


def test_where_nobody_is_named_the_system_acts(school: Any, account: Any) -> None:
    started = start()
    assert set(actors(started.payment_id).values()) == {"system"}
    assert timeline.actor_name("system") == timeline.actor_name("system: ") == "System"
    assert timeline.actor_name("system: janitor") == "System: janitor"
    assert timeline.actor_name("system: fees.run_autopay") == "System: automatic payment"
    with translation.override("es"):
        assert timeline.actor_name("system") == "Sistema"
    traces = {said["trace_id"] for _type, said in notes(started.payment_id)}
    assert len(traces) == 1  # begun by the first of them, carried on by the others


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE stored_event SET metadata = '{}'",
        "DELETE FROM stored_event",
        "TRUNCATE stored_event",
        "UPDATE identity_auditentry SET actor = 'nobody'",
        "DELETE FROM identity_auditentry",
        "TRUNCATE identity_auditentry",
    ],
)
def test_no_line_can_be_changed_or_taken_away(school: Any, statement: str) -> None:
    payments.record_offline_payment(**counter())
    identity.record_audit(actor="a", action="payments.account_connected", subject="s", detail={})
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
    assert len(audit.page(audit.Wanted(), after=audit.Place())[0]) == 3


# The page ---------------------------------------------------------------------------------------


@pytest.fixture
def told(school: Any) -> Any:
    """A payment at the counter that was partly given back, and a gateway account connected."""
    payment_id = payments.record_offline_payment(**counter(actor="cash@example.org"))
    payments.request_refund(
        payment_id=payment_id,
        amount_minor=100,
        reason="Trip cancelled",
        actor="bea@example.org",
        idempotency_key="refund-key",
    )
    identity.record_audit(
        actor="ada@example.org",
        action="payments.account_connected",
        subject="Stripe",
        detail={"mode": "live"},
    )
    identity.record_audit(
        actor="ada@example.org", action="identity.signed_in", subject="", detail={}
    )
    return payment_id


@pytest.mark.parametrize("path", [URL, FILE])
def test_who_may_read_it(told: Any, client_for: Any, anonymous: Any, path: str) -> None:
    for role, status in (("admin", 200), ("bursar", 200), ("office", 403), ("teacher", 403)):
        assert client_for(role).get(path).status_code == status
    assert anonymous().get(path).status_code == 302


def test_the_page_says_who_what_why_and_in_which_trace(told: Any, client_for: Any) -> None:
    page = client_for("bursar", email="eve@example.org").get(URL).content.decode()
    for words in (
        *("cash@example.org", "bea@example.org", "ada@example.org"),
        *("Refund of $1.00 requested", "Trip cancelled", "Connected a gateway account"),
        *("mode: live", "Mina Park", f"/portal/payments/{told}/"),
        notes(told)[0][1]["trace_id"][:12],
    ):
        assert words in page, words
    assert "Signed in" not in page


@pytest.mark.parametrize(
    ("query", "shown", "hidden"),
    [
        ("q=bea", "bea@example.org", "ada@example.org"),
        ("q=ada", "ada@example.org", "bea@example.org"),
        ("since={tomorrow}", "Nothing found", "bea@example.org"),
        ("until={yesterday}", "Nothing found", "bea@example.org"),
        ("since={today}&until={today}", "bea@example.org", "Nothing found"),
        ("payment={payment}", "bea@example.org", "ada@example.org"),
        ("since=0001-01-01&until=9999-12-31&payment=x&after=y.z", "bea@example.org", "Nothing"),
        ("after=99999999999999999999999999.", "Signed", "x-x-x"),
    ],
)
def test_it_can_be_searched(
    told: Any, client_for: Any, query: str, shown: str, hidden: str
) -> None:
    today = timezone.localdate()
    path = query.format(
        payment=told,
        today=today,
        tomorrow=today + timedelta(days=1),
        yesterday=today - timedelta(days=1),
    )
    answer = client_for("bursar", email="eve@example.org").get(f"{URL}?{path}")
    assert answer.status_code == 200
    page = answer.content.decode()
    if shown != "Signed":
        assert shown in page
    assert hidden not in page


def test_every_action_is_on_exactly_one_page(
    told: Any, client_for: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(4):
        payments.record_offline_payment(**counter())
        identity.record_audit(actor="a", action="fees.run_posted", subject="x", detail={})
    whole = list(audit.everything(audit.Wanted(), limit=1000))
    monkeypatch.setattr(audit, "PAGE", 3)
    place: audit.Place | None = audit.Place()
    seen = []
    while place is not None:
        actions, place = audit.page(audit.Wanted(), after=audit.Place.parse(str(place)))
        assert 0 < len(actions) <= 3
        seen += actions
    assert seen == whole
    assert len(whole) == 2 + 2 + 1 + 4 * 2 + 4
    assert [one.at for one in whole] == sorted((one.at for one in whole), reverse=True)


def test_the_file_holds_everything_and_runs_nothing(told: Any, client_for: Any) -> None:
    models.Payment.objects.update(payer_name="=1+1")
    answer = client_for("bursar").get(FILE)
    text = b"".join(answer.streaming_content).decode("utf-8-sig")
    rows = list(csv.reader(io.StringIO(text)))
    assert len(rows) == 1 + 5
    refund = next(row for row in rows if row[6] == "payments.refund_requested")
    assert refund[1:6] == [
        "bea@example.org",
        "Refund of $1.00 requested",
        "Trip cancelled",
        "'=1+1",
        str(told),
    ]
    assert refund[7] == dict(notes(told))["refund_requested"]["trace_id"]


def test_a_page_costs_few_queries_however_many_payments(
    told: Any, client_for: Any, django_assert_max_num_queries: Any
) -> None:
    for _ in range(20):
        payments.record_offline_payment(**counter())
    client = client_for("bursar")
    client.get(URL)
    with django_assert_max_num_queries(12):
        client.get(URL)
