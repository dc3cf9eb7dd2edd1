"""Each rule that a school can set about bills does something, and nothing else."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.utils import translation

from apps.fees.selectors import invoices, totals
from apps.fees.services import activities, catalogue, checkout, documents
from apps.fees.tests import factories as make
from apps.payments import facade as payments
from apps.payments.contracts import StartedPayment
from apps.tenants import facade as tenants
from apps.tenants.tests.factories import reopen
from kernel.errors import Forbidden, Invalid
from kernel.schools import today


def change(**values: Any) -> None:
    names = {f"fees.{name}": value for name, value in values.items()}
    tenants.change_settings(school_id=1, values=names)
    reopen()


@pytest.fixture
def family(school: Any) -> Any:
    """A family that owes 450 dollars since yesterday."""
    school_class = make.make_class()
    family = make.make_family(school_class, email="maria@example.org")
    make.bill(school_class, due_on=today() - timedelta(days=1))
    return family


@pytest.fixture
def saver(school: Any) -> Any:
    """A family with 50 dollars of credit from before, that owes 450 now."""
    school_class = make.make_class()
    family = make.make_family(school_class, email="maria@example.org")
    make.capture(family.guardian, 5000)
    make.bill(school_class)
    return family


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Amounts for which a hosted page was asked, without a gateway."""
    asked: list[int] = []

    def start(order: Any) -> StartedPayment:
        asked.append(sum(line.amount_minor for line in order.lines))
        return StartedPayment(payment_id=uuid4(), redirect_url="https://pay.example", reused=True)

    monkeypatch.setattr(payments, "start_payment", start)
    return asked


def pay(family: Any, amount: int | None, *, use_credit: bool = False) -> Any:
    wish = checkout.Wish(
        invoice_ids=None, amount_minor=amount, use_credit=use_credit, token=uuid4()
    )
    return checkout.start_family_payment(guardian_id=family.guardian.pk, wish=wish)


def test_days_to_pay_are_proposed_and_used_for_activities(school: Any, client_for: Any) -> None:
    school_class = make.make_class()
    child = make.make_family(school_class).child
    client = client_for("bursar")
    change(due_days=30)

    fee_id = make.make_fee()
    activities.bill_activity(
        signup_id=uuid4(),
        activity_title="Chess",
        student_id=child.pk,
        fee_minor=1000,
        currency="USD",
    )

    from apps.fees.selectors.catalogue import get_fee

    assert get_fee(fee_id=fee_id).due_days == 30
    assert make.owed(child)[0].due_on == today() + timedelta(days=30)
    form = client.get("/portal/fees/new/").context["form"]
    assert form["due_days"].value() == 30


def test_a_fee_with_days_of_its_own_keeps_them(school: Any) -> None:
    change(due_days=30)
    category = make.make_fee()
    from apps.fees.models import FeeCategory
    from apps.fees.selectors.catalogue import get_fee

    assert category
    fee_id = catalogue.create_fee(
        category_id=FeeCategory.objects.get().pk,
        name="Trip",
        amount_minor=100,
        actor="x",
        due_days=0,
    )
    assert get_fee(fee_id=fee_id).due_days == 0


def test_days_of_grace_pass_before_an_invoice_is_overdue(family: Any) -> None:
    assert make.owed(family.child)[0].status == "overdue"
    assert totals.money_totals().overdue_minor == 45000
    assert invoices.filtered(status="overdue").count() == 1

    change(grace_days=1)

    assert make.owed(family.child)[0].status == "open"
    assert totals.money_totals().overdue_minor == 0
    assert totals.money_totals().outstanding_minor == 45000
    assert invoices.filtered(status="overdue").count() == 0


def test_letters_stand_before_new_numbers_and_counting_goes_on(family: Any) -> None:
    first = make.owed(family.child)[0].number
    change(invoice_prefix="lin")
    school_class = make.make_class("4A")
    child = make.make_family(school_class).child
    make.bill(school_class)

    year = today().year
    assert (first, make.owed(child)[0].number) == (f"{year}-00001", f"LIN-{year}-00002")


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [("invoice_prefix", "L1", "Use hasta 6 letras"), ("cover", "nobody", "Elija quién")],
)
def test_what_is_wrong_is_said_in_spanish_too(
    school: Any, name: str, value: str, said: str
) -> None:
    with translation.override("es"), pytest.raises(Invalid, match=said):
        change(**{name: value})


def test_a_part_is_refused_where_parts_are_not_taken(family: Any, started: list[int]) -> None:
    change(part_payments=False)

    with pytest.raises(Invalid, match="in full") as refused:
        pay(family, 10000)
    assert (refused.value.field, started) == ("amount", [])

    pay(family, 45000)
    pay(family, None)
    assert started == [45000, 45000]


def test_a_part_must_reach_the_smallest_one(family: Any, started: list[int]) -> None:
    change(smallest_part_minor=20000)

    with pytest.raises(Invalid, match=r"at least \$200\.00"):
        pay(family, 19999)

    pay(family, 20000)
    assert started == [20000]


def test_the_smallest_part_never_asks_for_more_than_is_owed(
    family: Any, started: list[int]
) -> None:
    change(smallest_part_minor=99999)

    with pytest.raises(Invalid, match=r"at least \$450\.00"):
        pay(family, 44999)

    pay(family, 45000)
    assert started == [45000]


def test_credit_stays_where_families_may_not_use_it(saver: Any, started: list[int]) -> None:
    change(use_credit=False)

    with pytest.raises(Forbidden, match="ask the office"):
        pay(saver, None, use_credit=True)

    change(use_credit=True)
    pay(saver, None, use_credit=True)
    assert started == [40000]


def test_credit_counts_towards_the_smallest_part(saver: Any, started: list[int]) -> None:
    change(smallest_part_minor=10000)

    pay(saver, 12000, use_credit=True)

    assert started == [7000]


def test_the_family_page_shows_only_what_is_allowed(
    saver: Any, anonymous: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from apps.fees.services import links

    monkeypatch.setattr(payments, "can_take_payments", lambda: True)
    client = anonymous()
    client.get(links.family_link_path(guardian_id=saver.guardian.pk))
    change(smallest_part_minor=20000)
    text = client.get("/family/").content.decode()
    assert 'name="amount"' in text
    assert "At least $200.00." in text
    assert 'name="use_credit"' in text

    change(part_payments=False, use_credit=False)

    text = client.get("/family/").content.decode()
    assert 'name="amount"' not in text
    assert 'name="use_credit"' not in text
    assert 'name="invoices"' in text


def test_invoices_carry_the_schools_own_words(family: Any) -> None:
    values = {"texts.invoice_footer": "Bank: 12-34\nAsk Ana", "texts.receipt_footer": "Tax no. 7"}
    tenants.change_settings(school_id=1, values=values)
    reopen()

    pdf = documents.invoice_pdf(make.owed(family.child)[0])

    assert b"Bank: 12-34" in pdf
    assert b"Ask Ana" in pdf
    assert b"Tax no. 7" not in pdf
