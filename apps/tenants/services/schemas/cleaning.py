"""Taking away what killed processes left: the keeper's, every hour.

Provisioning leaves nothing, since it is one transaction; making a spare neither. What can remain
are spares whose last migration runs outside transactions, spares that could not be migrated,
schools that a release before spares was killed over, and schemas whose rows are gone.
"""

from __future__ import annotations

from datetime import timedelta

import structlog
from django.db import transaction
from django.utils import timezone

from apps.tenants.models import School, SideSchema, SpareSchool, schema_name_for
from apps.tenants.services.provision import lock_name
from apps.tenants.services.schemas.spares import drop_spare
from apps.tenants.services.schemas.versions import current_version
from kernel.owner import owner_session
from kernel.schools import connection, in_public

# Long enough for the slowest restore or migration to end, or to be seen by somebody.
AGE = timedelta(hours=6)
log = structlog.get_logger("homeroom.tenants")


def clean_half_made(*, age: timedelta = AGE) -> int:
    """Remove what is half-made for longer than `age`. Returns how many things were removed.

    A schema that belongs to nobody is first put down as a spare without a version, so that its
    time runs from then on: whoever is just about to give it a school has as long.
    """
    removed = _forget_half_made_schools(age)
    _put_down_strays()
    before = timezone.now() - age
    with in_public():
        old = SpareSchool.objects.filter(made_at__lt=before).exclude(
            schema_version=current_version()
        )
        spare_ids = list(old.values_list("id", flat=True))
    for spare_id in spare_ids:
        with owner_session() as session:
            removed += drop_spare(session, spare_id)
        log.warning("dropped a half-made spare", spare=spare_id)
    return removed


def _forget_half_made_schools(age: timedelta) -> int:
    """Rows of schools that nobody is making any more; their schemas are strays from then on."""
    half_made = School.objects.filter(
        status=School.Status.PROVISIONING, created_at__lt=timezone.now() - age
    )
    with in_public():
        schools = list(half_made)
    return sum(_forget(school) for school in schools)


def _forget(school: School) -> bool:
    with in_public(), transaction.atomic():
        with connection.cursor() as cursor:
            query = "SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 0))"
            cursor.execute(query, [lock_name(school.slug)])
            if not cursor.fetchone()[0]:
                return False
        log.warning("removing a half-made school", school=school.schema_name)
        School.objects.filter(pk=school.pk, status=School.Status.PROVISIONING).delete()
    return True


def _put_down_strays() -> None:
    with owner_session() as session:
        rows = session.execute(
            "SELECT nspname FROM pg_namespace WHERE nspname ~ '^t_[0-9]{6,}$'"
        ).fetchall()
    with in_public():
        schools = set(School.objects.values_list("schema_name", flat=True))
        beside = set(SideSchema.objects.values_list("schema_name", flat=True))
        spares = {
            schema_name_for(spare) for spare in SpareSchool.objects.values_list("id", flat=True)
        }
        strays = {row[0] for row in rows} - schools - beside - spares
        for name in strays:
            SpareSchool.objects.get_or_create(id=int(name.removeprefix("t_")))
