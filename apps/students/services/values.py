"""What people write in the cells of a families file: dates, relationships, languages, yes and no.

Every reader returns the value, "" or None for an empty cell, and raises ValueError with a message
for the person who made the file.
"""

import re
from collections.abc import Iterable
from datetime import date

from django.utils.translation import gettext as _

from apps.students.models import Guardianship, fold

Relationship = Guardianship.Relationship

RELATIONSHIPS: dict[str, Relationship] = {
    word: relationship
    for relationship, words in {
        Relationship.MOTHER: "mother mom mum madre mama",
        Relationship.FATHER: "father dad padre papa",
        Relationship.PARENT: "parent progenitor progenitora",
        Relationship.STEPPARENT: (
            "stepparent step-parent stepmother stepfather step-mother step-father"
            " madrastra padrastro"
        ),
        Relationship.GRANDPARENT: "grandparent grandmother grandfather abuelo abuela",
        Relationship.RELATIVE: (
            "relative aunt uncle brother sister familiar tio tia hermano hermana"
        ),
        Relationship.FOSTER: "foster fosterer acogida",
        Relationship.GUARDIAN: "guardian carer tutor tutora",
        Relationship.OTHER: "other otro otra",
    }.items()
    for word in words.split()
} | {
    "legal guardian": Relationship.GUARDIAN,
    "tutor legal": Relationship.GUARDIAN,
    "tutora legal": Relationship.GUARDIAN,
    "foster carer": Relationship.FOSTER,
    "foster parent": Relationship.FOSTER,
    "other relative": Relationship.RELATIVE,
    "step parent": Relationship.STEPPARENT,
    "padrastro o madrastra": Relationship.STEPPARENT,
    "abuelo o abuela": Relationship.GRANDPARENT,
    "otro familiar": Relationship.RELATIVE,
    "familia de acogida": Relationship.FOSTER,
}
LANGUAGES = {
    word: code
    for code, words in {
        "en": "en eng english ingles en-us en-gb",
        "es": "es esp spa spanish espanol castellano es-es es-mx",
    }.items()
    for word in words.split()
}
YES = frozenset(["yes", "y", "true", "1", "x", "si", "s", "verdadero"])
NO = frozenset(["no", "n", "false", "0", "falso"])

_ISO = re.compile(r"^(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})$", re.ASCII)
_LOCAL = re.compile(r"^(\d{1,2})[-/.](\d{1,2})[-/.](\d{4})$", re.ASCII)
OLDEST = date(1900, 1, 1)


def relationship(text: str) -> str:
    """How a guardian is related: "Madre" -> "mother"."""
    if not text:
        return ""
    try:
        return RELATIONSHIPS[fold(text)].value
    except KeyError:
        known = ", ".join(str(choice.label).lower() for choice in Relationship)
        message = _("“%(text)s” is not a relationship we know. Use one of: %(known)s.")
        raise ValueError(message % {"text": text[:40], "known": known}) from None


def language(text: str) -> str:
    """The language a guardian reads: "Español" -> "es"."""
    if not text:
        return ""
    try:
        return LANGUAGES[fold(text).replace("_", "-")]
    except KeyError:
        message = _("“%(text)s” is not a language we write in. Use en or es.")
        raise ValueError(message % {"text": text[:40]}) from None


def yes_or_no(text: str) -> bool | None:
    """Whether a guardian pays."""
    word = fold(text)
    if not word:
        return None
    if word in YES or word in NO:
        return word in YES
    raise ValueError(_("“%(text)s” is neither yes nor no.") % {"text": text[:40]})


def day_first_by_evidence(cells: Iterable[str], *, default: bool) -> bool:
    """Whether dates like 03/04/2015 start with the day.

    A file that holds 25/12/2015 starts with the day everywhere, one with 12/25/2015 with the month;
    a file that shows neither, or both, is read as the school writes dates.
    """
    firsts: set[bool] = set()
    for cell in cells:
        match = _LOCAL.match(cell.strip())
        if match and int(match[1]) > 12:
            firsts.add(True)
        if match and int(match[2]) > 12:
            firsts.add(False)
    return firsts.pop() if len(firsts) == 1 else default


def birth_date(text: str, *, today: date, day_first: bool) -> date:
    """2015-02-28, 28/02/2015 or 02/28/2015."""
    born = _date(text, day_first)
    if born is None:
        message = _("“%(text)s” is not a date. Write it like 2015-02-28.")
        raise ValueError(message % {"text": text[:40]})
    if born > today:
        raise ValueError(_("%(text)s lies in the future.") % {"text": text})
    if born < OLDEST:
        raise ValueError(_("%(text)s is too long ago.") % {"text": text})
    return born


def _date(text: str, day_first: bool) -> date | None:
    iso, local = _ISO.match(text), _LOCAL.match(text)
    try:
        if iso:
            return date(int(iso[1]), int(iso[2]), int(iso[3]))
        if local:
            first, second, year = int(local[1]), int(local[2]), int(local[3])
            return date(year, second, first) if day_first else date(year, first, second)
    except ValueError:
        return None
    return None
