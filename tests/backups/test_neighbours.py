"""Backups and what else happens to a school at the same time: payments, migrations, deletion."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from threading import Event, Thread
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from django.core.files.base import ContentFile
from django.db import connection
from django.utils import timezone

from apps.fees import facade as fees
from apps.payments import facade as payments
from apps.tenants.models import DeletedSchool, Plan, School, SideSchema, Subscription
from apps.tenants.services import operations
from apps.tenants.services.backup import hooks, take
from apps.tenants.services.backup.errors import Busy
from apps.tenants.services.backup.locks import hold_school
from apps.tenants.services.backup.restoring import restore_as_new, restore_in_place
from apps.tenants.services.backup.sources import Source, find_source
from apps.tenants.services.deletion import delete_at_once
from apps.tenants.services.plans import rounds
from apps.tenants.services.plans.catalogue import publish_plan
from apps.tenants.services.schemas import crew, in_python, replay
from apps.tenants.services.schemas.replay import Passage
from apps.tenants.services.status import archive_school
from kernel.errors import Conflict
from kernel.files import media
from kernel.owner import owner_session
from kernel.schools import in_public, in_school, today
from tests.backups.conftest import count, schemas
from tests.backups.test_round_trip import the_parent

pytestmark = pytest.mark.django_db(transaction=True)
ACTOR = "operator@example.org"


class Counter(Thread):
    """Somebody at the counter: takes one small payment after the other until told to stop."""

    def __init__(self, payer_id: Any, invoice_id: Any) -> None:
        super().__init__(daemon=True)
        self.payer_id, self.invoice_id = payer_id, invoice_id
        self.stop, self.begun, self.taken = Event(), Event(), 0
        self.error: BaseException | None = None

    def run(self) -> None:
        try:
            with in_school("t_000001"):
                while not self.stop.is_set():
                    self._take_one()
                    self.begun.set()
        except BaseException as error:
            self.error = error
        finally:
            self.begun.set()
            connection.close()

    def _take_one(self) -> None:
        reference = str(self.invoice_id)
        payments.record_offline_payment(
            payer_id=self.payer_id,
            payer_name="Parent",
            lines=[payments.PaymentLine(reference=reference, description="x", amount_minor=1)],
            currency="USD",
            method="cash",
            received_on=today(),
            note="",
            actor=ACTOR,
            idempotency_key=str(uuid4()),
        )
        self.taken += 1


def test_payments_that_arrive_meanwhile_are_in_it_or_not_but_never_half(
    lively: School,
    back_up: Callable[[], Source],
    drain: Callable[[], int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Given a counter that takes payments during all of the backup, and for sure between any two
    # tables of it
    payer_id = the_parent().id
    children = fees.family_balance(payer_id).children
    open_ones = [row for child in children for row in child.invoices if row.balance_minor > 0]
    counter, write = Counter(payer_id, open_ones[0].id), take._write_table
    waited: list[int] = []

    def write_slowly(*args: Any) -> Any:
        at = counter.taken
        for _moment in range(200):
            if counter.taken > at or counter.error or len(waited) >= 5:
                break
            counter.stop.wait(0.01)
        waited.append(counter.taken)
        return write(*args)

    before, lines = count("payments_payment"), count("payments_paymentline")
    monkeypatch.setattr(take, "_write_table", write_slowly)
    counter.start()
    counter.begun.wait(20)
    try:
        source = back_up()
    finally:
        counter.stop.set()
        counter.join(20)
    assert counter.error is None
    assert waited[0] < waited[4] <= counter.taken
    taken = before + counter.taken
    assert count("payments_payment") == taken
    # Then what is restored is the school at one moment: as many rows as the manifest says,
    done = restore_in_place(source=source, school_id=1, actor=ACTOR)
    assert source.row
    assert done.rows == source.row.rows
    assert before < count("payments_payment") < taken
    # each payment with all of its rows, so that the books add up to the manifest's,
    books = hooks.all_books()
    told = {f"{book}.{what}": n for book, each in books.items() for what, n in each.totals.items()}
    assert told == source.row.totals
    assert count("payments_paymentline") - lines == count("payments_payment") - before
    # and balance once what waited in the outbox at that moment is booked.
    drain()
    assert hooks.all_books()["fees"].problems == ()


# Migrations ----------------------------------------------------------------------------------


def test_a_migration_waits_for_a_backup_and_comes_again(
    committed_school: School, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replay, "LOCK_TIMEOUT", "50ms")
    with in_public():
        version = School.objects.get(pk=1).schema_version
    nothing = Passage(version, version, "")
    errors: list[Any] = []

    def done(_school_id: int, error: Exception | None) -> None:
        errors.append(error)

    with hold_school(1), owner_session(autocommit=True) as session:
        # It does not stand in line for the tables, where requests would queue up behind it.
        with pytest.raises(psycopg.errors.LockNotAvailable) as refused:
            replay.travel(session, 1, nothing)
        assert crew.may_pass(refused.value)
        assert crew.may_pass(Busy())
        assert session.execute("SELECT count(*) FROM t_000001.fees_charge").fetchone()
        # One that runs Python neither.
        in_python.run(_turn(version), [1], done)
    assert [type(error) for error in errors] == [Busy]
    crew.send_along(nothing, [1], workers=1, on_done=done)
    assert errors[1:] == [None]


def _turn(version: str) -> in_python.Turn:
    from apps.tenants.services.schemas.versions import applied_after, scripts

    chain = scripts()
    return in_python.Turn(chain[-1], applied_after(chain[:-1]), version, version)


def test_no_backup_begins_while_a_migration_is_under_way(
    committed_school: School, back_up: Callable[[], Source]
) -> None:
    with owner_session() as session:
        session.execute(replay.hold(1).encode())
        with pytest.raises(Busy):
            back_up()
    assert back_up().row


# Deletion ------------------------------------------------------------------------------------


@pytest.fixture
def deletes_here() -> Any:
    """No keeper hears of it."""
    send = operations._send
    operations.ask_keeper_with(None)
    yield
    operations.ask_keeper_with(send)


def test_a_deleted_school_leaves_a_backup_and_nothing_else(
    committed_school: School, back_up: Callable[[], Source], shelf: Any, deletes_here: None
) -> None:
    # Given a school with a file, a plan and tables that a restore replaced
    before = schemas()
    media().save("t_000001/documents/menu.pdf", ContentFile(b"%PDF"))
    subscribe(1)
    kept = restore_in_place(source=back_up(), school_id=1, actor=ACTOR).kept
    assert kept in schemas()
    # While something works on its tables, it is not deleted,
    with hold_school(1), pytest.raises(Conflict):
        delete_at_once(school_id=1, reason="Closed", actor=ACTOR, without_export=True)
    assert media().exists("t_000001/documents/menu.pdf")
    # afterwards with everything of it.
    delete_at_once(school_id=1, reason="Closed", actor=ACTOR)
    assert schemas() == before - {"t_000001"}
    assert not (shelf.parent / "media" / "t_000001").exists()
    with in_public():
        assert not SideSchema.objects.exists()
        stone = DeletedSchool.objects.get(pk=1)
        subscription = Subscription.objects.get()
    # It is billed no further, and what goes round does not stumble over it.
    this_day = timezone.now().date()
    assert this_day <= subscription.ends_on <= this_day + timedelta(days=2)
    assert "t_000001" not in rounds.schemas_to_visit()
    # And the last backup brings it back, under its old name.
    again = restore_as_new(
        source=find_source(stone.export.split()[-1]), slug="lincoln", actor=ACTOR
    )
    assert (again.school.status, again.files) == ("archived", 1)
    assert "Plan: Basic" in again.remarks[-1]


def test_an_archived_school_is_billed_for_its_last_month_and_visited_no_more(
    committed_school: School,
) -> None:
    subscribe(1)
    archive_school(school_id=1, reason="Moved", actor=ACTOR)
    assert rounds.schemas_to_visit() == ["t_000002"]
    assert rounds.schemas_to_bill() == ["t_000001", "t_000002"]
    with in_public():
        # A message sent before it was archived finds nothing to do.
        assert rounds.nightly(schema_name="t_000001") == 0


def subscribe(school_id: int) -> Plan:
    plan = publish_plan(
        code="basic",
        name="Basic",
        currency="USD",
        price_minor=3000,
        trial_days=0,
        allowances={},
        active_from=timezone.now().date() - timedelta(days=90),
        actor=ACTOR,
    )
    with in_public():
        day = timezone.now().date() - timedelta(days=60)
        Subscription.objects.create(school_id=school_id, plan=plan, starts_on=day)
    return plan
