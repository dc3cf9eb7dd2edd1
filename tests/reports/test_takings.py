"""Takings against books made by hand: every cut of a span comes to the same sum."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from django.test import override_settings

from apps.fees.selectors.takings import takings
from apps.fees.tests import factories as make
from apps.payments import models
from apps.payments.contracts import REAL_MONEY, TEST_MONEY
from kernel.errors import Invalid
from tests.reports import books

FROM, TO = date(2025, 11, 1), date(2025, 11, 30)


@pytest.fixture
def room(school: Any) -> Any:
    return make.make_class()


def november(which: str = REAL_MONEY, since: date = FROM, until: date = TO) -> Any:
    return takings(since=since, until=until, which=which)


def sums(cuts: Any) -> dict[str, tuple[int, int]]:
    return {str(cut.label or cut.key): (cut.taken_minor, cut.returned_minor) for cut in cuts}


def total(cuts: Any) -> tuple[int, int, int]:
    return (
        sum(cut.taken_minor for cut in cuts),
        sum(cut.returned_minor for cut in cuts),
        sum(cut.net_minor for cut in cuts),
    )


def test_every_cut_is_what_the_books_say(room: Any, drain: Any) -> None:
    books.november(room, drain)
    found = november()
    assert total([found.total]) == (108_000, 52_000, 56_000)
    assert found.total.taken_count == 3
    assert sums(cut for cut in found.by_day if cut.taken_minor or cut.returned_minor) == {
        "2025-11-03": (58_000, 0),
        "2025-11-05": (50_000, 0),
        "2025-11-10": (0, 48_000),
        "2025-11-12": (0, 4_000),
    }
    assert sums(found.by_method) == {
        "Card": (48_000, 48_000),
        "Bank transfer": (50_000, 0),
        "Cash": (10_000, 4_000),
    }
    assert sums(found.by_category) == {
        "Tuition": (90_000, 49_000),
        "Lunch": (3_000, 3_000),
        "Credit, or not given to an invoice yet": (15_000, 0),
    }
    assert sums(found.by_account) == {
        "Without an account": (48_000, 48_000),
        "At the counter": (60_000, 4_000),
    }
    for cuts in (
        found.by_day,
        found.by_month,
        found.by_method,
        found.by_category,
        found.by_account,
    ):
        assert total(cuts) == total([found.total])


def test_a_day_without_money_is_in_the_list_all_the_same(room: Any, drain: Any) -> None:
    books.november(room, drain)
    days = november().by_day
    assert [cut.key for cut in days] == [date(2025, 11, n) for n in range(1, 31)]
    assert total(days[:2]) == (0, 0, 0)


def test_a_refund_counts_on_its_own_day_alone(room: Any, drain: Any) -> None:
    """The payment's day says what came in, whatever became of it later."""
    books.november(room, drain)
    third = november(since=date(2025, 11, 3), until=date(2025, 11, 3))
    assert total([third.total]) == (58_000, 0, 58_000)
    tenth = november(since=date(2025, 11, 10), until=date(2025, 11, 10))
    assert total([tenth.total]) == (0, 48_000, -48_000)
    assert total(tenth.by_category) == (0, 48_000, -48_000)


def test_credit_that_is_used_later_is_not_taken_twice(room: Any, drain: Any) -> None:
    from apps.fees.services.allocation import use_credit
    from kernel.ids import uuid7

    made = books.november(room, drain)
    before = sums(november().by_category)
    first = books.invoice(made.family.child, "Tuition")  # refunded, so it is owed again
    household = made.family.guardian.household_id
    assert use_credit(household_id=household, invoice_ids=[first], most_minor=15_000, token=uuid7())
    assert sums(november().by_category) == before


def test_money_that_no_handler_has_seen_yet_is_counted(room: Any, drain: Any) -> None:
    made = books.november(room, drain)
    key = books.invoice(made.family.children[1], "Tuition")
    books.counter(made.family, date(2025, 11, 20), (key, 700))
    found = november()
    assert total(found.by_category) == total([found.total]) == (108_700, 52_000, 56_700)


@pytest.mark.parametrize(
    ("moment", "day"),
    [
        ("2025-11-02T00:30", date(2025, 11, 2)),  # the clocks go back at 2:00
        ("2025-11-02T23:30", date(2025, 11, 2)),  # the 3rd in UTC
        ("2025-03-09T00:10", date(2025, 3, 9)),  # the clocks go forward at 2:00
        ("2025-03-09T23:50", date(2025, 3, 9)),
        ("2025-03-08T23:59:59", date(2025, 3, 8)),
        ("2025-11-03T00:00", date(2025, 11, 3)),
    ],
)
def test_days_are_the_schools_around_a_change_of_clocks(
    room: Any, drain: Any, moment: str, day: date
) -> None:
    family = make.make_family(room)
    books.bill(room, "Tuition", 45000)
    books.card(family, moment, (books.invoice(family.child, "Tuition"), 45000))
    drain()
    on_the_day = november(since=day, until=day)
    assert [(cut.key, cut.taken_minor) for cut in on_the_day.by_day] == [(day, 45_000)]
    assert sums(on_the_day.by_category) == {"Tuition": (45_000, 0)}
    around = november(since=date(2025, 3, 1), until=date(2025, 11, 30))
    assert [cut.key for cut in around.by_day if cut.taken_minor] == [day]


def test_an_activity_has_a_category_too(room: Any, drain: Any) -> None:
    from apps.fees.models import Invoice
    from apps.fees.services.activities import bill_activity
    from kernel.ids import uuid7

    family = make.make_family(room)
    bill_activity(
        signup_id=uuid7(),
        activity_title="Chess",
        student_id=family.child.pk,
        fee_minor=2500,
        currency="USD",
    )
    books.counter(family, date(2025, 11, 4), (Invoice.objects.get().pk, 2500))
    drain()
    assert sums(november().by_category) == {"Activities": (2_500, 0)}


def test_two_accounts_of_one_name_stay_two(room: Any, drain: Any) -> None:
    made = books.november(room, drain)
    for number, payment_id in enumerate((made.card, made.transfer)):
        account = models.GatewayAccount.objects.create(
            provider="stripe", mode="live", label="Stripe", secret_key=f"sk_live_{number}"
        )
        models.Payment.objects.filter(pk=payment_id).update(account=account, provider="stripe")
    found = november()
    assert [(cut.label, cut.taken_minor) for cut in found.by_account] == [
        ("Stripe", 50_000),
        ("Stripe", 48_000),
        ("At the counter", 10_000),
    ]
    assert total(found.by_account) == total([found.total])


def test_test_payments_never_count_and_can_be_looked_at(room: Any, drain: Any) -> None:
    made = books.november(room, drain)
    models.Payment.objects.filter(pk=made.card).update(mode="test")
    real, test = november(), november(TEST_MONEY)
    assert total([real.total]) == (60_000, 4_000, 56_000)
    assert (real.report.left_out_minor, real.report.left_out_count) == (48_000, 1)
    assert total([test.total]) == total(test.by_category) == (48_000, 48_000, 0)


def test_practice_money_counts_only_where_it_is_allowed_and_says_so(room: Any, drain: Any) -> None:
    made = books.november(room, drain)
    models.Payment.objects.filter(pk=made.card).update(mode="sandbox")
    with override_settings(SANDBOX_ALLOWED=True):
        allowed = november()
    with override_settings(SANDBOX_ALLOWED=False):
        live = november()
    assert allowed.report.practice
    assert not live.report.practice
    assert total([allowed.total])[0] == 108_000
    assert total([live.total])[0] == 60_000


def test_only_the_schools_currency_is_summed(room: Any, drain: Any) -> None:
    made = books.november(room, drain)
    models.Payment.objects.filter(pk=made.transfer).update(currency="EUR")
    found = november()
    assert found.report.currency == "USD"
    assert total([found.total])[0] == total(found.by_category)[0] == 58_000


def test_a_refund_that_came_back_was_not_made(room: Any, drain: Any) -> None:
    made = books.november(room, drain)
    models.Refund.objects.filter(payment_id=made.cash).update(status="failed")
    assert total([november().total]) == (108_000, 48_000, 60_000)


def test_what_banks_took_back_is_no_money_of_the_schools(room: Any, drain: Any) -> None:
    made = books.november(room, drain)
    for day, status, counts in ((20, "lost", True), (21, "won", True), (22, "lost", False)):
        models.Dispute.objects.create(
            payment_id=made.cash,
            provider_dispute_id=f"dp_{day}",
            amount_minor=2_500,
            currency="USD",
            status=status,
            counts=counts,
            opened_at=books.at("2025-11-06T10:00"),
            closed_at=books.at(f"2025-11-{day}T10:00"),
        )
    found = november()
    assert found.total.lost_minor == 2_500
    assert total([found.total]) == (108_000, 52_000, 53_500)
    for cuts in (found.by_day, found.by_month, found.by_method, found.by_category):
        assert total(cuts) == total([found.total])
    assert [cut.key for cut in found.by_day if cut.lost_minor] == [date(2025, 11, 20)]


def test_fees_are_those_of_what_was_paid_out_between_the_days(room: Any, drain: Any) -> None:
    made = books.november(room, drain)
    account = models.GatewayAccount.objects.create(
        provider="stripe", mode="live", label="School Stripe", secret_key="sk_live_1"
    )
    payout = models.Payout.objects.create(
        account=account,
        payout_id="po_1",
        status="paid",
        currency="USD",
        net_minor=46_500,
        arrives_on=date(2025, 11, 8),
        made_at=books.at("2025-11-06T10:00"),
    )
    for number, (day, fee) in enumerate(((3, 1_500), (5, 200), (30, 90))):
        models.PayoutLine.objects.create(
            payout=payout,
            transaction_id=f"txn_{number}",
            kind="charge",
            object_id=f"ch_{number}",
            payment_id=made.card,
            gross_minor=48_000,
            fee_minor=fee,
            net_minor=48_000 - fee,
            at=books.at(f"2025-11-{day:02}T10:00"),
        )
    found = november(until=date(2025, 11, 29))
    assert found.fees_minor == 1_700
    assert [fees.account for fees in found.report.fees] == ["School Stripe"]
    assert november(TEST_MONEY).fees_minor == 0


def test_spans_are_bounded(room: Any) -> None:
    for since, until in ((TO, FROM), (date(2020, 1, 1), TO)):
        with pytest.raises(Invalid):
            november(since=since, until=until)


def test_the_number_of_queries_does_not_grow(
    room: Any, drain: Any, django_assert_num_queries: Any
) -> None:
    made = books.november(room, drain)
    with django_assert_num_queries(QUERIES):
        november()
    key = books.invoice(made.family.children[1], "Tuition")
    for day in range(1, 28):
        books.counter(made.family, date(2025, 11, day), (key, 100 * day))
    drain()
    with django_assert_num_queries(QUERIES):
        november()


QUERIES = 13
