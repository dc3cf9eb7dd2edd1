"""What activities hold about a person."""

from __future__ import annotations

from collections.abc import Iterator

from django.db.models import Q
from django.utils.translation import gettext as _

from apps.activities.models import Activity, CalendarEntry, SignUp
from apps.tenants.facade import privacy

privacy.nobody_in(
    {
        Activity: "what the school offers; who takes part is in the sign-ups",
        CalendarEntry: "dates of the whole school",
    }
)


@privacy.collects(SignUp)
def export_sign_ups(person: privacy.Person) -> Iterator[privacy.Section]:
    rows = SignUp.objects.filter(
        Q(student_id__in=person.student_ids) | Q(guardian_id__in=person.guardian_ids)
    ).select_related("activity")
    yield privacy.Section(
        name="activities.sign_ups",
        title=_("Activities"),
        columns={
            "activity": _("Activity"),
            "starts_at": _("Starts"),
            "status": _("Place"),
            "permission_given_at": _("Permission given"),
            "note": _("Note"),
            "signed_up_at": _("Signed up"),
            "cancelled_at": _("Cancelled"),
        },
        rows=tuple(
            {
                "activity": row.activity.title,
                "starts_at": row.activity.starts_at,
                "status": str(row.get_status_display()),
                "permission_given_at": row.permission_given_at,
                "note": row.note,
                "signed_up_at": row.signed_up_at,
                "cancelled_at": row.cancelled_at,
            }
            for row in rows
        ),
    )


@privacy.erases(SignUp)
def erase_sign_ups(work: privacy.Erasing) -> None:
    """A child's sign-ups go with the child; a guardian only stops being the one who asked."""
    mine = SignUp.objects.filter(student_id__in=work.person.student_ids)
    work.removed(_("Sign-ups for activities, with their notes"), mine.delete()[0])
    asked = SignUp.objects.filter(guardian_id__in=work.person.guardian_ids)
    work.removed(_("Name of the guardian on sign-ups"), asked.update(guardian_id=None))
