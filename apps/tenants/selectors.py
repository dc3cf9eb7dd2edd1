"""Reading schools. Everything here looks in the public schema, whatever school is open."""

from __future__ import annotations

from django.conf import settings
from django.db.models import Count, Q, QuerySet
from django.utils.translation import gettext as _

from apps.tenants.contracts import SchoolInfo
from apps.tenants.models import OperatorAction, School
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


def search_schools(*, text: str = "", status: str = "") -> QuerySet[School]:
    """Schools for the operator console, by name. Lazy: evaluate it in the public schema."""
    schools = School.objects.order_by("name", "id")
    if status:
        schools = schools.filter(status=status)
    if text:
        schools = schools.filter(
            Q(name__icontains=text)
            | Q(slug__icontains=text)
            | Q(primary_host__icontains=text)
            | Q(admin_email__icontains=text)
        )
    return schools


def list_actions(*, school_id: int, limit: int = 50) -> list[OperatorAction]:
    """What operators did to this school, newest first."""
    with in_public():
        return list(OperatorAction.objects.filter(school_id=school_id)[:limit])


def list_domains(*, school_id: int) -> list[str]:
    """The school's host names, the primary one first."""
    with in_public():
        domains = School(pk=school_id).domains.order_by("-is_primary", "domain")
        return list(domains.values_list("domain", flat=True))


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
