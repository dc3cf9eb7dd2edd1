"""What was outstanding on a day, against books made by hand."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from apps.fees.contracts import Part
from apps.fees.models import Invoice
from apps.fees.selectors.aging import aging, owed_on
from apps.fees.services.plans import write_instalments
from apps.fees.tests import factories as make
from tests.reports import books


@pytest.fixture
def owing(school: Any, drain: Any) -> Any:
    """3A owes tuition (due 15 October) and lunch (due 1 December), 4B tuition alone. On
    3 November one child's tuition is paid; on 10 November that payment is refunded."""
    third, fourth = make.make_class("3A"), make.make_class("4B")
    family, other = make.make_family(third), make.make_family(fourth, name="Ann Lee")
    books.bill(third, "Tuition", 45000)
    books.bill(third, "Lunch", 3000, due_on=date(2025, 12, 1))
    books.bill(fourth, "Tuition", 40000)
    key = books.invoice(family.child, "Tuition")
    payment = books.card(family, "2025-11-03T10:00", (key, 45000))
    books.counter(other, date(2025, 11, 4), (books.invoice(other.child, "Tuition"), 50000))
    drain()
    books.refund(payment, 45000, "2025-11-10T12:00")
    drain()
    return family


def lines(found: Any) -> dict[str, list[int]]:
    return {line.label: line.brackets for line in found}


@pytest.mark.parametrize(
    ("day", "by_class", "by_category", "credit"),
    [
        # nothing is billed
        (date(2025, 9, 30), {}, {}, 0),
        # all of it is owed, nothing due
        (
            date(2025, 10, 15),
            {"3A": [48000, 0, 0, 0, 0], "4B": [40000, 0, 0, 0, 0]},
            {"Tuition": [85000, 0, 0, 0, 0], "Lunch": [3000, 0, 0, 0, 0]},
            0,
        ),
        # a day late
        (
            date(2025, 10, 16),
            {"3A": [3000, 45000, 0, 0, 0], "4B": [0, 40000, 0, 0, 0]},
            {"Tuition": [0, 85000, 0, 0, 0], "Lunch": [3000, 0, 0, 0, 0]},
            0,
        ),
        # both tuitions are paid, one of them with 100.00 too much
        (date(2025, 11, 4), {"3A": [3000, 0, 0, 0, 0]}, {"Lunch": [3000, 0, 0, 0, 0]}, 10000),
        # the refund makes one owed again: 30 days late, then 31
        (
            date(2025, 11, 14),
            {"3A": [3000, 45000, 0, 0, 0]},
            {"Tuition": [0, 45000, 0, 0, 0], "Lunch": [3000, 0, 0, 0, 0]},
            10000,
        ),
        (
            date(2025, 11, 15),
            {"3A": [3000, 0, 45000, 0, 0]},
            {"Tuition": [0, 0, 45000, 0, 0], "Lunch": [3000, 0, 0, 0, 0]},
            10000,
        ),
        (
            date(2026, 1, 14),
            {"3A": [0, 0, 3000, 0, 45000]},
            {"Tuition": [0, 0, 0, 0, 45000], "Lunch": [0, 0, 3000, 0, 0]},
            10000,
        ),
    ],
)
def test_the_books_as_they_stood(
    owing: Any, day: date, by_class: Any, by_category: Any, credit: int
) -> None:
    found = aging(as_of=day)
    assert lines(found.by_class) == by_class
    assert lines(found.by_category) == by_category
    assert found.credit_minor == credit
    for cut in (found.by_class, found.by_category):
        summed = [sum(column) for column in zip(*(line.brackets for line in cut), strict=True)]
        assert (summed or [0] * 5) == found.total.brackets


def test_today_agrees_with_the_ledger(owing: Any) -> None:
    from apps.fees.selectors.totals import money_totals
    from kernel.schools import today

    assert aging(as_of=today()).total.total_minor == money_totals().outstanding_minor


def test_each_invoice_is_listed_oldest_due_first(owing: Any) -> None:
    rows = list(owed_on(as_of=date(2025, 11, 14)))
    assert [(row.category, row.late, row.balance_minor) for row in rows] == [
        ("Tuition", 30, 45000),
        ("Lunch", -17, 3000),
    ]


def test_an_invoice_in_instalments_ages_by_the_day_of_each(school: Any, drain: Any) -> None:
    """1,000.00 in three parts; 450.00 is paid, so 50.00 of the second part is."""
    room = make.make_class("3A")
    family = make.make_family(room)
    books.bill(room, "Tuition", 100000)
    key = books.invoice(family.child, "Tuition")
    days = (date(2025, 10, 15), date(2025, 11, 15), date(2025, 12, 15))
    parts = [Part(due_on=day, amount_minor=sum_) for day, sum_ in zip(days, SUMS, strict=True)]
    write_instalments([Invoice.objects.get(pk=key)], [parts])
    books.counter(family, date(2025, 10, 20), (key, 45000))
    drain()

    found = aging(as_of=date(2025, 11, 20))

    assert (lines(found.by_class), found.total.invoices) == ({"3A": [30000, 25000, 0, 0, 0]}, 1)
    rows = owed_on(as_of=date(2025, 11, 20))
    assert [(row.due_on, row.late, row.balance_minor, row.first) for row in rows] == [
        (days[1], 5, 25000, True),
        (days[2], -25, 30000, False),
    ]


SUMS = (40000, 30000, 30000)


def test_three_queries_however_many_invoices(owing: Any, django_assert_num_queries: Any) -> None:
    day = date(2025, 11, 14)
    with django_assert_num_queries(3):
        aging(as_of=day)
    room = make.make_class("5C")
    for number in range(12):
        make.make_family(room, name=f"Guardian {number}")
    books.bill(room, "Trips", 1000)
    with django_assert_num_queries(3):
        assert lines(aging(as_of=day).by_class)["5C"][1] == 12_000
