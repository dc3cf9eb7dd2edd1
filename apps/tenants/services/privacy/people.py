"""From an e-mail, a student number or an id to exactly one person, across all apps."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from uuid import UUID

from django.utils.translation import gettext as _

from apps.tenants.services.privacy.registry import REGISTRY, low_to_high
from apps.tenants.services.privacy.shapes import Person, PersonQuery
from kernel.errors import Conflict, Invalid, NotFound


class SeveralPeople(Conflict):
    """More than one person matches: nobody guesses which one is meant."""

    code = "several_people"

    def __init__(self, people: Sequence[Person]) -> None:
        listed = "; ".join(describe(person) for person in people)
        message = _("Several people match. Say which one by id: %(people)s")
        super().__init__(message % {"people": listed})
        self.people = tuple(people)


def describe(person: Person) -> str:
    """The person in one line, with the ids to ask for: "Ana Ruiz, guardian 0198…"."""
    ids = [
        f"{word} {key}"
        for word, keys in (
            ("student", person.student_ids),
            ("guardian", person.guardian_ids),
            ("user", person.user_ids),
        )
        for key in keys
    ]
    return ", ".join([person.name, *ids])


def find_person(query: PersonQuery) -> Person:
    """The one person the query means, in the open school.

    Raises Invalid without anything to look for, NotFound, SeveralPeople.
    """
    if not any((query.email, query.student, query.guardian, query.user)):
        raise Invalid(_("Say who: an e-mail address, a student, a guardian or an account."))
    found = _found(query)
    if not found:
        raise NotFound(_("This school knows nobody like that."))
    if len(found) > 1:
        raise SeveralPeople(found)
    if found[0].erased:
        raise NotFound(_("This person was erased already."))
    return _completed(found[0])


def person_by_ids(ids: Iterable[UUID | str]) -> Person | None:
    """Whoever still stands under one of these ids, as one person; None when nobody does."""
    found: list[Person] = []
    for key in ids:
        found += _found(PersonQuery(student=str(key)))
        found += _found(PersonQuery(guardian=str(key)))
        found += _found(PersonQuery(user=str(key)))
    if not found:
        return None
    whole = found[0]
    for person in found[1:]:
        whole = whole.joined(person)
    return whole


def _completed(person: Person) -> Person:
    """With the keys that other apps know: whoever was found by e-mail is looked for by key too."""
    return person_by_ids(person.ids) or person


def _found(query: PersonQuery) -> list[Person]:
    people: list[Person] = []
    for finder in low_to_high(REGISTRY.finders):
        for person in finder(query):
            _add(people, person)
    return people


def _add(people: list[Person], person: Person) -> None:
    """Join those who share a key; what is joined may then join with others."""
    same = [known for known in people if set(known.ids) & set(person.ids)]
    for known in same:
        people.remove(known)
        person = known.joined(person)
    people.append(person)
