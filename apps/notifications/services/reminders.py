"""Reminding families of open invoices, on the days that the school chose.

One e-mail a guardian and day over all their children. Its key is made of both, so that a task
that runs twice, or again after a crash, writes to nobody twice.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

from django.utils import timezone, translation

from apps.fees import facade as fees
from apps.fees.contracts import InvoiceInfo
from apps.notifications.contracts import REMINDER_TASK
from apps.notifications.models import Message
from apps.notifications.preferences import (
    DAYS_AFTER,
    DAYS_BEFORE,
    QUIET_FROM,
    QUIET_UNTIL,
    REMINDERS_ON,
)
from apps.notifications.services.composing import known_language
from apps.notifications.services.queueing import Recipient, queue_message
from apps.students import facade as students
from apps.students.contracts import GuardianInfo
from apps.tenants import facade as tenants
from kernel.money import format_money
from kernel.schools import current_school


def remind_families() -> int:
    """Write the reminders of today. Returns how many; 0 when they are off and in quiet hours."""
    now = _local_now()
    if not REMINDERS_ON.value or is_quiet(now.time()):
        return 0
    today = now.date()
    due = [row for row in fees.open_invoices_due(_due_days(today)) if row.issued_on < today]
    sent = [_remind(guardian, rows, today) for guardian, rows in _by_guardian(due)]
    return sum(sent)


def next_reminders() -> datetime | None:
    """When there is something to do again (UTC): tomorrow, as soon as it is not quiet."""
    if not REMINDERS_ON.value:
        return None
    now = _local_now()
    day = now.date() if now.time() < _day_begins() else now.date() + timedelta(days=1)
    return datetime.combine(day, _day_begins(), tzinfo=now.tzinfo).astimezone(ZoneInfo("UTC"))


def plan() -> None:
    """Note today's work down, or that of the next hour that is not quiet."""
    if REMINDERS_ON.value:
        quiet = is_quiet(_local_now().time())
        tenants.note_due_work(task=REMINDER_TASK, due_at=next_reminders() if quiet else None)


def is_quiet(moment: time) -> bool:
    """Whether no reminder leaves at this time of day at the school."""
    begins, ends = _clock(QUIET_FROM.value), _clock(QUIET_UNTIL.value)
    if begins <= ends:
        return begins <= moment < ends
    return moment >= begins or moment < ends


def _day_begins() -> time:
    """The first time of a day that is not quiet."""
    return _clock(QUIET_UNTIL.value) if is_quiet(time.min) else time.min


def _clock(text: str) -> time:
    return time.fromisoformat(text)


def _local_now() -> datetime:
    return timezone.now().astimezone(ZoneInfo(current_school().time_zone))


def _due_days(today: date) -> list[date]:
    ahead = [today + timedelta(days=days) for days in DAYS_BEFORE.value]
    return ahead + [today - timedelta(days=days) for days in DAYS_AFTER.value]


def _by_guardian(due: list[InvoiceInfo]) -> Iterable[tuple[GuardianInfo, list[InvoiceInfo]]]:
    """Guardians who pay and have an address, each with the invoices of their children."""
    guardians = students.guardians_of({row.student_id for row in due})
    people: dict[UUID, GuardianInfo] = {}
    owed: dict[UUID, list[InvoiceInfo]] = defaultdict(list)
    for row in due:
        for guardian in guardians.get(row.student_id, []):
            if guardian.email:
                people[guardian.id] = guardian
                owed[guardian.id].append(row)
    return [(people[key], rows) for key, rows in owed.items()]


def _remind(guardian: GuardianInfo, rows: list[InvoiceInfo], today: date) -> int:
    to = Recipient(
        address=guardian.email,
        name=guardian.name,
        language=guardian.language,
        guardian_id=guardian.id,
    )
    with translation.override(known_language(to.language)):
        facts = _facts(rows, today)
    written = queue_message(
        event_id=uuid5(guardian.id, f"fee_reminder:{today.isoformat()}"),
        kind=Message.Kind.FEE_REMINDER,
        to=to,
        facts=facts,
        link=fees.family_link_url(guardian.id),
    )
    return int(written is not None)


def _facts(rows: list[InvoiceInfo], today: date) -> dict[str, Any]:
    lines = [
        {
            "child": row.student_name,
            "description": row.title,
            "amount": format_money(row.due_minor(row.next_due_on), row.currency),
            "due_on": row.next_due_on,
            "is_late": row.next_due_on < today,
        }
        for row in rows
    ]
    total = sum(row.due_minor(row.next_due_on) for row in rows)
    return {
        "lines": lines,
        "total": format_money(total, rows[0].currency),
        "any_late": any(line["is_late"] for line in lines),
    }
