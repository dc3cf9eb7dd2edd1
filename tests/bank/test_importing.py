"""Statements are looked at, and imported once."""

from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from apps.identity.models import AuditEntry
from apps.payments.models import BankStatement, StatementLine
from apps.payments.services.bank import importing
from kernel.errors import Conflict
from kernel.schools import today
from tests.bank.lines import (
    STATEMENTS,
    csv,
    imported,
    row,
    text,
)


def test_a_file_is_looked_at_first_and_then_imported(bursar, school):
    content = csv(row("450.00", text="Lopez"), row("x"), row("-3", text="Fee"))
    file = SimpleUploadedFile("november.csv", content)

    looked = bursar.post(
        STATEMENTS, {"file": file, "preset": "iso", "account_ref": ""}, follow=True
    )

    page = text(looked)
    assert "2 new lines would be imported. Nothing has been changed yet." in page
    assert "Line 3: “x” is not an amount." in page
    assert StatementLine.objects.count() == 0
    statement = BankStatement.objects.get()
    done = bursar.post(f"{STATEMENTS}{statement.pk}/import/", follow=True)
    assert "2 lines imported." in text(done)
    assert sorted(StatementLine.objects.values_list("amount_minor", flat=True)) == [-300, 45000]
    statement.refresh_from_db()
    assert (bytes(statement.content), statement.bad_count) == (b"", 1)
    assert AuditEntry.objects.filter(action="payments.statement_imported").count() == 1


def test_the_columns_can_be_chosen_in_the_preview(bursar, school):
    content = f"when;what;how much\n{today()};Lopez;450,00\n".encode()
    file = SimpleUploadedFile("odd.csv", content)
    answer = bursar.post(
        STATEMENTS, {"file": file, "preset": "iso", "account_ref": ""}, follow=True
    )
    statement = BankStatement.objects.get()
    assert "0 new lines" in text(answer)

    layout = {"delimiter": ";", "decimal": ",", "dates": "iso"}
    columns = {"col_date": "0", "col_text": "1", "col_amount": "2"}
    again = bursar.post(f"{STATEMENTS}{statement.pk}/layout/", layout | columns, follow=True)

    assert "1 new line would be imported." in text(again)
    bad = bursar.post(
        f"{STATEMENTS}{statement.pk}/layout/", layout | {"col_date": "x"}, follow=True
    )
    assert "This layout is not known." in text(bad)


def test_the_same_file_and_lines_that_overlap_are_imported_once(school):
    lunch = row("5.00", text="Lunch")
    first = imported(row("450.00", text="Lopez"), lunch, lunch)
    again = imported(row("450.00", text="Lopez"), lunch, lunch)
    more = imported(lunch, row("450.00", text="Lopez"), lunch, lunch, row("7", text="New"))

    assert [(s.line_count, s.known_count) for s in (first, again, more)] == [(3, 0), (0, 3), (2, 3)]
    assert StatementLine.objects.filter(text="Lunch").count() == 3
    assert importing.same_file(again) == first


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "submitted file is empty"),
        (b"   \n", "The file is empty."),
        (b"PK\x03\x04workbook", "This is an Excel workbook."),
        (b"x" * (2 * 1024 * 1024 + 1), "at most 2 MB"),
        (b'<!DOCTYPE x [<!ENTITY a "b">]><Document>&a;</Document>', "document type"),
        (b"<Document/>", "not a CAMT.053 statement"),
    ],
)
def test_a_file_that_is_none_is_refused_with_a_reason(bursar, school, content, why):
    file = SimpleUploadedFile("f.csv", content)

    answer = bursar.post(STATEMENTS, {"file": file, "preset": "iso", "account_ref": ""})

    assert (answer.status_code, why in text(answer)) == (422, True)
    assert BankStatement.objects.count() == 0


def test_a_statement_is_dealt_with_once(bursar, school):
    statement = imported(row("5.00"))
    with pytest.raises(Conflict):
        importing.keep(statement.pk, actor="bursar")
    refused = bursar.post(f"{STATEMENTS}{statement.pk}/discard/", follow=True)
    assert "has been dealt with already" in text(refused)


def test_a_discarded_file_leaves_nothing(bursar, school):
    statement = importing.upload(
        csv(row("5.00")), file_name="f", account_ref="", preset="iso", actor="bursar"
    )
    bursar.post(f"{STATEMENTS}{statement.pk}/discard/")

    statement.refresh_from_db()
    assert (statement.state, bytes(statement.content)) == ("discarded", b"")
    assert "Nothing was imported" in text(bursar.get(f"{STATEMENTS}{statement.pk}/"))
