"""The rules of dividing money, over many cases."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.fees.services.split import split_capture, split_refund

KEYS = [UUID(int=number) for number in range(1, 6)]
money = st.integers(min_value=1, max_value=10**9)
balances = st.dictionaries(st.sampled_from(KEYS), st.integers(0, 10**6), max_size=5)
chosen_lines = st.lists(st.tuples(st.sampled_from(KEYS), money), max_size=6)


@given(amount=money, chosen=chosen_lines, owed=balances)
def test_a_capture_is_divided_without_rest_and_without_overpaying(amount, chosen, owed):
    given_out, credit = split_capture(amount=amount, chosen=chosen, balances=owed)
    assert sum(given_out.values()) + credit == amount
    assert credit >= 0
    assert all(0 < part <= owed[key] for key, part in given_out.items())
    if credit:  # credit only when nobody wants anything more
        assert given_out == {key: part for key, part in owed.items() if part}


def test_chosen_lines_come_before_older_invoices():
    owed = {KEYS[0]: 500, KEYS[1]: 300}
    assert split_capture(amount=400, chosen=[(KEYS[1], 300)], balances=owed) == (
        {KEYS[1]: 300, KEYS[0]: 100},
        0,
    )


def test_a_second_payment_of_a_paid_invoice_is_credit():
    assert split_capture(amount=500, chosen=[(KEYS[0], 500)], balances={KEYS[0]: 0}) == ({}, 500)


@given(
    parts=st.lists(st.tuples(st.sampled_from(KEYS), st.integers(1, 10**6)), max_size=5),
    credit=st.integers(0, 10**6),
    share=st.floats(0, 1),
    credit_first=st.booleans(),
    preferred=st.frozensets(st.sampled_from(KEYS)),
)
def test_a_refund_takes_back_exactly_what_was_given(parts, credit, share, credit_first, preferred):
    rows = list(dict(parts).items())
    amount = int((sum(part for _, part in rows) + credit) * share)
    taken, from_credit = split_refund(
        amount=amount, given=rows, credit=credit, preferred=preferred, credit_first=credit_first
    )
    assert sum(taken.values()) + from_credit == amount
    assert 0 <= from_credit <= credit
    assert all(0 < part <= dict(rows)[key] for key, part in taken.items())


def test_a_refund_takes_the_newest_first():
    rows = [(KEYS[2], 100), (KEYS[1], 100)]
    assert split_refund(amount=150, given=rows, credit=0) == ({KEYS[2]: 100, KEYS[1]: 50}, 0)


def test_more_than_was_given_is_refused():
    with pytest.raises(ValueError, match="too much"):
        split_refund(amount=2, given=[(KEYS[0], 1)], credit=0)
