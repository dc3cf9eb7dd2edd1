"""Erasing a person: all or nothing, shown first, remembered without a name.

A preview is the erasure itself in a transaction that is rolled back, so it cannot differ from
what happens.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.tenants.models import Erasure
from apps.tenants.services.privacy.people import person_by_ids
from apps.tenants.services.privacy.registry import REGISTRY, high_to_low, low_to_high
from apps.tenants.services.privacy.shapes import Erasing, Gone, Kept, Person
from kernel.errors import Conflict, Invalid
from kernel.ids import uuid7
from kernel.jsoncodec import encode
from kernel.schools import current_school, in_public

# A backup and an erasure may have been written on machines whose clocks differ.
CLOCKS_DIFFER = timedelta(hours=1)


class ErasureRefused(Conflict):
    """Something must happen first. `reasons` is one readable sentence each."""

    code = "erasure_refused"

    def __init__(self, reasons: Iterable[str]) -> None:
        self.reasons = tuple(reasons)
        super().__init__(" ".join(self.reasons))


@dataclass(frozen=True, slots=True, kw_only=True)
class Erased:
    """What went, what stays with the reason, and what stands against it (in a preview only)."""

    erasure_id: UUID
    pseudonym: str
    gone: tuple[Gone, ...]
    kept: tuple[Kept, ...]
    refusals: tuple[str, ...] = ()


class _Undo(Exception):
    """Ends a preview: nothing of it stays."""


def preview_erasure(person: Person) -> Erased:
    """What an erasure would do. Changes nothing, but holds the same locks for a moment."""
    refusals = tuple(objections(person))
    work = _begin(person, actor="", erasure_id=uuid7())
    try:
        with transaction.atomic():
            _erase(work)
            raise _Undo
    except _Undo:
        return _result(work, uuid7(), refusals)


def objections(person: Person) -> list[str]:
    """Why the person cannot be erased now, one sentence each; empty when they can."""
    return [
        reason for object_to in low_to_high(REGISTRY.objections) for reason in object_to(person)
    ]


def erase_person(person: Person, *, actor: str, reason: str) -> Erased:
    """Take the person out of every app of the open school, in one transaction.

    The erasure is remembered in the platform's own tables: ids, keyed hashes of the addresses,
    counts, no name. Raises ErasureRefused, Invalid without a reason.
    """
    if not reason.strip():
        raise Invalid(_("Say why: the reason is kept with the record of the erasure."))
    with transaction.atomic():
        refusals = objections(person)
        if refusals:
            raise ErasureRefused(refusals)
        erasure_id = uuid7()
        work = _begin(person, actor=actor, erasure_id=erasure_id)
        _erase(work)
        result = _result(work, erasure_id, ())
        _remember(person, result, actor=actor, reason=reason.strip())
    return result


def _begin(person: Person, *, actor: str, erasure_id: UUID) -> Erasing:
    pseudonym = f"erased-{erasure_id.hex[-12:]}"
    return Erasing(person=person, pseudonym=pseudonym, actor=actor, at=timezone.now())


def _erase(work: Erasing) -> None:
    for erase in high_to_low(REGISTRY.erasers):
        erase(work)


def _result(work: Erasing, erasure_id: UUID, refusals: tuple[str, ...]) -> Erased:
    return Erased(
        erasure_id=erasure_id,
        pseudonym=work.pseudonym,
        gone=tuple(work.gone),
        kept=tuple(work.kept),
        refusals=refusals,
    )


def _remember(person: Person, result: Erased, *, actor: str, reason: str) -> None:
    school_id = current_school().id
    with in_public():
        Erasure.objects.create(
            id=result.erasure_id,
            school_id=school_id,
            kind=person.kind,
            person_ids=[str(key) for key in person.ids],
            fingerprints=[fingerprint(email) for email in person.emails],
            actor=actor[:254],
            reason=reason[:300],
            gone=[asdict(row) for row in result.gone],
            kept=[encode(row) for row in result.kept],
        )


def fingerprint(identifier: str) -> str:
    """A keyed hash that answers "was this address erased here?" and tells nobody the address."""
    message = f"erasure:{identifier.strip().lower()}".encode()
    return hmac.new(settings.SECRET_KEY.encode(), message, sha256).hexdigest()


def reapply_erasures(*, since: datetime | None = None, any_school: bool = False) -> int:
    """Erase again, in the open school, everybody whom a restored backup brought back.

    `since`: when the backup was taken; who was erased before is not in it. `any_school`: the open
    school is a copy of another one (keys are the same, and no two people share one). Balances and
    open payments do not stand against it: the person was erased already. Returns how many.
    """
    again = 0
    for erasure in _erasures(since, None if any_school else current_school().id):
        person = person_by_ids(erasure.person_ids)
        if person is not None and not person.erased:
            with transaction.atomic():
                _erase(_begin(person, actor="restore", erasure_id=erasure.id))
            again += 1
    return again


def _erasures(since: datetime | None, school_id: int | None) -> list[Erasure]:
    with in_public():
        rows = Erasure.objects.order_by("at")
        if since is not None:
            rows = rows.filter(at__gte=since - CLOCKS_DIFFER)
        if school_id is not None:
            rows = rows.filter(school_id=school_id)
        return list(rows)
