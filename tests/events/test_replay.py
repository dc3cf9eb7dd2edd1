"""The tables of payments come out of their stored events again, and nobody hears of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace as changed
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.core import mail
from django.core.management import CommandError, call_command
from django.db import transaction
from django.utils import timezone

from apps.events import facade as event_store
from apps.events.services import projections
from apps.events.services.circumstances import replaying
from apps.events.services.replay import folding, running
from apps.payments import events, models
from apps.payments import facade as payments
from apps.payments.choices import MISMATCH
from apps.payments.services import journal
from apps.payments.tests.factories import counter
from kernel.ids import uuid7
from kernel.owner import owner_lock, owner_session
from kernel.schools import in_school

pytestmark = pytest.mark.django_db(transaction=True)
LINCOLN = "t_000001"


@pytest.fixture
def lincoln(committed_school: Any) -> Iterator[None]:
    with in_school(LINCOLN):
        yield


@pytest.fixture
def paid(lincoln: None, drain: Callable[[], int]) -> list[UUID]:
    """Five payments at the counter, the first of them partly refunded."""
    made = [payments.record_offline_payment(**counter()) for _ in range(5)]
    payments.request_refund(
        payment_id=made[0], amount_minor=500, reason="Trip", actor="x", idempotency_key="once"
    )
    drain()
    return made


def replay(capsys: Any, *options: str) -> tuple[dict[str, Any], int]:
    """Its JSON, and its exit code."""
    capsys.readouterr()
    code = 0
    try:
        call_command("replay", "--school", "lincoln", "--workers", "1", "--json", *options)
    except CommandError as error:
        code = error.returncode
    [result] = json.loads(capsys.readouterr().out)
    return result, code


def damage(statement: str) -> None:
    with owner_session() as session:
        session.execute(statement.encode())


def tables() -> list[Any]:
    rows = models.Payment.objects.order_by("id").values()
    return [*rows, *models.Refund.objects.order_by("id").values()]


def left_behind() -> list[Any]:
    with owner_session() as session:
        query = "SELECT nspname FROM pg_namespace WHERE nspname LIKE 'replay%'"
        return session.execute(query).fetchall()


def test_what_was_never_damaged_has_no_difference(paid: list[UUID], capsys: Any) -> None:
    before = tables()
    result, code = replay(capsys)
    assert (code, result["differences"], result["resumed"]) == (0, [], False)
    assert result["events"] == sum(len(event_store.load(payment)) for payment in paid)
    assert tables() == before
    assert left_behind() == []


def test_damage_is_named_and_put_right_and_nobody_is_told(
    paid: list[UUID], capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = tables()
    mails, waiting = len(mail.outbox), event_store.backlog()
    damage(f"UPDATE {LINCOLN}.payments_payment SET status = 'pending', captured_minor = 700")
    damage(f"UPDATE {LINCOLN}.payments_refund SET status = 'failed', failure = 'no'")
    told, code = replay(capsys, "--dry-run")
    assert (code, told["put_right"], len(told["differences"])) == (1, 0, 6)
    assert tables() != before
    result, code = replay(capsys)
    assert (code, result["put_right"]) == (0, 6)
    first = next(each for each in result["differences"] if each["key"] == str(paid[1]))
    assert (first["table"], first["kind"]) == ("payments_payment", "changed")
    assert first["columns"]["status"] == ["pending", "captured"]
    assert first["columns"]["captured_minor"] == [700, 25000]
    assert tables() == before
    assert (len(mail.outbox), event_store.backlog()) == (mails, waiting)
    assert left_behind() == []


def test_one_stream_a_type_or_a_time_is_chosen(paid: list[UUID], capsys: Any) -> None:
    damage(f"UPDATE {LINCOLN}.payments_payment SET status = 'pending'")
    result, _code = replay(capsys, "--stream", str(paid[3]))
    assert [each["key"] for each in result["differences"]] == [str(paid[3])]
    result, _code = replay(capsys, "--type", "payments.refund_requested", "--dry-run")
    assert [each["key"] for each in result["differences"]] == [str(paid[0])]
    tomorrow = (timezone.now() + timedelta(days=1)).isoformat()
    result, code = replay(capsys, "--from", tomorrow)
    assert (code, result["events"], result["differences"]) == (0, 0, [])


def test_a_row_that_history_does_not_know_is_told_and_left(paid: list[UUID], capsys: Any) -> None:
    stranger = models.Payment.objects.get(pk=paid[1])
    stranger.pk, stranger.idempotency_key = uuid7(), "another"
    stranger.save(force_insert=True)
    models.Refund.objects.all().delete()
    result, code = replay(capsys)
    assert code == 1
    kinds = {each["table"]: each["kind"] for each in result["differences"]}
    assert kinds == {"payments_refund": "missing", "payments_payment": "untold"}
    assert result["put_right"] == 0


def test_a_payment_whose_story_was_let_go_is_no_difference(paid: list[UUID], capsys: Any) -> None:
    event_store.purge_streams(schema_name=LINCOLN, stream_ids=paid[:1])
    models.Payment.objects.filter(pk=paid[0]).update(version=0)
    models.Payment.objects.filter(pk=paid[1]).update(version=0)
    result, code = replay(capsys)
    assert (code, [each["key"] for each in result["differences"]]) == (0, [str(paid[1])])


def test_what_another_release_began_is_not_gone_on_with(
    paid: list[UUID], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "fold_share", lambda *_a, **_k: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        call_command("replay", "--school", "lincoln", "--workers", "1")
    known = projections.find_projection("payments")
    newer = changed(known, version=known.version + 1)
    monkeypatch.setitem(projections._projections, "payments", newer)
    with pytest.raises(CommandError, match="not finished"):
        call_command("replay", "--school", "lincoln", "--workers", "1")


def test_a_second_replay_of_a_school_is_refused_while_one_is_under_way(lincoln: None) -> None:
    with owner_lock(f"events.replay:{LINCOLN}"), pytest.raises(CommandError, match="under way"):
        call_command("replay", "--school", "lincoln")
    call_command("replay", "--school", "lincoln")


def test_a_run_that_was_killed_goes_on_where_it_stood(
    paid: list[UUID], capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    damage(f"UPDATE {LINCOLN}.payments_payment SET status = 'pending'")
    done: list[int] = []
    fold_share = folding.fold_share

    def killed(school: str, projection: Any, share: Any, **more: Any) -> None:
        if len(done) == 2:
            raise KeyboardInterrupt
        fold_share(school, projection, share, **more)
        done.append(share.number)

    monkeypatch.setattr(running, "fold_share", killed)
    with pytest.raises(KeyboardInterrupt):
        replay(capsys)
    with pytest.raises(CommandError, match="not finished"):
        call_command("replay", "--school", "lincoln", "--stream", str(paid[0]))

    def going_on(school: str, projection: Any, share: Any, **more: Any) -> None:
        fold_share(school, projection, share, **more)
        done.append(share.number)

    monkeypatch.setattr(running, "fold_share", going_on)
    result, code = replay(capsys)
    assert (code, result["resumed"], result["put_right"]) == (0, True, 5)
    assert sorted(done) == list(range(1, 6))


def test_a_payment_that_goes_on_meanwhile_is_no_difference(
    paid: list[UUID], capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    compare = running._compare

    def meanwhile(*arguments: Any) -> None:
        with in_school(LINCOLN), transaction.atomic():
            payment = journal.locked(paid[2])
            requested = events.RefundRequested(
                refund_id=uuid7(), amount_minor=100, reason="late", at=timezone.now()
            )
            models.Refund.objects.create(
                id=requested.refund_id,
                payment=payment,
                amount_minor=100,
                idempotency_key="late",
                status="requested",
                requested_at=requested.at,
            )
            journal.write(payment, [requested])
        compare(*arguments)

    monkeypatch.setattr(running, "_compare", meanwhile)
    result, code = replay(capsys)
    assert (code, result["differences"]) == (0, [])


def test_several_processes_come_to_the_same(paid: list[UUID], capsys: Any) -> None:
    damage(f"UPDATE {LINCOLN}.payments_payment SET attention = 'mismatch'")
    result, code = replay(capsys, "--workers", "2")
    assert (code, result["put_right"]) == (0, 5)
    assert not models.Payment.objects.filter(attention=MISMATCH).exists()


def test_code_that_is_replayed_may_not_publish(paid: list[UUID]) -> None:
    failed = events.PaymentFailed(payment_id=paid[0], payer_id=uuid7(), reason="declined")
    with (
        replaying(),
        transaction.atomic(),
        pytest.raises(event_store.PublishedWhileReplaying),
    ):
        event_store.publish(failed, stream_type="payment", stream_id=paid[0])


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--projection", "lunches"], "no projection “lunches”"),
        (["--type", "payments.nothing"], "No projection reads"),
        (["--stream", "7"], "no id of a stream"),
        (["--from", "2026-02-01", "--to", "2026-01-01"], "before --to"),
        (["--workers", "0"], "from 1 to 64"),
    ],
)
def test_wrong_input_is_code_2(lincoln: None, options: list[str], said: str) -> None:
    with pytest.raises(CommandError, match=said) as error:
        call_command("replay", "--school", "lincoln", *options)
    assert error.value.returncode == 2


@pytest.mark.parametrize("name", ["platform", "public"])
def test_the_platform_has_nothing_to_replay(lincoln: None, name: str) -> None:
    with pytest.raises(CommandError, match="give a school") as error:
        call_command("replay", "--school", name)
    assert error.value.returncode == 2
