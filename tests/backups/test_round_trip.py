"""A damaged school comes back: every row, the books, sign-in, the family's page, new payments."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.core.files.base import ContentFile
from django.utils import timezone

from apps.fees import facade as fees
from apps.payments import facade as payments
from apps.tenants.models import OperatorAction, School, SideSchema
from apps.tenants.services.backup import candidates, hooks, swapping
from apps.tenants.services.backup.errors import Busy, Incomparable
from apps.tenants.services.backup.locks import hold_school
from apps.tenants.services.backup.restoring import restore_in_place, undo_restore
from apps.tenants.services.backup.retention import drop_replaced
from apps.tenants.services.backup.sources import Source
from apps.tenants.services.backup.verify import verify_backup
from conftest import client_on
from kernel.errors import Conflict
from kernel.files import media
from kernel.money import format_money
from kernel.owner import owner_session
from kernel.schools import in_public, in_school, today
from tests.backups.conftest import all_counts, count, roles, schemas

pytestmark = pytest.mark.django_db(transaction=True)
ACTOR = "operator@example.org"
# What a restore ends on purpose, and calls that were made since and are not made again.
ENDED = dict.fromkeys(
    ("django_session", "fees_linkrequest", "identity_signinattempt", "external_delivery"), 0
)
DAMAGES = {
    "rows deleted": "DELETE FROM fees_allocation; TRUNCATE students_guardian CASCADE",
    "amounts altered": "UPDATE fees_charge SET amount_minor = amount_minor + 1",
    "a table dropped": "DROP TABLE fees_receipt CASCADE; DROP TABLE receipt",
    "people locked out": "UPDATE identity_user SET password = '!', is_active = false",
    "everything gone": "DROP SCHEMA t_000001 CASCADE; CREATE SCHEMA t_000001",
}


def the_parent() -> Any:
    from apps.students import facade as students

    guardian = students.find_guardian_by_email("parent@lincoln.example")
    assert guardian is not None
    return guardian


def sign_in_as_parent() -> Any:
    """A browser that went through the sign-in page, with the family's page open."""
    client = client_on("lincoln.testserver")
    reply = client.post(
        "/sign-in/", {"email": "parent@lincoln.example", "password": "homeroom-demo"}
    )
    assert reply.status_code == 302, reply.content
    page = client.get("/family/", follow=True)
    assert page.status_code == 200
    return page


def pay_something(drain: Callable[[], int]) -> int:
    """The counter takes 5.00 for the parent's first open invoice; returns the family's balance."""
    balance = fees.family_balance(the_parent().id)
    invoice = next(
        invoice
        for child in balance.children
        for invoice in child.invoices
        if invoice.balance_minor > 0
    )
    payments.record_offline_payment(
        payer_id=the_parent().id,
        payer_name="Parent",
        lines=[
            payments.PaymentLine(
                reference=str(invoice.id), description=invoice.title, amount_minor=500
            )
        ],
        currency="USD",
        method="cash",
        received_on=today(),
        note="",
        actor=ACTOR,
        idempotency_key=str(uuid4()),
    )
    drain()
    return fees.family_balance(the_parent().id).total_minor


def test_a_damaged_school_comes_back(
    lively: School,
    back_up: Callable[[], Source],
    damage: Callable[[str], None],
    drain: Callable[[], int],
) -> None:
    # Given a school with families, invoices, payments and refunds, and a backup of it
    before, books = all_counts(), hooks.all_books()
    owed = fees.family_balance(the_parent().id).total_minor
    assert owed > 0
    assert books["fees"].totals["allocations_minor"] > 0
    assert not books["fees"].problems
    source = back_up()
    for accident in DAMAGES:
        # When it is damaged, and restored in place
        damage(DAMAGES[accident])
        done = restore_in_place(source=source, school_id=1, actor=ACTOR)
        # Then every row is counted again, but those that a restore ends on purpose
        after = all_counts()
        assert {**after, **ENDED} == {**before, **ENDED}, accident
        assert done.rows == sum(before.values())
        # and the books, the family's page and the sign-in are as they were
        assert hooks.all_books() == books
        assert fees.family_balance(the_parent().id).total_minor == owed
        assert format_money(owed, "USD") in sign_in_as_parent().content.decode()
        # and the school works on: a new payment settles
        assert pay_something(drain) == owed - 500


def test_the_accident_is_kept_and_can_be_brought_back(
    lively: School, back_up: Callable[[], Source], damage: Callable[[str], None]
) -> None:
    source = back_up()
    damage("INSERT INTO fees_familyaccount VALUES (gen_random_uuid())")
    changed = count("fees_familyaccount")
    done = restore_in_place(source=source, school_id=1, actor=ACTOR)
    assert count("fees_familyaccount") == changed - 1
    assert count("fees_familyaccount", done.kept) == changed
    undo_restore(school_id=1, actor=ACTOR)
    assert count("fees_familyaccount") == changed
    with in_school("t_000001"):
        assert fees.family_balance(the_parent().id).currency == "USD"
    with in_public():
        actions = OperatorAction.objects.filter(school_id=1).values_list("action", flat=True)
        assert set(actions) >= {"school.restored", "school.restore_undone", "school.backed_up"}


def test_what_was_replaced_is_dropped_after_its_time(
    committed_school: School, back_up: Callable[[], Source]
) -> None:
    kept = restore_in_place(source=back_up(), school_id=1, actor=ACTOR).kept
    assert drop_replaced() == 0
    assert kept in schemas()
    assert drop_replaced(now=timezone.now() + timedelta(days=8)) == 1
    assert kept not in schemas()
    with in_public():
        assert not SideSchema.objects.exists()


def test_nobody_but_the_owner_reads_what_is_kept(
    committed_school: School, back_up: Callable[[], Source]
) -> None:
    kept = restore_in_place(source=back_up(), school_id=1, actor=ACTOR).kept
    with owner_session() as session:
        query = "SELECT has_schema_privilege('t_000001', %s, 'USAGE')"
        assert session.execute(query, [kept]).fetchone() == (False,)
        query = "SELECT has_table_privilege('t_000001', 't_000001.fees_charge', 'SELECT')"
        assert session.execute(query).fetchone() == (True,)


def test_nothing_is_left_of_the_making(
    committed_school: School, back_up: Callable[[], Source], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Roles are the cluster's: only those of the schemas made here are ours to count.
    before, others, made = schemas(), roles(), set[str]()
    make = candidates._make_schema
    monkeypatch.setattr(candidates, "_make_schema", lambda name: made.add(name) or make(name))
    source = back_up()
    verify_backup(source=source, deep=True)
    kept = restore_in_place(source=source, school_id=1, actor=ACTOR).kept
    assert schemas() - before == {kept}
    assert len(made) == 2
    assert made & (roles() - others) == set()


def test_files_come_back(committed_school: School, back_up: Callable[[], Source]) -> None:
    media().save("t_000001/documents/menu.pdf", ContentFile(b"%PDF menu" * 40_000))
    media().save("t_000001/documents/deep/er/a.txt", ContentFile(b""))
    source = back_up()
    media().delete("t_000001/documents/menu.pdf")
    media().save("t_000001/documents/new.pdf", ContentFile(b"since"))
    done = restore_in_place(source=source, school_id=1, actor=ACTOR)
    assert done.files == 2
    assert media().open("t_000001/documents/menu.pdf").read() == b"%PDF menu" * 40_000
    assert media().exists("t_000001/documents/deep/er/a.txt")
    assert media().exists("t_000001/documents/new.pdf")
    assert media().listdir("")[0] == ["t_000001"]


def test_counters_go_on_where_they_were(lively: School, back_up: Callable[[], Source]) -> None:
    with owner_session() as session:
        query = "SELECT last_value FROM t_000001.outbox_event_id_seq"
        before = session.execute(query).fetchone()
        restore_in_place(source=back_up(), school_id=1, actor=ACTOR)
        assert session.execute(query).fetchone() == before


def test_a_backup_of_another_school_does_not_take_its_place(
    committed_school: School, back_up: Callable[[], Source]
) -> None:
    source = back_up()
    with pytest.raises(Conflict, match="another school"):
        restore_in_place(source=source, school_id=2, actor=ACTOR)


def test_one_at_a_time(committed_school: School, back_up: Callable[[], Source]) -> None:
    source = back_up()
    with hold_school(1):
        with pytest.raises(Busy):
            restore_in_place(source=source, school_id=1, actor=ACTOR)
        with pytest.raises(Busy):
            back_up()


def test_a_long_transaction_is_not_cut_in_two(
    committed_school: School,
    back_up: Callable[[], Source],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Given somebody in the middle of a transaction, the school is not changed over under them.
    source = back_up()
    monkeypatch.setattr(swapping, "LOCK_TIMEOUT", "50ms")
    monkeypatch.setattr(swapping, "TRIES", 2)
    before = schemas()
    with owner_session() as other:
        other.execute("UPDATE t_000001.identity_user SET name = name")
        other.execute("SELECT count(*) FROM t_000001.fees_charge")
        with pytest.raises(Busy):
            restore_in_place(source=source, school_id=1, actor=ACTOR)
    assert schemas() == before


def test_books_that_do_not_add_up_are_not_put_in_place(
    lively: School, back_up: Callable[[], Source], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a check that finds other sums afterwards, then nothing is changed.
    source, before = back_up(), schemas()
    monkeypatch.setattr("apps.fees.selectors.books._SUMS", "SELECT 1, 2, 3, 4, 5, 6, 7")
    with pytest.raises(Incomparable):
        restore_in_place(source=source, school_id=1, actor=ACTOR)
    assert schemas() == before


def test_the_files_name_says_nothing_of_people(
    committed_school: School, back_up: Callable[[], Source], shelf: Path
) -> None:
    source = back_up()
    assert source.name.startswith("lincoln/t_000001-")
    assert (shelf / source.name).stat().st_mode & 0o077 == 0
