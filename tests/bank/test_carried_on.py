"""What broke off half way is carried on as it was planned, and never doubled."""

from __future__ import annotations

import pytest

from apps.fees.services import bank
from apps.payments.models import LineTie, Payment
from apps.payments.services.bank import matching
from kernel.errors import Conflict
from tests.bank.lines import (
    LINES,
    balance,
    broken,
    imported,
    line,
    number_of,
    row,
    text,
)


def test_a_line_is_recorded_once_however_often_it_is_confirmed(family, drain):
    imported(row("450.00", text=number_of(family.child)))
    part = [bank.Part(student_id=family.child.pk, amount_minor=45000)]
    bank.record(line().pk, part, actor="bursar")

    with pytest.raises(Conflict):
        bank.record(line().pk, part, actor="admin")

    drain()
    assert (Payment.objects.count(), LineTie.objects.count()) == (1, 1)


def test_what_broke_off_half_way_is_finished_and_not_doubled(bursar, family, drain, monkeypatch):
    """The worker dies after the first of two payments."""
    imported(row("900.00"))
    parts = [bank.Part(student_id=c.pk, amount_minor=45000) for c in family.children]
    real, calls = bank._record_part, []

    def dies(*given):
        calls.append(given)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return real(*given)

    monkeypatch.setattr(bank, "_record_part", dies)
    with pytest.raises(KeyboardInterrupt):
        bank.record(line().pk, parts, actor="bursar")
    monkeypatch.setattr(bank, "_record_part", real)
    assert (Payment.objects.count(), line().state) == (1, "open")
    other = [bank.Part(student_id=family.child.pk, amount_minor=90000)]
    with pytest.raises(Conflict, match="in another way"):
        bank.record(line().pk, other, actor="bursar")
    assert "Begun and not finished" in text(bursar.get(LINES))

    bursar.post(f"{LINES}{line().pk}/go-on/")

    drain()
    assert (Payment.objects.count(), line().state) == (2, "matched")
    assert [balance(child) for child in family.children] == [0, 0]


def test_the_plan_of_a_line_that_is_partly_recorded_stays(family, drain, monkeypatch):
    """Without it the line could be recorded in another way, and a part of it twice."""
    imported(row("900.00"))
    parts = [bank.Part(student_id=c.pk, amount_minor=45000) for c in family.children]
    real, calls = bank._record_part, []

    def second_dies(*given):
        calls.append(given)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return real(*given)

    monkeypatch.setattr(bank, "_record_part", second_dies)
    with pytest.raises(KeyboardInterrupt):
        bank.record(line().pk, parts, actor="bursar")

    def refused(*_given):
        raise Conflict("A payment by card is under way.")

    monkeypatch.setattr(bank, "_record_part", refused)
    with pytest.raises(Conflict, match="under way"):
        bank.go_on(line().pk, actor="bursar")
    assert line().plan is not None

    monkeypatch.setattr(bank, "_record_part", real)
    other = [bank.Part(student_id=family.child.pk, amount_minor=90000)]
    with pytest.raises(Conflict, match="in another way"):
        bank.record(line().pk, other, actor="bursar")
    bank.go_on(line().pk, actor="bursar")
    assert sorted(Payment.objects.values_list("captured_minor", flat=True)) == [45000, 45000]


def test_what_broke_off_is_finished_with_the_payers_it_was_begun_with(family, monkeypatch):
    """Another guardian would be another payment under the same key."""
    imported(row("450.00"))
    real = matching.tie
    monkeypatch.setattr(matching, "tie", broken)
    with pytest.raises(KeyboardInterrupt):
        part = bank.Part(student_id=family.child.pk, amount_minor=45000)
        bank.record(line().pk, [part], actor="bursar")
    monkeypatch.setattr(matching, "tie", real)
    monkeypatch.setattr(bank, "_payer", lambda _line, student_id: student_id)

    bank.go_on(line().pk, actor="bursar")

    assert (Payment.objects.get().payer_id, line().state) == (family.guardian.pk, "matched")
