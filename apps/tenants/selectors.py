"""Reading schools. Everything here looks in the public schema, whatever school is open."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.db.models import Count, Q, QuerySet
from django.utils.translation import gettext as _

from apps.tenants.contracts import WORKING, SchoolInfo
from apps.tenants.models import DeletedSchool, Domain, Operation, OperatorAction, School
from kernel.errors import NotFound
from kernel.schools import current_school, in_public


def to_info(school: School) -> SchoolInfo:
    """The school as other apps see it."""
    return SchoolInfo(
        id=school.id,
        schema_name=school.schema_name,
        slug=school.slug,
        name=school.name,
        status=school.status,
        currency=school.currency,
        language=school.language,
        time_zone=school.time_zone,
        domain=school.primary_host,
        tagline=school.tagline,
        colour=school.colour,
        contact_email=school.contact_email,
        contact_phone=school.contact_phone,
        address=school.address,
        created_at=school.created_at,
    )


def current_school_info() -> SchoolInfo:
    """The open school, read fresh. Raises kernel.schools.NoSchool on the public schema."""
    return get_school(school_id=current_school().id)


def get_school(*, school_id: int) -> SchoolInfo:
    """One school. Raises NotFound."""
    with in_public():
        school = School.objects.filter(pk=school_id).first()
    if school is None:
        raise NotFound(_("There is no such school."))
    return to_info(school)


def list_schools(*, status: str = "") -> list[SchoolInfo]:
    """All schools in the order they joined; `status` narrows it to one status."""
    with in_public():
        rows = list(search_schools(status=status).order_by("id"))
    return [to_info(school) for school in rows]


SCHOOL_ORDERS = {
    "name": ("name", "id"),
    "-name": ("-name", "-id"),
    "since": ("created_at", "id"),
    "-since": ("-created_at", "-id"),
}


def search_schools(*, text: str = "", status: str = "", order: str = "") -> QuerySet[School]:
    """Schools for the operator console, by name or one of SCHOOL_ORDERS. `text` is part of a name,
    an address (any of the school's) or the administrator's e-mail.

    Lazy: evaluate it in the public schema.
    """
    schools = School.objects.order_by(*SCHOOL_ORDERS.get(order, SCHOOL_ORDERS["name"]))
    if status:
        schools = schools.filter(status=status)
    if text:
        schools = schools.filter(
            Q(name__icontains=text)
            | Q(slug__icontains=text)
            | Q(admin_email__icontains=text)
            | Q(schema_name=text)
            | Q(pk__in=Domain.objects.filter(domain__icontains=text).values("tenant"))
        )
    return schools


def find_school(text: str) -> SchoolInfo:
    """The school an operator means: its short name, its schema or any of its addresses (a whole
    URL will do). Raises NotFound."""
    typed = text.strip().lower()
    host = typed.partition("://")[2].partition("/")[0] if "://" in typed else typed
    with in_public():
        school = (
            School.objects.filter(Q(slug=typed) | Q(schema_name=typed)).first()
            or School.objects.filter(domains__domain=host.partition(":")[0]).first()
        )
    if school is None:
        message = _("No school has the short name, schema or address “%(text)s”.")
        raise NotFound(message % {"text": "".join(c for c in typed if c.isprintable())[:60]})
    return to_info(school)


@dataclass(frozen=True, slots=True, kw_only=True)
class SchoolState:
    """Why and since when a school's status is what it is; for operators."""

    status: str
    reason: str
    since: datetime | None
    before: str
    delete_after: datetime | None
    export_operation: UUID | None


def find_open_school(text: str) -> SchoolInfo | None:
    """The active school of exactly this name, short name or host (also as an address of its
    site); None where there is none, or several bear the name."""
    typed = text.strip().lower().removeprefix("https://").removeprefix("http://")
    host = typed.split("/")[0].split(":")[0]
    wanted = Q(slug=host) | Q(domains__domain=host) | Q(name__iexact=text.strip())
    with in_public():
        open_ones = School.objects.filter(wanted, status=School.Status.ACTIVE)
        found = list(open_ones.distinct()[:2])
    return to_info(found[0]) if len(found) == 1 else None


def get_state(*, school_id: int) -> SchoolState:
    """Raises NotFound."""
    with in_public():
        school = School.objects.filter(pk=school_id).first()
    if school is None:
        raise NotFound(_("There is no such school."))
    return SchoolState(
        status=school.status,
        reason=school.status_reason,
        since=school.status_since,
        before=school.status_before,
        delete_after=school.delete_after,
        export_operation=school.export_operation,
    )


def find_deleted(*, school_id: int) -> DeletedSchool | None:
    """What is left of a school that was deleted; None for any other."""
    with in_public():
        return DeletedSchool.objects.filter(pk=school_id).first()


def list_deleted() -> QuerySet[DeletedSchool]:
    """Deleted schools, the latest first. Lazy: evaluate it in the public schema."""
    return DeletedSchool.objects.order_by("-deleted_at", "-school_id")


def schools_due_for_deletion(*, now: datetime) -> list[int]:
    """Ids of the schools whose grace period is over."""
    with in_public():
        due = School.objects.filter(status=School.Status.DELETING, delete_after__lte=now)
        return list(due.order_by("delete_after").values_list("id", flat=True))


def list_operations(*, school_id: int | None = None, state: str = "") -> QuerySet[Operation]:
    """Operations, newest first. Lazy: evaluate it in the public schema."""
    rows = Operation.objects.order_by("-id")
    if school_id is not None:
        rows = rows.filter(school_id=school_id)
    return rows.filter(state=state) if state else rows


def open_operations() -> QuerySet[Operation]:
    """What waits or runs, the oldest first. Lazy: evaluate it in the public schema."""
    states = (Operation.State.WAITING, Operation.State.RUNNING)
    return Operation.objects.filter(state__in=states).order_by("id")


def count_operations() -> dict[str, int]:
    """Number of operations in each state that occurs."""
    with in_public():
        return dict(Operation.objects.order_by().values_list("state").annotate(Count("id")))


def school_names(*, school_ids: Collection[int]) -> dict[int, str]:
    """Names by id, deleted schools included."""
    with in_public():
        gone = DeletedSchool.objects.filter(pk__in=school_ids).values_list("school_id", "name")
        here = School.objects.filter(pk__in=school_ids).values_list("id", "name")
        return {**dict(gone), **dict(here)}


def domains_of(*, school_ids: Collection[int]) -> dict[int, list[str]]:
    """The host names that lead to each school, the primary one first."""
    found: dict[int, list[str]] = {}
    with in_public():
        rows = Domain.objects.filter(tenant__in=school_ids, challenge="")
        for school_id, domain in rows.order_by("-is_primary", "domain").values_list(
            "tenant_id", "domain"
        ):
            found.setdefault(school_id, []).append(domain)
    return found


def list_domain_rows(*, school_id: int) -> list[Domain]:
    """All addresses with their state, those that wait for their check included."""
    with in_public():
        return list(Domain.objects.filter(tenant=school_id).order_by("-is_primary", "domain"))


def list_actions(*, school_id: int, limit: int = 50) -> list[OperatorAction]:
    """What operators did to this school, newest first."""
    with in_public():
        return list(OperatorAction.objects.filter(school_id=school_id)[:limit])


def actions_of(*, school_id: int) -> QuerySet[OperatorAction]:
    """All that operators did to this school, newest first. Lazy: evaluate it in public."""
    return OperatorAction.objects.filter(school_id=school_id).order_by("-at", "-id")


def list_domains(*, school_id: int) -> list[str]:
    """The school's host names, the primary one first."""
    with in_public():
        domains = School(pk=school_id).domains.order_by("-is_primary", "domain")
        return list(domains.values_list("domain", flat=True))


def resting_schools() -> set[int]:
    """Ids of the schools for which no background work is done (contracts.STATUS_RULES)."""
    with in_public():
        return set(School.objects.exclude(status__in=WORKING).values_list("id", flat=True))


def count_by_status() -> dict[str, int]:
    """Number of schools in each status that occurs."""
    with in_public():
        counted = School.objects.order_by().values_list("status").annotate(Count("id"))
        return dict(counted)


def address_of(host: str, path: str = "/") -> str:
    """An absolute address on a school's host, as people type it: with the port, if one shows."""
    return f"{settings.PUBLIC_SCHEME}://{host}{settings.PUBLIC_PORT}{path}"


def admin_email_of(*, school_id: int) -> str:
    """Whom the school was made for; for the operator's eyes only, not part of SchoolInfo."""
    with in_public():
        return School.objects.values_list("admin_email", flat=True).get(pk=school_id)
