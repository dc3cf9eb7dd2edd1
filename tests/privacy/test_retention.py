"""What goes by itself, when, and in how many steps."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.contrib.sessions.models import Session
from django.core.management import call_command
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from apps.events.models import DeadLetter, Receipt, StoredEventRow
from apps.fees.models import Autopay, AutopayCharge, FamilyLink, Invoice, LinkRequest
from apps.fees.models import Receipt as PaymentReceipt
from apps.fees.tests import factories as make
from apps.identity.models import (
    AuditEntry,
    Invitation,
    PasswordReset,
    RefreshToken,
    SignInAttempt,
    User,
)
from apps.notifications.models import Message
from apps.payments.models import Payment
from apps.students.models import Enrolment, FamilyImport, Guardian, Student
from apps.students.tests.factories import StudentFactory
from apps.tenants import facade as tenants
from apps.tenants import tasks
from apps.tenants.facade import privacy
from apps.tenants.services.privacy import retention
from kernel.commands import Error
from kernel.ids import uuid7
from kernel.schools import in_public, in_school

DAY = timedelta(days=1)


def ago(days: float) -> Any:
    return timezone.now() - days * DAY


def run(rule: str, **more: Any) -> Any:
    return privacy.retire(only=rule, **more)[0]


def a_user(email: str = "u@example.org") -> User:
    user = User(email=email, name="U")
    user.save()
    return user


def a_message(**values: Any) -> Message:
    values = {"status": "sent", "language": "en", "body_text": "Dear Maria", **values}
    return Message.objects.create(
        event_id=uuid4(), kind="receipt", to_address="m@example.org", subject="Receipt", **values
    )


def old_and_new_sessions() -> Any:
    for key, days in (("old", 2), ("new", -1)):
        Session.objects.create(session_key=key, session_data="", expire_date=ago(days))
    return Session.objects.values_list("session_key", flat=True)


def old_and_new_invitations() -> Any:
    user = a_user()
    Invitation.objects.create(user=user, accepted_at=ago(91), invited_by="old")
    Invitation.objects.create(user=user, invited_by="new")
    return Invitation.objects.values_list("invited_by", flat=True)


def old_and_new_resets() -> Any:
    user = a_user()
    PasswordReset.objects.create(user=user, nonce="old", expires_at=ago(31))
    PasswordReset.objects.create(user=user, nonce="new")
    return PasswordReset.objects.values_list("nonce", flat=True)


def old_and_new_tokens() -> Any:
    user = a_user()
    for scope, days in (("old", 31), ("new", 3)):
        RefreshToken.objects.create(user=user, scope=scope, expires_at=ago(days))
    return RefreshToken.objects.values_list("scope", flat=True)


def old_and_new_attempts() -> Any:
    for key, days in (("old", 2), ("new", 0)):
        SignInAttempt.objects.create(key=key, window_started_at=ago(days))
    return SignInAttempt.objects.values_list("key", flat=True)


def old_and_new_audit() -> Any:
    for actor, days in (("old", 8 * 366), ("new", 6 * 365)):
        AuditEntry(actor=actor, action="x.y", at=ago(days)).save()
    return AuditEntry.objects.filter(action="x.y").values_list("actor", flat=True)


def old_and_new_links() -> Any:
    for days in (31, 0):
        FamilyLink.objects.create(guardian_id=uuid4(), expires_at=ago(days))
    return (
        "old" if row.expires_at < ago(30) else "new" for row in FamilyLink.objects.all().iterator()
    )


def old_and_new_autopay() -> Any:
    for card, ended in (("old", ago(401)), ("new", ago(399)), ("new", None)):
        row = Autopay.objects.create(
            guardian_id=uuid4(), method_id=uuid4(), card=card, due_after=ago(500), ended_at=ended
        )
        AutopayCharge.objects.create(autopay=row, on=ago(410), state="charged")
    return Autopay.objects.values_list("card", flat=True)


def old_and_new_requests() -> Any:
    for key, days in (("old", 2), ("new", 0)):
        LinkRequest.objects.create(key=key, created_at=ago(days))
    return LinkRequest.objects.values_list("key", flat=True)


def old_and_new_letters() -> Any:
    for consumer, resolved in (("old", ago(91)), ("new", None)):
        DeadLetter.objects.create(
            stream_type="s",
            stream_id=uuid4(),
            event_type="x.y",
            version=1,
            payload={},
            event_id=uuid4(),
            consumer=consumer,
            error="",
            resolved_at=resolved,
        )
    return DeadLetter.objects.values_list("consumer", flat=True)


def key_of(days: float) -> UUID:
    """An event's key of so many days ago."""
    return UUID(int=(int(ago(days).timestamp() * 1000) << 80) | (uuid7().int & ((1 << 80) - 1)))


def old_and_new_receipts() -> Any:
    for consumer, days in (("old", 91), ("new", 89)):
        Receipt.objects.create(event_id=key_of(days), consumer=consumer)
    return Receipt.objects.filter(consumer__in=("old", "new")).values_list("consumer", flat=True)


@pytest.mark.parametrize(
    ("rule", "rows"),
    [
        ("identity.sessions", old_and_new_sessions),
        ("identity.invitations", old_and_new_invitations),
        ("identity.password_resets", old_and_new_resets),
        ("identity.tokens", old_and_new_tokens),
        ("identity.attempts", old_and_new_attempts),
        ("identity.audit", old_and_new_audit),
        ("fees.links", old_and_new_links),
        ("fees.link_requests", old_and_new_requests),
        ("fees.autopay", old_and_new_autopay),
        ("events.dead_letters", old_and_new_letters),
        ("events.receipts", old_and_new_receipts),
    ],
)
def test_the_old_goes_and_the_new_stays(school, rule, rows):
    left = rows()

    shown = run(rule, dry_run=True)
    assert (shown.due, shown.done) == (1, 0)
    done = run(rule)

    assert (done.due, done.done, done.left) == (1, 1, 0)
    assert set(left) == {"new"}


def test_a_receipt_stays_while_its_event_may_come_again(school):
    key = key_of(200)
    Receipt.objects.create(event_id=key, consumer="fees.other")
    DeadLetter.objects.create(
        stream_type="s",
        stream_id=uuid4(),
        event_type="x.y",
        version=1,
        payload={},
        event_id=key,
        consumer="fees.failed",
        error="",
    )

    run("events.receipts")

    assert Receipt.objects.filter(event_id=key).exists()


def test_texts_of_mails_go_and_the_list_stays(school):
    old, new = a_message(created_at=ago(401)), a_message(created_at=ago(399))
    waiting = a_message(created_at=ago(500), status="queued")

    run("notifications.bodies")

    texts = dict(Message.objects.values_list("pk", "body_text"))
    assert texts == {old.pk: "", new.pk: "Dear Maria", waiting.pk: "Dear Maria"}
    assert run("notifications.bodies", dry_run=True).due == 0


def test_rows_of_import_files_go_and_the_totals_stay(school):
    old = FamilyImport.objects.create(
        file_name="f", sha256="0", uploaded_at=ago(91), effects={"before": 1}, totals={"rows": 9}
    )

    run("students.imports")

    old.refresh_from_db()
    assert (old.effects, old.totals) == ({}, {"rows": 9})
    assert run("students.imports", dry_run=True).due == 0


def test_names_on_very_old_books_go(maria):
    Invoice.objects.update(issued_on=ago(11 * 366).date() - DAY)
    PaymentReceipt.objects.update(paid_at=ago(11 * 366 + 1))
    Payment.objects.update(started_at=ago(11 * 366 + 1))

    for rule in ("fees.invoice_names", "fees.receipt_names", "payments.names"):
        assert run(rule).done == 1

    assert Invoice.objects.get().student_name == "–"
    assert PaymentReceipt.objects.get().payer_name == "–"
    assert Payment.objects.get().payer_name == "–"


def test_who_left_long_ago_is_only_erased_when_the_school_says_so(maria, settings, drain):
    Student.objects.update(created_at=ago(3000))
    Guardian.objects.update(created_at=ago(3000))
    Enrolment.objects.update(starts_on=ago(2500).date(), ends_on=ago(2000).date())
    assert run("students.left").keep_days is None
    settings.RETENTION_DAYS = {"students.left": 1825, "students.guardians_left": 1825}
    here = StudentFactory(school_class=make.make_class("5B"))
    Student.objects.filter(pk=here.pk).update(created_at=ago(3000))
    assert run("students.left", dry_run=True).due == 1

    assert run("students.left").done == 1
    drain()
    assert run("students.guardians_left").done == 1

    maria.child.refresh_from_db()
    assert maria.child.number.startswith("erased-")
    assert Student.objects.get(pk=here.pk).number == here.number
    assert not Guardian.objects.filter(name="Maria Lopez").exists()


def test_who_left_and_still_owes_is_kept(school, settings, drain):
    settings.RETENTION_DAYS = {"students.left": 100}
    room = make.make_class()
    family = make.make_family(room)
    make.bill(room)
    drain()
    Student.objects.update(created_at=ago(3000))
    Enrolment.objects.update(starts_on=ago(2500).date(), ends_on=ago(2000).date())

    done = run("students.left")

    assert (done.due, done.done, done.left) == (1, 0, 1)
    assert Student.objects.get(pk=family.child.pk).number == family.child.number


def test_periods_come_from_the_settings(school, settings):
    Session.objects.create(session_key="s", session_data="", expire_date=ago(5))

    settings.RETENTION_DAYS = {"identity.sessions": 10}
    assert run("identity.sessions").done == 0
    settings.RETENTION_DAYS = {"identity.sessions": None}
    assert run("identity.sessions").keep_days is None
    settings.RETENTION_DAYS = {}
    assert run("identity.sessions").done == 1


def test_a_school_sets_its_own_periods(school, settings):
    a_message(created_at=ago(100))
    assert (run("notifications.bodies").due, run("students.left").keep_days) == (0, None)
    tenants.change_settings(
        school_id=school.id,
        values={"privacy.keep_texts_days": 60, "privacy.erase_after_years": 5},
    )

    with in_public(), in_school(school.schema_name):
        assert run("notifications.bodies").done == 1
        assert run("students.left").keep_days == 5 * 366
        settings.RETENTION_DAYS = {"students.left": 9000}
        assert run("students.left").keep_days == 9000


def test_it_works_in_batches(school, monkeypatch):
    monkeypatch.setattr(retention, "BATCH", 10)
    Session.objects.bulk_create(
        Session(session_key=f"s{n:03}", session_data="", expire_date=ago(2)) for n in range(35)
    )
    steps = []

    done = run("identity.sessions", progress=lambda rule, count: steps.append(count))

    assert done.done == 35
    assert steps == [10, 10, 10, 5]


def test_one_night_has_an_end(school, monkeypatch):
    monkeypatch.setattr(retention, "BATCH", 10)
    monkeypatch.setattr(retention, "MOST_A_RUN", 20)
    Session.objects.bulk_create(
        Session(session_key=f"s{n:03}", session_data="", expire_date=ago(2)) for n in range(35)
    )

    assert (run("identity.sessions").done, run("identity.sessions").done) == (20, 15)


def test_beat_sends_one_message_a_school_and_queue(school, monkeypatch):
    sent = []
    for task in (tasks.retire_school, tasks.retire_as_owner):
        monkeypatch.setattr(
            task, "apply_async", lambda kwargs, retry, of=task.name: sent.append((of, kwargs))
        )

    count = tasks.retention()

    assert len(sent) == 2 * count
    assert ("tenants.retire_school", {"schema_name": school.schema_name}) in sent


def test_a_schools_task_leaves_the_other_school_alone(school, in_other_school):
    for opened in (in_school(school.schema_name), in_other_school()):
        with opened:
            Session.objects.create(session_key="s", session_data="", expire_date=ago(2))

    assert tasks.retire_school(schema_name=school.schema_name) >= 1

    assert not Session.objects.exists()
    with in_other_school():
        assert Session.objects.exists()


def test_the_command_shows_every_rule_and_changes_nothing(school, capsys):
    Session.objects.create(session_key="s", session_data="", expire_date=ago(2))

    call_command("retention", school="lincoln", dry_run=True, json=True)

    rows = {row["rule"]: row for row in json.loads(capsys.readouterr().out)}
    assert len(rows) == len(retention.rules())
    assert rows["identity.sessions"]["due"] == 1
    assert all(row["why"] for row in rows.values())
    assert Session.objects.exists()


def test_the_command_runs_one_rule_and_refuses_an_unknown_one(school, capsys):
    Session.objects.create(session_key="s", session_data="", expire_date=ago(2))

    call_command("retention", school="lincoln", rule="identity.sessions")

    assert "identity.sessions" in capsys.readouterr().out
    assert not Session.objects.exists()
    with pytest.raises(Error) as refusal:
        call_command("retention", school="lincoln", rule="no.such")
    assert refusal.value.returncode == 2


def test_only_the_owner_ends_a_story(committed_school):
    from apps.events import facade as events

    streams = [uuid4(), uuid4()]
    for stream in streams:
        StoredEventRow.objects.create(
            stream_id=stream, version=1, event_type="x.y", schema_version=1, payload={}
        )
    with pytest.raises(DatabaseError), transaction.atomic():
        StoredEventRow.objects.filter(stream_id=streams[0]).delete()

    gone = events.purge_streams(schema_name=committed_school.schema_name, stream_ids=streams[:1])

    assert gone == 1
    assert list(StoredEventRow.objects.values_list("stream_id", flat=True)) == [streams[1]]
    with pytest.raises(DatabaseError), connection.cursor() as cursor:
        cursor.execute("DELETE FROM stored_event")
