"""The platform's invoices: one a month, numbered without gaps, its lines make the total."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.tenants.models import PlatformInvoice, Subscription, UsageMonth
from apps.tenants.services.plans import accounts, rounds
from apps.tenants.services.plans.documents import invoice_pdf
from apps.tenants.services.plans.invoices import BILL, bill_school, credit_invoice
from apps.tenants.services.status import archive_school
from kernel.errors import Invalid
from kernel.schools import in_public
from tests.plans.billing import OP, bill, issued, last_month, running_month, today
from tests.plans.conftest import MakePlan, Subscribe


def test_a_month_is_billed_with_its_usage_and_then_closed(subscribed: Any) -> None:
    with in_public():
        UsageMonth.objects.create(
            school_id=subscribed.id,
            month=last_month(),
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
    assert (invoice.total_minor, invoice.status, invoice.month) == (4200, "issued", last_month())
    assert invoice.due_on == invoice.issued_on + timedelta(days=14)
    with in_public():
        assert not UsageMonth.objects.filter(school_id=subscribed.id, closed_at=None).exists()


def test_a_school_that_left_is_billed_for_its_last_days(subscribed: Any) -> None:
    archive_school(school_id=subscribed.id, reason="moved", actor=OP)
    assert subscribed.schema_name in rounds.schemas_to_bill()
    assert bill(subscribed).outcome == BILL
    with in_public():
        ended = Subscription.objects.get(school_id=subscribed.id).ends_on
    assert ended == today() + timedelta(days=1)


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
        bill_school(school_id=other_school.id, month=last_month(), actor=OP)
        raise RuntimeError

    second = bill_school(school_id=other_school.id, month=last_month(), actor=OP)

    year = today().year
    assert (first.number, second.number) == (f"H{year}-00001", f"H{year}-00002")
    assert second.currency == "EUR"


def test_the_running_month_is_not_billed(subscribed: Any) -> None:
    with pytest.raises(Invalid, match="not over"):
        bill(subscribed, month=running_month())


def test_a_school_without_a_plan_and_a_free_one_get_no_invoice(
    school: Any, other_school: Any, make_plan: MakePlan, subscribe: Subscribe
) -> None:
    subscribe(other_school, make_plan(price_minor=0))

    assert bill(school).outcome == "no_plan"
    assert bill(other_school).outcome == "nothing"
    with in_public():
        assert not PlatformInvoice.objects.exists()


def test_a_trial_is_free(school: Any, make_plan: MakePlan, subscribe: Subscribe) -> None:
    subscribe(
        school, make_plan(), starts_on=last_month(), trial_until=last_month() + timedelta(days=40)
    )

    assert bill(school).outcome == "nothing"


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
        day = last_month() + timedelta(days=cut)
        before = make_plan("first", price_minor=price, payment_fee_bp=fee)
        subscribe(school, before, ends_on=day, trial_until=last_month() + timedelta(days=trial))
        subscribe(school, make_plan("second", price_minor=price), starts_on=day)
        found = bill(school)
        if found.outcome == "billed":
            invoice = accounts.get_invoice(invoice_id=found.invoice_id)
            assert sum(line.amount_minor for line in invoice.lines) == invoice.total_minor
        assert 0 <= found.total_minor <= price
        transaction.set_rollback(True)


def test_the_pdf_says_what_the_page_says(subscribed: Any) -> None:
    invoice = issued(subscribed)

    text = invoice_pdf(invoice)

    assert text.startswith(b"%PDF-")
    for part in (invoice.number, "Lincoln Elementary", "$30.00"):
        assert part.encode("cp1252") in text
    note = credit_invoice(invoice_id=invoice.id, reason="Wrong plan", actor=OP)
    assert b"Credit note" in invoice_pdf(note)
    assert b"taken back by credit note" in invoice_pdf(accounts.get_invoice(invoice_id=invoice.id))
