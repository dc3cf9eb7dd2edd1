"""Making a school: all of it, or nothing.

The rows, the schema and its tables are one transaction. What the apps then do inside the school
(settings, the administrator's invitation and its e-mail) cannot be, since it may talk to the
network; when any of it fails the school is removed again. A lock per short name, held by the
database session, makes a second run wait and then find the school. A process that was killed
half-way leaves a school in status "provisioning" and no lock: the next run starts it afresh.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from uuid import NAMESPACE_URL, UUID, uuid5

import structlog
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.events import facade as events
from apps.tenants.contracts import Provisioned, ProvisioningContext
from apps.tenants.events import SchoolProvisioned
from apps.tenants.hosts import forget_hosts
from apps.tenants.models import Domain, OperatorAction, School, schema_name_for
from apps.tenants.selectors import to_info
from apps.tenants.services.checks import SchoolOrder, check_order
from apps.tenants.services.steps import Step, steps_in_order
from kernel.errors import Conflict, DomainError, Unavailable
from kernel.schools import in_public, in_school

OnStep = Callable[[str, float], None]
PROVISIONED = "school.provisioned"
log = structlog.get_logger("homeroom.tenants")


def provision_school(
    *,
    name: str,
    slug: str,
    admin_email: str,
    admin_name: str = "",
    currency: str = "USD",
    language: str = "en",
    time_zone: str = "America/New_York",
    actor: str = "",
    on_step: OnStep | None = None,
) -> Provisioned:
    """Make a school that is ready for its first administrator, who is invited by e-mail.

    `on_step(title, seconds)` is called as each step ends. The same order once more changes
    nothing and returns `already=True`. Raises Invalid (a field is wrong), Conflict (the short
    name or the address belongs to another school) or Unavailable (a step failed); in each case
    nothing of the school is left behind.
    """
    clock = _Clock(on_step)
    order = check_order(
        name=name,
        slug=slug,
        admin_email=admin_email,
        admin_name=admin_name,
        currency=currency,
        language=language,
        time_zone=time_zone,
    )
    with in_public(), _alone(order.slug):
        existing = _existing(order)
        if existing is not None:
            return Provisioned(school=to_info(existing), already=True)
        clock.mark(_("Name, address and settings checked"))
        return _make(order, clock, actor)


class _Clock:
    """The steps that were done, each with the seconds since the one before."""

    def __init__(self, on_step: OnStep | None) -> None:
        self.steps: list[tuple[str, float]] = []
        self._on_step = on_step
        self._last = time.perf_counter()

    def mark(self, title: str) -> None:
        now = time.perf_counter()
        seconds = round(now - self._last, 3)
        self._last = now
        self.steps.append((title, seconds))
        if self._on_step is not None:
            self._on_step(title, seconds)


@contextmanager
def _alone(slug: str) -> Iterator[None]:
    """One provisioning of a short name at a time, over all processes.

    A lock of the session, not of a transaction: the steps run in transactions of their own.
    """
    key = f"tenants.provision:{slug}"
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(hashtextextended(%s, 0))", [key])
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", [key])


def _existing(order: SchoolOrder) -> School | None:
    """The school of this very order; None when the way is free. Raises Conflict otherwise."""
    school = School.objects.filter(slug=order.slug).first()
    if school is None:
        _check_domain_free(order)
        return None
    if school.status == School.Status.PROVISIONING:
        log.warning("removing a half-made school", school=school.schema_name)
        _remove(school)
        return None
    if _same(school, order):
        return school
    raise Conflict(
        _("The short name “%(slug)s” belongs to another school, %(school)s.")
        % {"slug": order.slug, "school": school.name},
        code="slug_taken",
        field="slug",
    )


def _same(school: School, order: SchoolOrder) -> bool:
    return (
        school.name == order.name and school.admin_email.casefold() == order.admin_email.casefold()
    )


def _check_domain_free(order: SchoolOrder) -> None:
    taken = Domain.objects.filter(domain=order.domain).select_related("tenant").first()
    if taken is not None:
        raise Conflict(
            _("The address %(domain)s already leads to another school, %(school)s.")
            % {"domain": order.domain, "school": taken.tenant.name},
            code="domain_taken",
            field="slug",
        )


def _make(order: SchoolOrder, clock: _Clock, actor: str) -> Provisioned:
    school = _create(order)
    try:
        clock.mark(_("Tables of its own made"))
        _run_steps(school, order, clock)
        _activate(school, clock, actor)
    except BaseException:  # Ctrl-C as well: half a school must not stay
        _remove(school)
        raise
    return Provisioned(school=to_info(school), steps=tuple(clock.steps))


def _create(order: SchoolOrder) -> School:
    """Rows, schema and tables in one transaction."""
    try:
        with transaction.atomic():
            school = _insert(order)
            _make_schema(school.schema_name)
    except IntegrityError as error:
        raise Conflict(
            _("The short name “%(slug)s” was taken a moment ago.") % {"slug": order.slug},
            code="slug_taken",
            field="slug",
        ) from error
    return school


def _insert(order: SchoolOrder) -> School:
    school_id = _next_id()
    school = School.objects.create(
        id=school_id,
        schema_name=schema_name_for(school_id),
        slug=order.slug,
        name=order.name,
        currency=order.currency,
        language=order.language,
        time_zone=order.time_zone,
        admin_email=order.admin_email,
        contact_email="",
    )
    Domain.objects.create(domain=order.domain, tenant=school, is_primary=True)
    return school


def _next_id() -> int:
    """From the sequence first, because the schema's name is made of it and never changes."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval(pg_get_serial_sequence('tenants_school', 'id'))")
        return int(cursor.fetchone()[0])


def _make_schema(schema_name: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE SCHEMA {connection.ops.quote_name(schema_name)}")
    with in_public():  # the command leaves the connection on a schema of its own choice
        call_command(
            "migrate_schemas",
            tenant=True,
            schema_name=schema_name,
            interactive=False,
            verbosity=0,
        )


def _run_steps(school: School, order: SchoolOrder, clock: _Clock) -> None:
    context = ProvisioningContext(
        school=to_info(school), admin_email=order.admin_email, admin_name=order.admin_name
    )
    for step in steps_in_order():
        told = _run(step, context)
        clock.mark(told or str(step.title))


def _run(step: Step, context: ProvisioningContext) -> str | None:
    """Inside the school and in its language; a failure is told in the operator's."""
    try:
        with in_school(context.school.schema_name):
            return step.run(context)
    except DomainError:
        raise
    except Exception as error:
        log.exception("provisioning failed", step=str(step.title), slug=context.school.slug)
        raise Unavailable(
            _("The school could not be made: “%(step)s” failed. Nothing was left behind.")
            % {"step": step.title},
            code="provisioning_failed",
        ) from error


def _activate(school: School, clock: _Clock, actor: str) -> None:
    """Open the school and tell the other apps, in one transaction."""
    with transaction.atomic():
        school.status = School.Status.ACTIVE
        school.activated_at = timezone.now()
        school.save(update_fields=["status", "activated_at"])
        events.publish(
            SchoolProvisioned(
                school_id=school.id,
                schema_name=school.schema_name,
                school_name=school.name,
                slug=school.slug,
            ),
            stream_type="school",
            stream_id=stream_id(school.id),
            actor=actor,
        )
        forget_hosts()
        clock.mark(_("School opened"))
        OperatorAction.objects.create(
            school_id=school.id, actor=actor, action=PROVISIONED, detail={"steps": clock.steps}
        )


def stream_id(school_id: int) -> UUID:
    """The school's stream of events; a school's key is a number, streams are named by UUIDs."""
    return uuid5(NAMESPACE_URL, f"urn:homeroom:school:{school_id}")


def _remove(school: School) -> None:
    """Drop a school that was never opened: its schema with all tables, its domains, its row."""
    quoted = connection.ops.quote_name(school.schema_name)
    with in_public(), transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(f"DROP SCHEMA IF EXISTS {quoted} CASCADE")
        School.objects.filter(pk=school.pk).delete()
        forget_hosts()
