"""Who is behind: read from the versions that the platform's tables note, in one query."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Q

from apps.tenants.models import MigrationScript, School, SpareSchool, schema_name_for
from apps.tenants.services.schemas.replay import Session
from apps.tenants.services.schemas.versions import (
    Applied,
    applied_after,
    applied_in,
    version_of,
)
from kernel.schools import in_public


@dataclass(frozen=True, slots=True)
class Target:
    """A school, or a spare (`slug` is empty then), and the version it is noted to have."""

    id: int
    version: str
    slug: str = ""
    error: str = ""

    @property
    def schema_name(self) -> str:
        return schema_name_for(self.id)

    def __str__(self) -> str:
        return self.slug or f"spare {self.id}"


def behind(version: str, *, slug: str = "") -> list[Target]:
    """Schools in every status, and spares, that are not at `version`; spares come first, since
    nobody is hurt by what goes wrong there. With `slug` that school alone."""
    late = ~Q(schema_version=version)
    with in_public():
        schools = School.objects.filter(late, **({"slug": slug} if slug else {}))
        fields = ("id", "schema_version", "slug", "schema_error")
        found = [Target(*row) for row in schools.order_by("id").values_list(*fields)]
        spares = SpareSchool.objects.none() if slug else SpareSchool.objects.filter(late)
        rows = spares.values_list("id", "schema_version", "schema_error")
        return [Target(row[0], row[1], error=row[2]) for row in rows] + found


def count_all() -> int:
    """Schools and spares."""
    with in_public():
        return School.objects.count() + SpareSchool.objects.count()


def known_sets(chain: Sequence[MigrationScript]) -> dict[str, Applied]:
    """For each version on the template's own way, the migrations that a school at it has."""
    sets = [applied_after(chain[: n + 1]) for n in range(len(chain))]
    return {version_of(applied): applied for applied in sets}


def group(
    session: Session, targets: Iterable[Target], known: dict[str, Applied]
) -> tuple[dict[Applied, list[Target]], list[tuple[Target, str]]]:
    """Targets by what they have applied, and those that cannot be helped, with the reason.

    A version that is on the template's way says it; for others (brought forward by stock Django,
    restored, never noted) the school's own table is read.
    """
    groups: dict[Applied, list[Target]] = defaultdict(list)
    lost: list[tuple[Target, str]] = []
    for target in targets:
        applied = known.get(target.version)
        if applied is None:
            applied = applied_in(session, target.schema_name)
        if applied is None:
            lost.append((target, f"schema {target.schema_name} has no tables"))
        else:
            groups[applied].append(target)
    return dict(groups), lost


def note_errors(errors: Iterable[tuple[Target, str]]) -> None:
    """Keep the reason with the school, where --check, /readyz and the console find it."""
    with in_public():
        for target, reason in errors:
            model: Any = School if target.slug else SpareSchool
            model.objects.filter(pk=target.id).update(schema_error=reason[:2000])
