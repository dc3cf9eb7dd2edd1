"""What the outbox and the platform hold about a person. The outbox is the lowest app and cannot
register by itself."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from apps.events import facade as events
from apps.tenants.facade import privacy
from kernel.schools import current_school

privacy.nobody_in(
    {
        "events.Receipt": "keys of events and names of functions",
        "events.Snapshot": "folded state of an aggregate; none of ours keeps names in it",
        "events.ProjectionPosition": "how far a projection has read",
        "events.LaneMark": "numbers of passes that ended or did not",
        "events.PausedConsumer": "names of functions, and the operator who paused them",
    }
)
privacy.not_exported(
    {
        "events.OutboxEvent": "waits for seconds; what it says is in the tables it came from",
        "events.ExternalDelivery": "waits for seconds; what it says is in the tables it came from",
        "events.ParkedEvent": "waits while a consumer is paused; told in the tables it came from",
        "events.DeadLetter": "a copy of an event for the operator",
        "events.StoredEventRow": "told in words by the app whose story it is (payments)",
    }
)


def _texts(person: privacy.Person) -> list[str]:
    return [*(str(key) for key in person.ids), *person.emails]


@privacy.objects_to_erasure
def news_is_delivered_first(person: privacy.Person) -> Iterator[str]:
    """A handler that comes later would write the person's address down again."""
    count = events.waiting_about(_texts(person))
    if count:
        text = ngettext(
            "%(count)d piece of news about this person is still being delivered. Try again in a "
            "minute; if it stays, ask the operator (manage.py dead_letters).",
            "%(count)d pieces of news about this person are still being delivered. Try again in "
            "a minute; if they stay, ask the operator (manage.py dead_letters).",
            count,
        )
        yield text % {"count": count}


@privacy.erases(
    "events.OutboxEvent",
    "events.ExternalDelivery",
    "events.ParkedEvent",
    "events.DeadLetter",
    "events.StoredEventRow",
)
def erase_from_letters(work: privacy.Erasing) -> None:
    """What waits stood against the erasure; stories are named by the app that owns them."""
    count = events.forget_letters(_texts(work.person))
    work.removed(_("Copies of events kept for the operator"), count)


@privacy.erases()
def name_the_schools_contact(work: privacy.Erasing) -> None:
    """The school's own address is a setting: changed by the school, not by an erasure."""
    if current_school().contact_email.lower() in work.person.emails:
        work.stays(
            _("The school's contact address"), _("A setting of the school: change it in Settings.")
        )


@privacy.retention_rule(
    "events.receipts",
    title=gettext_lazy("Receipts of delivered events"),
    why=gettext_lazy("No event is delivered again after so long."),
    keep_days=90,
)
def old_receipts(cutoff: datetime) -> QuerySet[Any]:
    return events.expired_receipts(cutoff)


@privacy.retention_rule(
    "events.dead_letters",
    title=gettext_lazy("Events that an operator has dealt with"),
    why=gettext_lazy("They are copies, and they may hold names."),
    keep_days=90,
)
def old_letters(cutoff: datetime) -> QuerySet[Any]:
    return events.resolved_letters(cutoff)
