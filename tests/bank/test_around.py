"""Privacy, permissions and empty pages of the bank."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.fees.services import bank
from apps.payments.models import StatementLine
from apps.payments.services import privacy
from apps.payments.services.bank import importing
from tests.bank.lines import (
    LINES,
    STATEMENTS,
    csv,
    imported,
    line,
    number_of,
    row,
    suggested,
    text,
    ticked,
)


def test_suggestions_take_a_fixed_number_of_queries(family):
    numbers = [number_of(child) for child in family.children]
    counts = []
    for size in (2, 60):
        imported(*(row("450.00", text=f"{numbers[n % 2]} no {n}") for n in range(size)))
        with CaptureQueriesContext(connection) as captured:
            found = suggested()
        assert len(found) == StatementLine.objects.count()
        counts.append(len(captured))

    assert counts[0] == counts[1] <= 6


def test_an_erasure_takes_the_name_from_lines_that_paid_for_nothing(family, drain):
    imported(
        row("450.00", name="Maria Lopez", text=number_of(family.child)),
        row("5.00", name="MARIA LOPEZ", text="Gift"),
    )
    bank.confirm(ticked(StatementLine.objects.get(amount_minor=45000).pk), actor="bursar")
    drain()

    assert privacy.strike_bank_names("Maria Lopez") == 1

    kept, struck = StatementLine.objects.order_by("-amount_minor")
    assert (kept.name, struck.name, struck.text) == ("Maria Lopez", "–", "–")
    assert list(privacy.bank_lines_of([family.guardian.pk])) == [kept]


def test_a_file_that_nobody_came_back_to_is_emptied(school):
    statement = importing.upload(
        csv(row("5.00")), file_name="f", account_ref="", preset="iso", actor="bursar"
    )

    assert privacy.empty_statements([statement.pk]) == 1

    statement.refresh_from_db()
    assert (statement.state, bytes(statement.content)) == ("discarded", b"")


def test_empty_pages_say_what_to_do(bursar, school):
    assert "Download one from your bank" in text(bursar.get(STATEMENTS))
    assert "They appear when a bank statement is imported" in text(bursar.get(LINES))
    assert "Tick the lines to record." in text(bursar.post(f"{LINES}confirm/", follow=True))
    bad = bursar.post(f"{LINES}confirm/", {"line": "nonsense"}, follow=True)
    assert "Tick the lines to record." in text(bad)


@pytest.mark.parametrize("role", ["office", "teacher", "guardian"])
def test_only_those_who_handle_money_may(client_for, school, role):
    imported(row("5.00"))
    client = client_for(role)

    assert client.get(STATEMENTS).status_code == 403
    assert client.get(LINES).status_code == 403
    assert client.post(f"{LINES}{line().pk}/ignore/", {"reason": "x"}).status_code == 403
    assert line().state == "open"
