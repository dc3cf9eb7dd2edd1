"""Making, changing, publishing and cancelling activities."""

from dataclasses import asdict, dataclass
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from apps.activities.models import Activity, SignUp
from apps.activities.services import signups
from apps.activities.services.moments import check_moments
from apps.identity import facade as identity
from kernel import schools
from kernel.errors import Conflict, Invalid, NotFound

Status = Activity.Status


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivityDetails:
    """What is on the form of an activity. Times are aware; the fee is in minor units of the
    school's currency; `places` None means no limit."""

    title: str
    starts_at: datetime
    ends_at: datetime
    description: str = ""
    place: str = ""
    signup_opens_at: datetime | None = None
    signup_closes_at: datetime | None = None
    places: int | None = None
    fee_minor: int = 0
    needs_permission: bool = False


def create_activity(*, details: ActivityDetails, actor: str) -> UUID:
    """A draft that families do not see yet. Raises Invalid."""
    _check(details)
    with transaction.atomic():
        activity = Activity.objects.create(
            **asdict(details), currency=schools.current_school().currency
        )
        _audit(actor, "activities.activity_created", activity)
    return activity.id


def update_activity(*, activity_id: UUID, details: ActivityDetails, actor: str) -> None:
    """Change an activity; more places let in those who wait. Raises NotFound, Invalid, Conflict.

    A new fee holds for later sign-ups only: what was charged stays.
    """
    _check(details)
    with transaction.atomic():
        activity = signups.lock_activity(activity_id)
        _check_places(activity, details.places)
        for name, value in asdict(details).items():
            setattr(activity, name, value)
        activity.save()
        signups.promote_waiting(activity, actor=actor)
        _audit(actor, "activities.activity_changed", activity)


def _check(details: ActivityDetails) -> None:
    if not details.title.strip():
        raise Invalid(_("This field is required."), field="title")
    check_moments(
        starts_at=details.starts_at,
        ends_at=details.ends_at,
        signup_opens_at=details.signup_opens_at,
        signup_closes_at=details.signup_closes_at,
    )
    if details.ends_at < details.starts_at:
        raise Invalid(_("The end is before the start."), field="ends_at")
    opens, closes = details.signup_opens_at, details.signup_closes_at
    if opens and closes and closes <= opens:
        raise Invalid(_("Sign-up closes before it opens."), field="signup_closes_at")
    if closes and closes > details.ends_at:
        raise Invalid(_("Sign-up closes after the activity."), field="signup_closes_at")
    if details.places is not None and details.places < 1:
        raise Invalid(_("There must be at least one place."), field="places")
    if details.fee_minor < 0:
        raise Invalid(_("A fee cannot be negative."), field="fee")


def _check_places(activity: Activity, places: int | None) -> None:
    taken = activity.sign_ups.filter(status=SignUp.Status.CONFIRMED).count()
    if places is not None and places < taken:
        message = _("%(taken)d students have a place already: cancel some of them first.")
        raise Conflict(message % {"taken": taken}, code="places_taken", field="places")


def publish_activity(*, activity_id: UUID, actor: str) -> None:
    """Show a draft to families. Publishing twice changes nothing. Raises NotFound, Conflict."""
    with transaction.atomic():
        activity = signups.lock_activity(activity_id)
        if activity.status == Status.CANCELLED:
            raise Conflict(_("A cancelled activity cannot be published."), code="cancelled")
        if activity.status == Status.DRAFT:
            _set_status(activity, Status.PUBLISHED)
            _audit(actor, "activities.activity_published", activity)


def cancel_activity(*, activity_id: UUID, actor: str) -> int:
    """Call an activity off and cancel its sign-ups (each publishes signup_cancelled). Returns how
    many there were; cancelling twice changes nothing. Raises NotFound."""
    with transaction.atomic():
        activity = signups.lock_activity(activity_id)
        if activity.status == Status.CANCELLED:
            return 0
        _set_status(activity, Status.CANCELLED)
        cancelled = signups.cancel_all(activity, actor=actor)
        _audit(actor, "activities.activity_cancelled", activity)
    return cancelled


def _set_status(activity: Activity, status: str) -> None:
    activity.status = status
    activity.save(update_fields=["status"])


def delete_draft(*, activity_id: UUID, actor: str) -> None:
    """Remove a draft. Raises NotFound, Conflict when it was published."""
    with transaction.atomic():
        activity = Activity.objects.select_for_update().filter(pk=activity_id).first()
        if activity is None:
            raise NotFound(_("There is no such activity."))
        if activity.status != Status.DRAFT or activity.sign_ups.exists():
            raise Conflict(_("Only a draft can be deleted. Cancel the activity instead."))
        _audit(actor, "activities.draft_deleted", activity)
        activity.delete()


def _audit(actor: str, action: str, activity: Activity) -> None:
    identity.record_audit(
        actor=actor, action=action, subject=activity.title, detail={"activity_id": str(activity.id)}
    )


def fees_are_set() -> str:
    """Why the school's currency stays: an activity costs something in it."""
    if Activity.objects.filter(fee_minor__gt=0).exists():
        return _("Fixed, since there are activities with a fee in it.")
    return ""
