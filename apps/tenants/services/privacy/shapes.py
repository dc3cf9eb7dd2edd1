"""The plain shapes that apps and privacy hand each other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, TypeVar
from uuid import UUID

from django.conf import settings

from kernel.money import Money

STUDENT, GUARDIAN, USER = "student", "guardian", "user"
KINDS = (STUDENT, GUARDIAN, USER)
T = TypeVar("T")
Value = str | int | bool | None | date | datetime | UUID | Money


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """One human being and every key the apps know them by. `kind` is what they are first of all
    to the school: a student, a guardian, or an account without either. `erased`: only a
    nameless row is left."""

    kind: str
    name: str
    number: str = ""
    student_ids: tuple[UUID, ...] = ()
    guardian_ids: tuple[UUID, ...] = ()
    user_ids: tuple[UUID, ...] = ()
    emails: tuple[str, ...] = ()
    erased: bool = False

    @property
    def ids(self) -> tuple[UUID, ...]:
        return (*self.student_ids, *self.guardian_ids, *self.user_ids)

    def joined(self, other: Person) -> Person:
        """Both as one: the same human being found by two apps."""
        first, second = sorted((self, other), key=lambda person: KINDS.index(person.kind))
        return Person(
            kind=first.kind,
            name=first.name or second.name,
            number=first.number or second.number,
            student_ids=_union(first.student_ids, second.student_ids),
            guardian_ids=_union(first.guardian_ids, second.guardian_ids),
            user_ids=_union(first.user_ids, second.user_ids),
            emails=_union(first.emails, second.emails),
            erased=first.erased and second.erased,
        )


def _union(first: Iterable[T], second: Iterable[T]) -> tuple[T, ...]:
    return tuple(dict.fromkeys((*first, *second)))


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonQuery:
    """How somebody is looked for; empty fields say nothing. `student` is a number or an id."""

    email: str = ""
    student: str = ""
    guardian: str = ""
    user: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonFile:
    """A document that belongs to the person: its path inside the export and its content."""

    path: str
    content: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One table of an export.

    `name` ("fees.invoices") and the keys of `columns` are part of the documented format and do
    not change; titles and labels are for people, in the school's language. `note` says what is
    left out or shared, and why.
    """

    name: str
    title: str
    columns: Mapping[str, str]
    rows: tuple[Mapping[str, Any], ...]
    note: str = ""
    files: tuple[PersonFile, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Gone:
    """What an erasure removes: so many of these."""

    what: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What an erasure must leave, why, and until when (None: without an end, or somebody else
    decides)."""

    what: str
    why: str
    until: date | None = None
    count: int = 1


@dataclass(slots=True, kw_only=True)
class Erasing:
    """An erasure under way: apps, highest first, remove their part and say what they did.

    `pseudonym` ("erased-" and twelve hex digits) stands wherever a row must stay and a name may
    not. An app that keeps rows which point at the person says `refer()`: students then leaves a
    nameless row for them to point at.
    """

    person: Person
    pseudonym: str
    actor: str
    at: datetime
    gone: list[Gone] = field(default_factory=list)
    kept: list[Kept] = field(default_factory=list)
    referred: bool = False

    def removed(self, what: str, count: int) -> None:
        """So many are gone; none is not worth a line."""
        if count:
            self.gone.append(Gone(what=what, count=count))

    def stays(self, what: str, why: str, *, until: date | None = None, count: int = 1) -> None:
        """So many stay, with the reason in words that a family understands."""
        if count:
            self.kept.append(Kept(what=what, why=why, until=until, count=count))

    def refer(self) -> None:
        """Something that stays points at the person."""
        self.referred = True


def money_kept_until(day: date) -> date:
    """Until when the books of that day are kept: RETENTION_MONEY_YEARS full years later."""
    years = settings.RETENTION_MONEY_YEARS
    return date(day.year + years, 12, 31)
