"""What messages hold about a person, and for how long."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.notifications.models import Attempt, Message, Preference
from apps.notifications.preferences import KEEP_TEXTS_DAYS
from apps.students import facade as students
from apps.tenants.facade import privacy


def _messages(person: privacy.Person) -> QuerySet[Message]:
    return Message.objects.filter(
        Q(guardian_id__in=person.guardian_ids)
        | Q(user_id__in=person.user_ids)
        | Q(to_address__in=person.emails)
    )


@privacy.collects(Message, Attempt)
def export_messages(person: privacy.Person) -> Iterator[privacy.Section]:
    rows = _messages(person).order_by("created_at")
    yield privacy.Section(
        name="notifications.messages",
        title=_("Messages"),
        columns={
            "created_at": _("Written"),
            "sent_at": _("Sent"),
            "to": _("To"),
            "status": _("Status"),
            "subject": _("Subject"),
            "text": _("Text"),
        },
        rows=tuple(
            {
                "created_at": row.created_at,
                "sent_at": row.sent_at,
                "to": row.to_address,
                "status": str(row.get_status_display()),
                "subject": row.subject,
                "text": row.body_text,
            }
            for row in rows
        ),
        note=_("Personal links are left out: they would open the account to whoever reads this."),
    )


@privacy.collects(Preference)
def export_preferences(person: privacy.Person) -> Iterator[privacy.Section]:
    rows = Preference.objects.filter(address__in=person.emails)
    yield privacy.Section(
        name="notifications.preferences",
        title=_("Wishes about messages"),
        columns={"kind": _("Kind"), "wanted": _("Wanted"), "changed_at": _("Changed")},
        rows=tuple(
            {"kind": str(r.get_kind_display()), "wanted": r.wanted, "changed_at": r.changed_at}
            for r in rows
        ),
    )


@privacy.erases(Message, Attempt, Preference)
def erase_messages(work: privacy.Erasing) -> None:
    person = work.person
    gone = _messages(person).delete()[1]
    count = int(gone.get(Message._meta.label, 0))
    work.removed(_("E-mails to the person, sent and waiting, with their texts"), count)
    wishes = Preference.objects.filter(address__in=person.emails)
    work.removed(_("Wishes about messages"), wishes.delete()[0])
    work.removed(_("Texts of e-mails to the family that name the child"), _strike_child(person))


def _strike_child(person: privacy.Person) -> int:
    """Mails to a child's guardians tell of the child: they stay as sent, without their words."""
    found = 0
    for student_id in person.student_ids:
        payers = students.guardians_of([student_id])[student_id]
        mails = Message.objects.filter(guardian_id__in=[payer.id for payer in payers])
        naming = mails.filter(
            Q(body_text__contains=person.name) | Q(subject__contains=person.name)
        ).exclude(status__in=(Message.Status.QUEUED, Message.Status.SENDING))
        found += naming.update(subject="", body_text="", body_html="")
    return found


# Retention --------------------------------------------------------------------------------------


@privacy.retention_rule(
    "notifications.bodies",
    title=gettext_lazy("Texts of e-mails"),
    why=gettext_lazy("That something was sent stays in the list; what it said is not needed."),
    keep_days=lambda: KEEP_TEXTS_DAYS.value,
    work=lambda keys: Message.objects.filter(pk__in=keys).update(
        body_text="", body_html="", personal_link=""
    ),
)
def old_bodies(cutoff: datetime) -> QuerySet[Any]:
    done = Message.objects.filter(status__in=(Message.Status.SENT, Message.Status.FAILED))
    return done.filter(created_at__lt=cutoff).exclude(body_text="", body_html="", personal_link="")
