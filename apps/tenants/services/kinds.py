"""The types of settings: what a value may be, how it is stored, and how people read it."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from django.utils.translation import gettext as _

from apps.tenants.services.checks import check_line
from kernel.errors import Invalid
from kernel.money import amount_text, format_money, parse_amount
from kernel.schools import current_school

T = TypeVar("T")
Choices = Callable[[], Sequence[tuple[str, Any]]]
# Far above every amount a school asks for, far below what a bigint holds.
MAX_AMOUNT = 10**12
_CLOCK = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")
_HASH = re.compile(r"[0-9a-f]{16}")
_PERCENT = re.compile(r"([0-9]{0,3})(?:[.,]([0-9]{1,2}))?\s*%?")
_NOT_NUMBERS = re.compile(r"[\s,;]+")


class Kind(ABC, Generic[T]):
    """One type of setting."""

    @abstractmethod
    def clean(self, given: Any, *, field: str) -> T:
        """The value of what a form or the API gives. Raises Invalid with the field."""

    def load(self, stored: Any) -> T:
        """The value of what is stored. Raises Invalid when today's rules do not allow it."""
        return self.clean(stored, field="")

    def dump(self, value: T) -> Any:
        """As JSON."""
        return value

    def shown(self, value: T) -> str:
        """For people, in the active language; "" for nothing."""
        return str(value)


@dataclass(frozen=True, slots=True)
class Text(Kind[str]):
    """One line, or with `lines` several; `check` is a rule beyond that (and names its field)."""

    longest: int
    lines: int = 1
    check: Callable[[str], str] | None = None
    widget: str = "text"  # the input's type

    def clean(self, given: Any, *, field: str) -> str:
        if not isinstance(given, str):
            raise Invalid(_("This must be text."), field=field)
        if self.check is not None:
            return self.check(given)
        rows = [row.rstrip() for row in given.replace("\r\n", "\n").split("\n")]
        text = "\n".join(rows).strip()
        for row in text.split("\n"):
            check_line(row, field=field, longest=self.longest)
        if len(text) > self.longest or len(text.split("\n")) > self.lines:
            message = _("This is too long: at most %(longest)s characters in %(lines)s lines.")
            raise Invalid(message % {"longest": self.longest, "lines": self.lines}, field=field)
        return text


@dataclass(frozen=True, slots=True)
class Whole(Kind[int]):
    """A whole number; `unit` stands behind it."""

    least: int
    most: int
    unit: Any = ""

    def clean(self, given: Any, *, field: str) -> int:
        text = str(given).strip()
        number = int(text) if re.fullmatch(r"-?[0-9]{1,9}", text) else None
        if isinstance(given, bool | float) or number is None:
            raise Invalid(_("Write a whole number."), field=field)
        if not self.least <= number <= self.most:
            message = _("Write a number from %(least)s to %(most)s.")
            raise Invalid(message % {"least": self.least, "most": self.most}, field=field)
        return number

    def shown(self, value: int) -> str:
        return f"{value} {self.unit}".strip()


@dataclass(frozen=True, slots=True)
class Switch(Kind[bool]):
    """On or off."""

    def clean(self, given: Any, *, field: str) -> bool:
        if not isinstance(given, bool):
            raise Invalid(_("This is either on or off."), field=field)
        return given

    def shown(self, value: bool) -> str:
        return _("on") if value else _("off")


@dataclass(frozen=True, slots=True)
class Choice(Kind[str]):
    """One of some codes; the choices may be grouped as Django's are."""

    choices: Choices
    check: Callable[[str], str]

    def clean(self, given: Any, *, field: str) -> str:
        if not isinstance(given, str):
            raise Invalid(_("This must be text."), field=field)
        return self.check(given)

    def shown(self, value: str) -> str:
        flat = [pair for code, name in self.choices() for pair in _flat(code, name)]
        return str(dict(flat).get(value, value))


def _flat(code: str, name: Any) -> Sequence[tuple[str, Any]]:
    return name if isinstance(name, list | tuple) else [(code, name)]


@dataclass(frozen=True, slots=True)
class Colour(Kind[str]):
    """#rrggbb by a check of its contrast."""

    check: Callable[[str], str]

    def clean(self, given: Any, *, field: str) -> str:
        if not isinstance(given, str):
            raise Invalid(_("This must be text."), field=field)
        return self.check(given)


@dataclass(frozen=True, slots=True)
class Clock(Kind[str]):
    """A time of day at the school, "07:30"."""

    def clean(self, given: Any, *, field: str) -> str:
        text = str(given).strip()[:5]
        if not _CLOCK.fullmatch(text):
            raise Invalid(_("Write the time like “07:30”."), field=field)
        return text


@dataclass(frozen=True, slots=True)
class Numbers(Kind[tuple[int, ...]]):
    """Different whole numbers, written with commas, kept from large to small, or `rising`."""

    least: int
    most: int
    at_most: int
    rising: bool = False

    def clean(self, given: Any, *, field: str) -> tuple[int, ...]:
        parts = _NOT_NUMBERS.split(given.strip()) if isinstance(given, str) else given
        if not isinstance(parts, list | tuple):
            raise Invalid(_("Write whole numbers with commas between them."), field=field)
        one = Whole(self.least, self.most)
        numbers = {one.clean(part, field=field) for part in parts if part != ""}
        if len(numbers) > self.at_most:
            message = _("At most %(count)s numbers.") % {"count": self.at_most}
            raise Invalid(message, field=field)
        return tuple(sorted(numbers, reverse=not self.rising))

    def dump(self, value: tuple[int, ...]) -> list[int]:
        return list(value)

    def shown(self, value: tuple[int, ...]) -> str:
        return ", ".join(str(number) for number in value)


@dataclass(frozen=True, slots=True)
class Percent(Kind[int]):
    """Basis points: 290 are 2.9 %. A form gives the percentage as text, the API the number."""

    most: int

    def clean(self, given: Any, *, field: str) -> int:
        number = _basis_points(given.strip()) if isinstance(given, str) else given
        if isinstance(number, bool) or not isinstance(number, int):
            raise Invalid(_("Write a percentage like 2.9."), field=field)
        if not 0 <= number <= self.most:
            message = _("Write a percentage from 0 to %(most)s.")
            raise Invalid(message % {"most": self.typed(self.most)}, field=field)
        return number

    def typed(self, value: int) -> str:
        """As it stands in its input: with two decimals, as euros have."""
        return amount_text(value, "EUR")

    def shown(self, value: int) -> str:
        return f"{self.typed(value)} %"


def _basis_points(text: str) -> int | None:
    """2.9, 2,90 and "2.9 %" are 290, nothing is 0; None for what is no percentage."""
    found = _PERCENT.fullmatch(text)
    if not found:
        return None
    return int(found[1] or 0) * 100 + int((found[2] or "").ljust(2, "0"))


@dataclass(frozen=True, slots=True)
class Amount(Kind[int]):
    """Minor units of the school's currency, up to `most` of them. A form gives text, the API the
    number."""

    most: Callable[[], int] | None = None

    def clean(self, given: Any, *, field: str) -> int:
        minor = self._of(given, field=field)
        if self.most is not None and minor > self.most():
            message = _("Write an amount up to %(most)s.")
            raise Invalid(message % {"most": self.shown(self.most())}, field=field)
        return minor

    def load(self, stored: Any) -> int:
        """What was allowed when it was stored stays: the limit is of the open school."""
        return self._of(stored, field="")

    def _of(self, given: Any, *, field: str) -> int:
        minor = given
        if isinstance(given, str):
            try:
                minor = parse_amount(given, current_school().currency) if given.strip() else 0
            except ValueError as error:
                raise Invalid(str(error), field=field) from error
        if isinstance(minor, bool) or not isinstance(minor, int) or not 0 <= minor <= MAX_AMOUNT:
            raise Invalid(_("Write an amount that is not negative."), field=field)
        return minor

    def shown(self, value: int) -> str:
        return format_money(value, current_school().currency)


@dataclass(frozen=True, slots=True)
class Logo(Kind[dict[str, Any]]):
    """What was made of an uploaded logo: {"hash": …, "sizes": {"header": [width, height], …}},
    or {} for none. Made by services/branding.py only."""

    def clean(self, given: Any, *, field: str) -> dict[str, Any]:
        if given in (None, {}):
            return {}
        if not isinstance(given, dict) or not _HASH.fullmatch(str(given.get("hash", ""))):
            raise Invalid(_("Upload the logo as a file."), field=field)
        return given

    def shown(self, value: dict[str, Any]) -> str:
        return str(value.get("hash", ""))
