"""Which entries of a file were imported before: surely, or perhaps.

The same entry reads otherwise in another layout or format, and under another account's name. What
has the bank's number or the very words is known; what has only the day and the sum of a line that
nothing in the file accounts for is a suspect, and a person decides.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from django.db.models import QuerySet

from apps.payments.models import BankStatement, StatementLine
from apps.payments.services.bank import accounts
from apps.payments.services.bank.entries import Entry, fingerprints

Sum = tuple[date, int, str]


@dataclass(slots=True)
class Compared:
    """Places of entries. `suspects`: with the line each may be."""

    known: set[int] = field(default_factory=set)
    suspects: dict[int, StatementLine] = field(default_factory=dict)


def compare(statement: BankStatement, entries: Sequence[Entry]) -> Compared:
    """Every line that is there accounts for one entry at most."""
    found = Compared()
    mine, others = _by_sum(statement, entries)
    _settle_marks(statement, entries, mine, found)
    _settle_words(entries, mine, found)
    for place, entry in _left(entries, found):
        rest = mine[_sum(entry)] or others[_sum(entry)]
        if line := next((one for one in rest if _perhaps(statement, entry, one)), None):
            rest.remove(line)
            found.suspects[place] = line
    return found


def _by_sum(
    statement: BankStatement, entries: Sequence[Entry]
) -> tuple[dict[Sum, list[StatementLine]], dict[Sum, list[StatementLine]]]:
    """Lines of the days and sums of these entries: of this account, and of those that may be it
    under another name."""
    mine: dict[Sum, list[StatementLine]] = defaultdict(list)
    others: dict[Sum, list[StatementLine]] = defaultdict(list)
    account, ibans = accounts.key(statement.account_ref), accounts.ibans()
    iban = statement.iban or ibans.get(account, "")
    for line in _lines_like(entries):
        theirs = accounts.key(line.account_ref)
        if theirs == account:
            mine[_sum(line)].append(line)
        elif not (iban and ibans.get(theirs, iban) != iban):
            others[_sum(line)].append(line)
    return mine, others


def _lines_like(entries: Sequence[Entry]) -> QuerySet[StatementLine]:
    days = [entry.booked_on for entry in entries]
    if not days:
        return StatementLine.objects.none()
    rows = StatementLine.objects.filter(
        booked_on__range=(min(days), max(days)),
        amount_minor__in={entry.amount_minor for entry in entries},
    )
    return rows.select_related("statement").defer("statement__content").order_by("id")


def _sum(one: Entry | StatementLine) -> Sum:
    return one.booked_on, one.amount_minor, one.currency


def _settle_marks(
    statement: BankStatement,
    entries: Sequence[Entry],
    mine: Mapping[Sum, list[StatementLine]],
    found: Compared,
) -> None:
    """Of the very label: what the database would refuse as the same."""
    for place, mark in enumerate(fingerprints(entries)):
        lines = mine.get(_sum(entries[place]), [])
        same = [one for one in lines if one.fingerprint == mark]
        if line := next((o for o in same if o.account_ref == statement.account_ref), None):
            lines.remove(line)
            found.known.add(place)


def _settle_words(
    entries: Sequence[Entry], mine: Mapping[Sum, list[StatementLine]], found: Compared
) -> None:
    """In another layout or format: the same number of the bank, or the same words wherever."""
    for place, entry in _left(entries, found):
        lines = mine.get(_sum(entry), [])
        if line := next((one for one in lines if _same(entry, one)), None):
            lines.remove(line)
            found.known.add(place)


def _left(entries: Sequence[Entry], found: Compared) -> list[tuple[int, Entry]]:
    return [(place, entry) for place, entry in enumerate(entries) if place not in found.known]


def _same(entry: Entry, line: StatementLine) -> bool:
    if entry.reference and entry.reference == line.reference:
        return True
    words = _words(entry)
    return bool(words) and words == _words(line)


def _words(one: Entry | StatementLine) -> list[str]:
    return sorted(f"{one.name} {one.text} {one.reference}".casefold().split())


def _perhaps(statement: BankStatement, entry: Entry, line: StatementLine) -> bool:
    """Two accounts of one bank, read the same way, would say the same of the same entry."""
    if accounts.key(line.account_ref) == accounts.key(statement.account_ref):
        return True
    return _kind(line.statement) != _kind(statement) or _same(entry, line) or not _words(entry)


def _kind(statement: BankStatement) -> tuple[str, object]:
    return statement.format, statement.layout.get("columns")
