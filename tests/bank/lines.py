"""Statements that arrive, and what is seen of their lines."""

from __future__ import annotations

import re

from apps.fees.services import bank
from apps.fees.tests import factories as make
from apps.payments import facade as payments
from apps.payments.models import StatementLine
from apps.payments.services.bank import importing
from kernel.schools import today

STATEMENTS = "/portal/payments/statements/"
LINES = "/portal/fees/bank/"


def csv(*rows):
    return "\n".join(["Date,Amount,Name,Description", *rows]).encode()


def row(amount, *, name="", text="", on=None):
    return f'{on or today()},{amount},"{name}","{text}"'


def imported(*rows):
    statement = importing.upload(
        csv(*rows), file_name="bank.csv", account_ref="main", preset="iso", actor="bursar"
    )
    return importing.keep(statement.pk, actor="bursar@example.org")


def line():
    return StatementLine.objects.get()


def text(answer):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode()))


def number_of(child):
    return make.owed(child)[0].number


def name_of(child):
    return f"{child.first_name} {child.last_name}"


def balance(child):
    return sum(invoice.balance_minor for invoice in make.owed(child))


def ticked(line_id):
    """The box beside a line as the page shows it now."""
    suggestion = bank.suggestions([payments.bank_line(line_id)]).get(line_id)
    return {line_id: [invoice.id for invoice in suggestion.invoices] if suggestion else []}


def box(line_id):
    [(key, shown)] = ticked(line_id).items()
    return ":".join(map(str, [key, *shown]))


def confirmed():
    return bank.confirm(ticked(line().pk), actor="bursar")


def suggested():
    return bank.suggestions(payments.bank_lines(state="open"))


def broken(*_given, **_more):
    """The worker dies."""
    raise KeyboardInterrupt
