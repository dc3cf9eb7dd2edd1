"""How an amount is divided into instalments, with no framework in it."""

from calendar import monthrange
from collections.abc import Sequence
from datetime import date

from apps.fees.contracts import Part


def parse_shares(text: str) -> tuple[int, ...]:
    """Raises ValueError for what is no list of whole numbers."""
    return tuple(int(part) for part in text.replace("%", "").split(",")) if text else ()


def schedule(
    *, amount_minor: int, shares: Sequence[int], first_due: date, months: int
) -> tuple[Part, ...]:
    """The parts of an amount, in the order of their dates; they add up to it exactly."""
    parts, given, percent = [], 0, 0
    for place, share in enumerate(shares):
        percent += share
        until_here = amount_minor * percent // 100
        due_on = _months_later(first_due, place * months)
        parts.append(Part(due_on=due_on, amount_minor=until_here - given))
        given = until_here
    return tuple(part for part in parts if part.amount_minor > 0)


def _months_later(day: date, months: int) -> date:
    """The same day of a later month, or its last one."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))
