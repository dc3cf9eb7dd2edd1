"""What any statement comes down to, and how the same entry is known again."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from django.utils.translation import gettext as _

MAX_BYTES = 2 * 1024 * 1024
MAX_LINES = 10_000
# Days that a bank may write. Around others no days can be counted.
EARLIEST, LATEST = date(1990, 1, 1), date(2200, 1, 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One booked entry. `amount_minor` below zero: money left the account. `reference`: the bank's
    own number of the entry, empty when there is none."""

    booked_on: date
    amount_minor: int
    currency: str
    name: str = ""
    text: str = ""
    reference: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """A line of the file (counted from 1) that cannot be read, and why."""

    line: int
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """A file taken apart. `header`: the columns of a CSV file."""

    entries: Sequence[Entry] = ()
    problems: Sequence[Problem] = ()
    header: Sequence[str] = ()
    account_ref: str = ""


def near(day: date) -> date:
    """The day of an entry. Raises ValueError, with a message for a person, for one out of time."""
    if not EARLIEST <= day < LATEST:
        raise ValueError(_("This day lies too far away."))
    return day


def fingerprints(entries: Iterable[Entry]) -> list[str]:
    """One for each entry, in order. Two entries of a day that read the same are told apart by
    their number of occurrence, so that a file which overlaps another finds both again."""
    seen: Counter[str] = Counter()
    found = []
    for entry in entries:
        base = _base(entry)
        seen[base] += 1
        found.append(hashlib.sha256(f"{base}|{seen[base]}".encode()).hexdigest())
    return found


def _base(entry: Entry) -> str:
    if entry.reference:
        return f"ref|{entry.reference}|{entry.booked_on}|{entry.amount_minor}|{entry.currency}"
    words = " ".join(f"{entry.name} {entry.text}".split()).casefold()
    return f"{entry.booked_on}|{entry.amount_minor}|{entry.currency}|{words}"
