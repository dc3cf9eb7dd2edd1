"""The same entry in another file, layout, format or under another name of the account is found
again, or shown to a person before anything is added."""

from __future__ import annotations

from importlib import import_module

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection

from apps.payments.models import BankStatement, StatementLine
from apps.payments.services.bank import importing
from apps.payments.tests.test_bank_files import OLD
from kernel.errors import Conflict, Invalid
from kernel.schools import today
from tests.bank.lines import STATEMENTS, csv, imported, row, text

IBAN = "ES9121000418450200051332"
CAMT = OLD.replace("EUR", "USD").encode()


def waiting(content, account="main"):
    return importing.upload(
        content, file_name="f", account_ref=account, preset="iso", actor="bursar"
    )


def kept(content, account="main"):
    return importing.keep(waiting(content, account).pk, actor="bursar")


def amounts():
    return sorted(StatementLine.objects.values_list("amount_minor", flat=True))


@pytest.fixture
def entered(school):
    """The entries of CAMT, imported before from a CSV file whose words are others."""
    rows = [row("450.00", text="Transf. Lopez", on="2026-11-02"), row("-12.50", on="2026-11-03")]
    return kept(csv(*rows))


# Words and layouts ------------------------------------------------------------------------------


def test_the_same_words_in_other_columns_are_the_same_entry(school):
    kept(csv(row("450.00", name="Lopez", text="Fees 7")))

    again = kept(f"Date,Description,Amount\n{today()},FEES  7 Lopez,450.00\n".encode())

    assert (again.line_count, again.known_count, amounts()) == (0, 1, [45000])


def test_the_number_of_the_bank_is_enough(school):
    kept(f"Date,Amount,Reference,Description\n{today()},450.00,B1,Fees\n".encode())

    again = kept(f"Date,Description,Id,Amount\n{today()},Other words,B1,450.00\n".encode())

    assert (again.line_count, amounts()) == (0, [45000])


def test_every_line_accounts_for_one_entry(school):
    kept(csv(row("5.00", name="Lunch"), row("5.00", name="Lunch")))

    lunches = f"{today()},Lunch,5.00\n" * 3
    again = kept(f"Date,Description,Amount\n{lunches}".encode())

    assert (again.line_count, again.known_count, amounts()) == (1, 2, [500, 500, 500])


def test_other_words_of_the_same_day_and_sum_are_new_when_the_file_has_both(school):
    kept(csv(row("5.00", text="Ann")))

    more = kept(csv(row("5.00", text="Ann"), row("5.00", text="Bea")))

    assert (more.line_count, more.known_count) == (1, 1)


# A person decides -------------------------------------------------------------------------------


def test_csv_and_then_camt_waits_for_a_person(bursar, entered):
    statement = waiting(CAMT)
    with pytest.raises(Conflict, match="decide"):
        importing.keep(statement.pk, actor="bursar")
    page = bursar.get(f"{STATEMENTS}{statement.pk}/")
    assert "Imported before?" in text(page)
    assert "There already: Transf. Lopez (main, f)" in text(page)
    seen = importing.preview(statement).seen

    bursar.post(f"{STATEMENTS}{statement.pk}/import/", {"seen": seen})

    statement.refresh_from_db()
    assert (statement.line_count, statement.known_count) == (0, 2)
    assert amounts() == [-1250, 45000]


@pytest.mark.parametrize(
    ("ticked", "count"), [({"new": ["0"]}, 1), ({"all_new": "on"}, 2), ({"new": ["x"]}, 0)]
)
def test_what_is_said_to_be_another_payment_is_imported(bursar, entered, ticked, count):
    statement = waiting(CAMT)
    seen = importing.preview(statement).seen

    bursar.post(f"{STATEMENTS}{statement.pk}/import/", {"seen": seen} | ticked)

    statement.refresh_from_db()
    assert (statement.line_count, len(amounts())) == (count, 2 + count)


def test_a_decision_about_other_lines_is_none(school):
    statement = waiting(csv(row("5.00", text="A")))
    seen = importing.preview(statement).seen
    kept(csv(row("5.00", text="B")))

    with pytest.raises(Conflict, match="decide"):
        importing.keep(statement.pk, actor="bursar", seen=seen, chosen=None)


def test_under_another_name_the_same_words_wait_for_a_person(school):
    kept(csv(row("5.00", text="Lunch"), row("7.00", text="Tea")))
    statement = waiting(csv(row("5.00", text="Lunch"), row("7.00", text="Book")), "savings")
    looked = importing.preview(statement)
    assert (looked.fresh, list(looked.suspects)) == ([1], [0]), "other words are another entry"

    importing.keep(statement.pk, actor="bursar", seen=looked.seen)

    assert amounts() == [500, 700, 700]


def test_two_accounts_with_an_iban_each_are_two(school):
    kept(CAMT, "main")
    other = waiting(CAMT.replace(b"332<", b"340<").replace(b"B1", b"C1"), "savings")

    assert importing.preview(other).suspects == {}


# Accounts ---------------------------------------------------------------------------------------


def test_names_that_read_the_same_are_one_account(school):
    kept(csv(row("5.00")), "Main  Account")

    again = kept(csv(row("5.00")), " main account")

    assert (again.account_ref, again.line_count) == ("Main Account", 0)


def test_an_iban_belongs_to_the_account_it_was_imported_for(school):
    first = kept(CAMT, "School account")
    again = kept(CAMT, "a slip")

    assert (first.account_ref, first.iban) == ("School account", IBAN)
    assert (again.account_ref, again.line_count) == ("School account", 0)
    with pytest.raises(Invalid, match="of another account"):
        waiting(CAMT.replace(b"332<", b"340<"), "school ACCOUNT")


def test_a_csv_file_must_say_its_account_once_there_are_some(school):
    imported(row("5.00"))

    with pytest.raises(Invalid, match="which bank account"):
        waiting(csv(row("7.00")), "")


def test_the_account_is_chosen_and_a_new_one_is_said_on_purpose(bursar, school):
    def send(**data):
        file = SimpleUploadedFile("b.csv", csv(row("7.00")))
        return bursar.post(STATEMENTS, {"file": file, "preset": "iso"} | data, follow=True)

    imported(row("5.00"))
    kept(csv(row("5.00", text="x", on="2026-01-02")), "Savings")
    assert send(account_ref="Typed").status_code == 422
    assert send(account="nowhere").status_code == 422
    unnamed = send(account="+", account_ref="")
    assert (unnamed.status_code, "Say which bank account" in text(unnamed)) == (422, True)

    send(account="Savings", account_ref="")
    send(account="+", account_ref="Third")

    newest = BankStatement.objects.order_by("-uploaded_at").values_list("account_ref", flat=True)
    assert list(newest[:2]) == ["Third", "Savings"]


def test_files_of_before_bind_the_iban_they_were_called_by(school):
    """Releases of before called the account of a CAMT file by its IBAN."""
    kept(CAMT, "")
    BankStatement.objects.update(iban="")
    kept(csv(row("5.00")), "Savings")

    migration = import_module("apps.payments.migrations.0011_statement_iban")
    with connection.cursor() as cursor:
        cursor.execute(migration.NAME_OF_BEFORE)

    assert [row.iban for row in BankStatement.objects.order_by("uploaded_at")] == [IBAN, ""]
    assert waiting(CAMT, "Savings").account_ref == IBAN
