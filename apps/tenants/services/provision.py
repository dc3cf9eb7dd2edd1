"""Making a school: all of it, or nothing.

The tables are ready before: a school in stock is claimed, or one is made by the owner first
(services/schemas/spares). What is left is rows, and one transaction: the school, its address, what
each app puts into it, and its opening. Whatever kills the process, either nothing happened and the
place is in stock again, or the school is finished. Only what talks to the network, sending the
administrator's invitation, comes after the commit; a worker does it when this process cannot.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from uuid import NAMESPACE_URL, UUID, uuid5

import structlog
from django.db import IntegrityError, connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django_tenants.utils import tenant_context

from apps.events import facade as events
from apps.tenants.contracts import Provisioned, ProvisioningContext
from apps.tenants.events import SchoolProvisioned
from apps.tenants.hosts import forget_hosts
from apps.tenants.models import Domain, OperatorAction, School, schema_name_for
from apps.tenants.selectors import to_info
from apps.tenants.services.checks import SchoolOrder, check_order
from apps.tenants.services.schemas import spares
from apps.tenants.services.steps import Step, steps_in_order
from kernel.errors import Conflict, DomainError, Unavailable
from kernel.schools import in_public, in_school

OnStep = Callable[[str, float], None]
PROVISIONED = "school.provisioned"
# Others may claim the spare that was there, again and again.
_ATTEMPTS = 10
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
    name or the address belongs to another school) or Unavailable (a step failed, or no place is
    ready and nobody makes one); in each case nothing of the school is left behind.
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
    with in_public():
        existing = _existing(order)
        if existing is not None:
            return Provisioned(school=to_info(existing), already=True)
        clock.mark(_("Name, address and settings checked"))
        done = _make(order, clock, actor)
        return done if done.already else _follow_up(done, order, clock)


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


def _make(order: SchoolOrder, clock: _Clock, actor: str) -> Provisioned:
    """The transaction, with a spare that nobody else takes."""
    for attempt in range(_ATTEMPTS):
        if attempt:
            spares.ensure_spare(another=attempt > 1)
        try:
            with transaction.atomic():
                return _in_one_piece(order, clock, actor)
        except spares.NoSpare:
            continue
        except IntegrityError as error:
            raise _taken_meanwhile(order) from error
    raise Unavailable(_("Many schools are being made at the moment. Try again in a minute."))


def _in_one_piece(order: SchoolOrder, clock: _Clock, actor: str) -> Provisioned:
    _alone(order.slug)
    existing = _existing(order)
    if existing is not None:
        return Provisioned(school=to_info(existing), already=True)
    _clear_half_made(order)
    school = _claim(order)
    clock.mark(_("Tables of its own made"))
    # Opened once for all steps: each would read it again. Not its language, which is a step's.
    with tenant_context(school):
        for step in steps_in_order(after_opening=False):
            clock.mark(_run(step, _context(school, order)))
    _activate(school, clock, actor)
    return Provisioned(school=to_info(school), steps=tuple(clock.steps))


def _alone(slug: str) -> None:
    """One provisioning of a short name at a time, over all processes, until the commit."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [lock_name(slug)])


def lock_name(slug: str) -> str:
    """The advisory lock of whoever makes a school of this short name."""
    return f"tenants.provision:{slug}"


def _existing(order: SchoolOrder) -> School | None:
    """The school of this very order; None when the way is free. Raises Conflict otherwise."""
    school = School.objects.filter(slug=order.slug).first()
    if school is None:
        _check_domain_free(order)
        return None
    if school.status == School.Status.PROVISIONING:
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


def _taken_meanwhile(order: SchoolOrder) -> Conflict:
    return Conflict(
        _("The short name “%(slug)s” was taken a moment ago.") % {"slug": order.slug},
        code="slug_taken",
        field="slug",
    )


def _clear_half_made(order: SchoolOrder) -> None:
    """A school that an earlier version was killed over: its rows go. Its tables, which nobody can
    reach any more, are the keeper's to drop (services/schemas/cleaning)."""
    half = School.objects.filter(slug=order.slug, status=School.Status.PROVISIONING).first()
    if half is not None:
        log.warning("removing a half-made school", school=half.schema_name)
        half.delete()


def _claim(order: SchoolOrder) -> School:
    """Raises NoSpare."""
    spare = spares.claim_spare()
    school = School.objects.create(
        id=spare.id,
        schema_name=schema_name_for(spare.id),
        schema_version=spare.schema_version,
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


def _context(school: School, order: SchoolOrder) -> ProvisioningContext:
    return ProvisioningContext(
        school=to_info(school), admin_email=order.admin_email, admin_name=order.admin_name
    )


def _run(step: Step, context: ProvisioningContext) -> str:
    """Inside the school and in its language; a failure is told in the operator's."""
    try:
        with in_school(context.school.schema_name):
            told = step.run(context)
    except DomainError:
        raise
    except Exception as error:
        log.exception("provisioning failed", step=str(step.title), slug=context.school.slug)
        raise Unavailable(
            _("The school could not be made: “%(step)s” failed. Nothing was left behind.")
            % {"step": step.title},
            code="provisioning_failed",
        ) from error
    return told or str(step.title)


def _activate(school: School, clock: _Clock, actor: str) -> None:
    """Open the school and tell the other apps."""
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


def _follow_up(done: Provisioned, order: SchoolOrder, clock: _Clock) -> Provisioned:
    """What the apps do once the school is there for good. It stays, whatever happens here."""
    context = ProvisioningContext(
        school=done.school, admin_email=order.admin_email, admin_name=order.admin_name
    )
    for step in steps_in_order(after_opening=True):
        try:
            clock.mark(_run(step, context))
        except Exception as error:
            log.warning("left to a worker", step=str(step.title), error=repr(error))
            clock.mark(_("%(step)s: not yet, it is tried again") % {"step": step.title})
    note = OperatorAction.objects.filter(school_id=done.school.id, action=PROVISIONED)
    note.update(detail={"steps": clock.steps})
    return Provisioned(school=done.school, steps=tuple(clock.steps))
