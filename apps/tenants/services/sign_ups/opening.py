"""From a confirmed request to an open school; and tidying up what was never confirmed."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import structlog
from django.db import transaction
from django.utils import timezone

from apps.tenants.contracts import SchoolInfo
from apps.tenants.models import SignUp, Subscription
from apps.tenants.selectors import get_school
from apps.tenants.services import visitors
from apps.tenants.services.plans.catalogue import offered_plan, selling_currency
from apps.tenants.services.plans.metering import lock_school
from apps.tenants.services.plans.subscriptions import begin_trial
from apps.tenants.services.provision import provision_school
from apps.tenants.services.schemas.spares import count_ready
from apps.tenants.services.sign_ups.requests import PROGRESS, LinkRefused, read_token
from apps.tenants.services.welcome import welcome_link_of
from kernel.errors import DomainError, NotFound, Unavailable
from kernel.owner import has_owner
from kernel.schools import in_public

log = structlog.get_logger("homeroom.sign_ups")
# The way from the progress page straight to a password; later the invitation's mail is the way.
DOOR_OPEN_FOR = timedelta(hours=1)
KEPT_FOR = timedelta(days=30)
MOST_TRIES = 8
_STATUS = SignUp.Status


def open_school(*, sign_up_id: UUID) -> SignUp:
    """Make the school of a confirmed request, with its trial; repeating it changes nothing.

    Raises Unavailable when no place is ready or a step failed: it is tried again by the outbox.
    What will never work (the name was taken meanwhile) ends the request as failed. Call it with
    no transaction open.
    """
    row = _row(sign_up_id)
    if row.status != _STATUS.CONFIRMED:
        return row
    try:
        school = _provision(row)
    except Unavailable as error:
        return _try_again(row, error)
    except DomainError as error:
        log.warning("sign-up failed", sign_up=str(row.id), slug=row.slug, problem=str(error))
        return _finish(row, _STATUS.FAILED, problem=str(error))
    _begin(school, row)
    return _finish(row, _STATUS.DONE, school_id=school.id)


def _row(sign_up_id: UUID) -> SignUp:
    with in_public():
        row = SignUp.objects.filter(pk=sign_up_id).first()
    if row is None:
        raise NotFound("There is no such sign-up.")
    return row


def _provision(row: SignUp) -> SchoolInfo:
    done = provision_school(
        name=row.school_name,
        slug=row.slug,
        admin_email=row.admin_email,
        admin_name=row.admin_name,
        currency=row.currency,
        language=row.language,
        time_zone=row.time_zone,
        actor=f"sign-up {row.admin_email}",
    )
    return done.school


def _begin(school: SchoolInfo, row: SignUp) -> None:
    """The plan that was chosen, as it is sold now; with its trial."""
    try:
        plan = offered_plan(code=row.plan_code, currency=selling_currency(row.currency))
    except NotFound:  # withdrawn since: the operator decides
        log.warning("sign-up without a plan", sign_up=str(row.id), plan=row.plan_code)
        return
    with in_public(), transaction.atomic():
        lock_school(school.id)
        if not Subscription.objects.filter(school_id=school.id).exists():
            begin_trial(school_id=school.id, plan=plan, actor=row.admin_email)


def _try_again(row: SignUp, error: Unavailable) -> SignUp:
    with in_public():
        SignUp.objects.filter(pk=row.pk).update(tries=row.tries + 1, problem=str(error)[:300])
    if row.tries + 1 >= MOST_TRIES:
        return _finish(row, _STATUS.FAILED, problem=str(error))
    raise error


def _finish(row: SignUp, status: str, *, school_id: int | None = None, problem: str = "") -> SignUp:
    with in_public():
        rows = SignUp.objects.filter(pk=row.pk, status=_STATUS.CONFIRMED)
        rows.update(status=status, school_id=school_id, problem=problem[:300])
    return _row(row.pk)


def open_if_ready(*, token: str) -> None:
    """Make the school here and now if a place for it is ready; else a worker does it soon."""
    with in_public():
        row = read_token(token, PROGRESS)
    if row.status == _STATUS.CONFIRMED and (has_owner() or count_ready()):
        try:
            open_school(sign_up_id=row.id)
        except Unavailable as error:
            log.info("sign-up waits for a worker", sign_up=str(row.id), problem=str(error))


def progress_of(*, token: str) -> tuple[SignUp, SchoolInfo | None, str]:
    """How far the school is, the school once it is open, and the link to choose a password.

    The link is "" later than DOOR_OPEN_FOR after the confirmation, or once a password was
    chosen. Raises LinkRefused.
    """
    with in_public():
        row = read_token(token, PROGRESS)
    if row.status != _STATUS.DONE or row.school_id is None:
        return row, None, ""
    try:
        school = get_school(school_id=row.school_id)
    except NotFound as error:
        raise LinkRefused(str(error), code="expired") from error
    fresh = row.confirmed_at and row.confirmed_at > timezone.now() - DOOR_OPEN_FOR
    link = welcome_link_of(school, row.admin_email) if fresh and school.is_active else ""
    return row, school, link


def tidy_sign_ups() -> int:
    """Let expired requests go and forget old ones with the names in them. Returns how many
    expired. By beat, hourly."""
    now = timezone.now()
    with in_public():
        late = SignUp.objects.filter(status=_STATUS.PENDING, expires_at__lte=now)
        expired = late.update(status=_STATUS.EXPIRED)
        old = SignUp.objects.filter(created_at__lt=now - KEPT_FOR)
        old.exclude(status=_STATUS.CONFIRMED).delete()
    visitors.forget_old()
    return expired
