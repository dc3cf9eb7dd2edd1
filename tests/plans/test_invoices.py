"""The platform's invoices: once a month, numbered without gaps, never edited."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import CommandError
from django.db import DatabaseError, connection, transaction
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.tenants.models import OperatorAction, PlatformInvoice, Subscription, UsageMonth
from apps.tenants.services.plans import accounts, rounds
from apps.tenants.services.plans.catalogue import Allowance
from apps.tenants.services.plans.documents import invoice_pdf
from apps.tenants.services.plans.invoices import (
    BILL,
    bill_school,
    credit_invoice,
    record_payment,
)
from apps.tenants.services.plans.months import month_before, this_month, today_in
from apps.tenants.services.status import archive_school
from kernel.errors import Conflict, Invalid, NotFound
from kernel.schools import in_public
from tests.plans.conftest import MakePlan, Subscribe
from tests.plans.test_metering import run

LAST = month_before(this_month("America/Chicago"))
TODAY = timezone.now().date()
OP = "op@example.org"


@pytest.fixture
def subscribed(school: Any, make_plan: MakePlan, subscribe: Subscribe) -> Any:
    """Lincoln, on a plan of 30.00 a month with one student included, each more 1.00."""
    allowance = Allowance(included=0, limit=None, extra_unit=1, extra_price_minor=100)
    subscribe(school, make_plan(students=allowance, payment_fee_bp=100))
    return school


def bill(school: Any, **values: Any) -> Any:
    return bill_school(**{"school_id": school.id, "month": LAST, "actor": OP, **values})


def issued(school: Any) -> accounts.PlatformInvoiceInfo:
    return accounts.get_invoice(invoice_id=bill(school).invoice_id)


def pay(invoice: Any, minor: int, reference: str = "bank 1") -> accounts.PlatformInvoiceInfo:
    return record_payment(
        invoice_id=invoice.id,
        amount_minor=minor,
        received_on=TODAY,
        reference=reference,
        actor=OP,
    )


def test_a_month_is_billed_with_its_usage_and_then_closed(subscribed: Any) -> None:
    with in_public():
        UsageMonth.objects.create(
            school_id=subscribed.id,
            month=LAST,
            meter="students",
            value=12,
            measured_at=timezone.now(),
            closed_at=timezone.now(),
        )

    invoice = issued(subscribed)

    assert [(line.text, line.amount_minor) for line in invoice.lines] == [
        ("Plan Test", 3000),
        ("Students beyond the plan", 1200),
    ]
    assert invoice.lines[1].why == "12 students, 0 students included: 12 × 1 student at $1.00"
    assert (invoice.total_minor, invoice.status, invoice.month) == (4200, "issued", LAST)
    assert invoice.due_on == invoice.issued_on + timedelta(days=14)
    with in_public():
        assert not UsageMonth.objects.filter(school_id=subscribed.id, closed_at=None).exists()


def test_a_school_that_left_is_billed_for_its_last_days(subscribed: Any) -> None:
    archive_school(school_id=subscribed.id, reason="moved", actor=OP)
    assert subscribed.schema_name in rounds.schemas_to_bill()
    assert bill(subscribed).outcome == BILL
    with in_public():
        ended = Subscription.objects.get(school_id=subscribed.id).ends_on
    assert ended == today_in("America/Chicago") + timedelta(days=1)


def test_a_month_is_billed_once(subscribed: Any) -> None:
    first, second = bill(subscribed), bill(subscribed)

    assert (first.outcome, second.outcome) == ("billed", "already")
    assert second.number == first.number
    assert len(accounts.list_invoices(school_id=subscribed.id)) == 1


def test_a_dry_run_shows_the_sum_and_issues_nothing(subscribed: Any) -> None:
    shown = bill(subscribed, dry_run=True)

    assert (shown.outcome, shown.total_minor, shown.number) == ("billed", 3000, "")
    with in_public():
        assert not PlatformInvoice.objects.exists()
        assert not UsageMonth.objects.filter(closed_at__isnull=False).exists()


def test_numbers_have_no_gap_even_after_a_failure(
    subscribed: Any, other_school: Any, subscribe: Subscribe, make_plan: MakePlan
) -> None:
    subscribe(other_school, make_plan("euro", currency="EUR"))
    first = bill(subscribed)
    with pytest.raises(RuntimeError), transaction.atomic():
        bill_school(school_id=other_school.id, month=LAST, actor=OP)
        raise RuntimeError

    second = bill_school(school_id=other_school.id, month=LAST, actor=OP)

    year = TODAY.year
    assert (first.number, second.number) == (f"H{year}-00001", f"H{year}-00002")
    assert second.currency == "EUR"


def test_the_running_month_is_not_billed(subscribed: Any) -> None:
    with pytest.raises(Invalid, match="not over"):
        bill(subscribed, month=this_month("America/Chicago"))


def test_a_school_without_a_plan_and_a_free_one_get_no_invoice(
    school: Any, other_school: Any, make_plan: MakePlan, subscribe: Subscribe
) -> None:
    subscribe(other_school, make_plan(price_minor=0))

    assert bill(school).outcome == "no_plan"
    assert bill(other_school).outcome == "nothing"
    with in_public():
        assert not PlatformInvoice.objects.exists()


def test_a_trial_is_free(school: Any, make_plan: MakePlan, subscribe: Subscribe) -> None:
    subscribe(school, make_plan(), starts_on=LAST, trial_until=LAST + timedelta(days=40))

    assert bill(school).outcome == "nothing"


def test_payments_add_up_and_settle_the_invoice(subscribed: Any) -> None:
    invoice = issued(subscribed)

    assert pay(invoice, 1000).status == "issued"
    assert pay(invoice, 1000).paid_minor == 1000  # the same payment once more
    with pytest.raises(Conflict, match="reference"):
        pay(invoice, 2000)  # other money under the same reference is not lost without a word
    with pytest.raises(Invalid, match="still owed"):
        pay(invoice, 2001, "bank 2")
    paid = pay(invoice, 2000, "bank 2")

    assert (paid.status, paid.paid_minor, paid.balance_minor) == ("paid", 3000, 0)
    assert [payment.reference for payment in paid.payments] == ["bank 1", "bank 2"]


@pytest.mark.parametrize(("minor", "reference"), [(0, "x"), (-5, "x"), (3001, "x"), (5, " ")])
def test_a_wrong_payment_is_refused(subscribed: Any, minor: int, reference: str) -> None:
    with pytest.raises(Invalid):
        pay(issued(subscribed), minor, reference)


def test_an_invoice_is_taken_back_by_a_credit_note(subscribed: Any) -> None:
    invoice = issued(subscribed)

    note = credit_invoice(invoice_id=invoice.id, reason="Wrong plan", actor=OP)

    assert (note.number, note.total_minor, note.is_credit) == (f"HC{TODAY.year}-00001", -3000, True)
    assert [line.amount_minor for line in note.lines] == [-3000]
    void = accounts.get_invoice(invoice_id=invoice.id)
    assert (void.status, void.balance_minor, void.total_minor) == ("void", 0, 3000)
    with pytest.raises(Conflict):
        credit_invoice(invoice_id=invoice.id, reason="Again", actor=OP)
    with pytest.raises(Conflict):
        credit_invoice(invoice_id=note.id, reason="Again", actor=OP)
    with pytest.raises(Conflict):
        pay(invoice, 3000)


def test_a_month_that_was_taken_back_is_billed_again_only_when_asked(subscribed: Any) -> None:
    credit_invoice(invoice_id=issued(subscribed).id, reason="Wrong plan", actor=OP)

    assert bill(subscribed).outcome == "already"
    again = bill(subscribed, again=True)

    assert (again.outcome, again.number) == ("billed", f"H{TODAY.year}-00002")


def test_taking_back_needs_a_reason_and_an_invoice(subscribed: Any) -> None:
    with pytest.raises(Invalid):
        credit_invoice(invoice_id=issued(subscribed).id, reason="  ", actor=OP)
    with pytest.raises(NotFound):
        credit_invoice(invoice_id=subscribed_id(), reason="x", actor=OP)


def subscribed_id() -> Any:
    from kernel.ids import uuid7

    return uuid7()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE tenants_platforminvoice SET total_minor = 1",
        "DELETE FROM tenants_platforminvoice",
        "UPDATE tenants_platforminvoiceline SET amount_minor = 1",
        "DELETE FROM tenants_platformpayment",
    ],
)
def test_the_database_refuses_to_change_what_was_posted(subscribed: Any, statement: str) -> None:
    pay(issued(subscribed), 10)

    with (
        in_public(),
        pytest.raises(DatabaseError, match="never changed"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    price=st.integers(0, 10**7),
    fee=st.integers(0, 500),
    trial=st.integers(0, 40),
    cut=st.integers(1, 27),
)
def test_the_lines_always_make_the_total(
    school: Any,
    make_plan: MakePlan,
    subscribe: Subscribe,
    price: int,
    fee: int,
    trial: int,
    cut: int,
) -> None:
    with transaction.atomic():
        day = LAST + timedelta(days=cut)
        before = make_plan("first", price_minor=price, payment_fee_bp=fee)
        subscribe(school, before, ends_on=day, trial_until=LAST + timedelta(days=trial))
        subscribe(school, make_plan("second", price_minor=price), starts_on=day)
        found = bill(school)
        if found.outcome == "billed":
            invoice = accounts.get_invoice(invoice_id=found.invoice_id)
            assert sum(line.amount_minor for line in invoice.lines) == invoice.total_minor
        assert 0 <= found.total_minor <= price
        transaction.set_rollback(True)


def test_the_schools_people_are_told_by_mail(
    subscribed: Any, client_for: Callable[..., Any], drain: Callable[[], int], mailbox: list[Any]
) -> None:
    for role in ("admin", "bursar", "teacher"):
        client_for(role)

    number = bill(subscribed).number
    drain()

    assert sorted(mail.to[0] for mail in mailbox) == [
        "Admin Person <admin@example.org>",
        "Bursar Person <bursar@example.org>",
    ]
    assert number in mailbox[0].body
    assert "$30.00" in mailbox[0].subject
    assert "/portal/settings/plan/invoices/" in mailbox[0].body


def test_admins_are_told_of_a_limit(
    school: Any,
    subscribe: Subscribe,
    client_for: Callable[..., Any],
    drain: Callable[[], int],
    mailbox: list[Any],
) -> None:
    from tests.plans.test_limits import enrol

    client_for("admin"), client_for("bursar")
    subscribe(school, 5)

    enrol(5)
    drain()

    subjects = [mail.subject for mail in mailbox]
    assert subjects == [
        "Lincoln Elementary: close to the plan’s limit of 5 students",
        "Lincoln Elementary: the plan’s limit of 5 students is reached",
    ]
    assert "two weeks" in mailbox[1].body


def test_the_pdf_says_what_the_page_says(subscribed: Any) -> None:
    invoice = issued(subscribed)

    text = invoice_pdf(invoice)

    assert text.startswith(b"%PDF-")
    for part in (invoice.number, "Lincoln Elementary", "$30.00"):
        assert part.encode("cp1252") in text
    note = credit_invoice(invoice_id=invoice.id, reason="Wrong plan", actor=OP)
    assert b"Credit note" in invoice_pdf(note)
    assert b"taken back by credit note" in invoice_pdf(accounts.get_invoice(invoice_id=invoice.id))


def test_every_step_is_in_the_operators_history(subscribed: Any) -> None:
    invoice = issued(subscribed)
    pay(invoice, 5)
    credit_invoice(invoice_id=invoice.id, reason="x", actor=OP)

    with in_public():
        actions = list(OperatorAction.objects.order_by("at").values_list("action", "actor"))
    assert [action for action, _actor in actions][-3:] == [
        "invoice.issued",
        "invoice.paid",
        "invoice.credited",
    ]
    assert {actor for _action, actor in actions[-3:]} == {OP}


def test_the_monthly_round_bills_the_month_before(subscribed: Any) -> None:
    month = f"{LAST:%Y-%m}"

    assert rounds.monthly(schema_name=subscribed.schema_name, month=month) is True
    assert rounds.monthly(schema_name=subscribed.schema_name, month=month) is False


def test_the_command_bills_all_schools(subscribed: Any) -> None:
    month = f"{LAST:%Y-%m}"

    dry = run("bill_schools", "--month", month, "--dry-run").splitlines()
    real = json.loads(run("bill_schools", "--month", month, "--json"))
    again = run("bill_schools", "--month", month).splitlines()

    assert dry[0].split() == ["lincoln", "$30.00", "would", "be", "billed"]
    assert dry[1].split(maxsplit=1) == ["sanmartin", "no plan"]
    assert dry[2].split() == ["in", "all", "$30.00"]
    assert [(row["school"], row["outcome"]) for row in real] == [
        ("lincoln", "billed"),
        ("sanmartin", "no_plan"),
    ]
    assert again[0].split(maxsplit=2)[2] == f"has invoice {real[0]['number']}"


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (["--month", "soon"], "is not a month"),
        (["--month", "2999-01"], "^2999-01 is not over yet.$"),
        (["--month", f"{TODAY:%Y-%m}", "--school", "lincoln"], "not over"),
        (["--school", "nowhere"], "nowhere"),
        (["--again"], "needs --school"),
    ],
)
def test_bad_input_of_the_command_is_code_2(subscribed: Any, args: list[str], says: str) -> None:
    with pytest.raises(CommandError, match=says) as refused:
        run("bill_schools", *args)

    assert refused.value.returncode == 2


def test_what_is_in_the_way_of_several_schools_is_told_apart(
    subscribed: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(**_values: Any) -> None:
        raise Conflict("It is closed.")

    monkeypatch.setattr("apps.tenants.management.commands.bill_schools.bill_school", refuse)

    with pytest.raises(CommandError) as refused:
        run("bill_schools")

    told = "Not billed: lincoln: It is closed; sanmartin: It is closed"
    assert (str(refused.value), refused.value.returncode) == (told, 1)


@pytest.mark.django_db(transaction=True)
def test_two_billings_at_once_issue_one_invoice(committed_school: Any) -> None:
    import threading

    from apps.tenants.models import Subscription
    from apps.tenants.services.plans.subscriptions import change_plan

    change_plan(school_id=1, code="basic", actor=OP)
    with in_public():
        Subscription.objects.update(starts_on=LAST)
    together, outcomes = threading.Barrier(2), []

    def work() -> None:
        together.wait(timeout=10)
        try:
            outcomes.append(bill(committed_school).outcome)
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _turn in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)

    assert sorted(outcomes) == ["already", "billed"]
