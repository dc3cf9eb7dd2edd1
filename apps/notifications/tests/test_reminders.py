"""Reminders of open invoices: on which days, at which hours, to whom, and once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from apps.fees.tests import factories as make
from apps.notifications.contracts import REMINDER_TASK
from apps.notifications.models import Message
from apps.notifications.preferences import DAYS_AFTER, DAYS_BEFORE
from apps.notifications.services import reminders
from apps.notifications.tasks import remind_families as task
from apps.tenants import facade as tenants
from apps.tenants.tests.factories import reopen
from kernel.schools import connection, in_public, today

NOON = datetime(2026, 5, 6, 17, 0, tzinfo=UTC)  # noon in Chicago


def switch_on(**values: Any) -> None:
    values = {f"reminders.{name}": value for name, value in values.items()}
    tenants.change_settings(school_id=1, values={"reminders.on": True, **values})
    reopen()


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> Callable[[datetime], None]:
    """at(moment): it is that time."""
    return lambda moment: monkeypatch.setattr("django.utils.timezone.now", lambda: moment)


@pytest.fixture
def family(school: Any, at: Callable[[datetime], None]) -> Any:
    """A family of two children, billed 450 dollars each, due on 20 May."""
    at(NOON)
    school_class = make.make_class()
    family = make.make_family(school_class, children=2, email="maria@example.org")
    make.bill(school_class, due_on=date(2026, 5, 20))
    return family


def reminded() -> list[Message]:
    return list(Message.objects.filter(kind="fee_reminder").order_by("created_at"))


def on(at: Callable[[datetime], None], day: date) -> int:
    at(datetime.combine(day, time(17), tzinfo=UTC))
    return reminders.remind_families()


def test_nobody_is_reminded_until_the_school_wants_it(family: Any, at: Any) -> None:
    assert on(at, date(2026, 5, 17)) == 0
    assert reminders.next_reminders() is None


def test_a_guardian_hears_on_the_chosen_days_only(family: Any, at: Any) -> None:
    switch_on(days_before="7, 1", days_after=[3])

    days = [date(2026, 5, 8) + timedelta(days=n) for n in range(30)]
    told = [day.isoformat() for day in days if on(at, day)]

    assert told == ["2026-05-13", "2026-05-19", "2026-05-23"]
    before, _eve, after = reminded()
    assert before.subject == "Lincoln Elementary: $900.00 is due soon"
    assert after.subject == "Lincoln Elementary: $900.00 is still to be paid"
    assert "was due on May 20, 2026" in after.body_text
    assert before.body_text.count("$450.00") == 2
    assert "/family/l/" in before.personal_link


def test_what_is_paid_is_not_asked_for(family: Any, at: Any) -> None:
    switch_on(days_before="1")
    first, second = family.children
    (invoice,) = make.owed(first)
    make.capture(family.guardian, 45000, [(invoice.id, 45000)])

    assert on(at, date(2026, 5, 19)) == 1
    assert reminded()[0].subject == "Lincoln Elementary: $450.00 is due soon"

    (invoice,) = make.owed(second)
    make.capture(family.guardian, 45000, [(invoice.id, 45000)])
    Message.objects.all().delete()
    assert on(at, date(2026, 5, 19)) == 0


def test_a_bill_of_today_needs_no_reminder_yet(family: Any, at: Any) -> None:
    switch_on(days_before="14")

    assert on(at, date(2026, 5, 6)) == 0


def test_twice_on_a_day_is_once(family: Any, at: Any) -> None:
    switch_on(days_before="1")

    assert (on(at, date(2026, 5, 19)), on(at, date(2026, 5, 19))) == (1, 0)
    assert len(reminded()) == 1


def test_in_quiet_hours_nothing_leaves(family: Any, at: Any) -> None:
    switch_on(days_before="1", quiet_from="19:00", quiet_until="09:30")

    at(datetime(2026, 5, 19, 14, 29, tzinfo=UTC))  # 9:29 in Chicago
    assert reminders.remind_families() == 0
    assert reminders.next_reminders() == datetime(2026, 5, 19, 14, 30, tzinfo=UTC)

    at(datetime(2026, 5, 19, 14, 30, tzinfo=UTC))
    assert reminders.remind_families() == 1
    assert reminders.next_reminders() == datetime(2026, 5, 20, 14, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("begins", "ends", "quiet", "loud"),
    [
        ("20:00", "08:00", ("20:00", "23:59", "00:00", "07:59"), ("08:00", "19:59")),
        ("12:00", "14:00", ("12:00", "13:59"), ("11:59", "14:00", "00:00")),
        ("08:00", "08:00", (), ("08:00", "00:00", "23:59")),
    ],
)
def test_quiet_hours_may_go_over_midnight(
    school: Any, begins: str, ends: str, quiet: tuple[str, ...], loud: tuple[str, ...]
) -> None:
    switch_on(quiet_from=begins, quiet_until=ends)

    assert all(reminders.is_quiet(time.fromisoformat(moment)) for moment in quiet)
    assert not any(reminders.is_quiet(time.fromisoformat(moment)) for moment in loud)


def test_switching_on_notes_the_work_and_the_task_the_next_days(
    school: Any, drain: Callable[[], int]
) -> None:
    switch_on(quiet_from="00:00", quiet_until="00:00")
    drain()
    assert len(_due()) == 1

    task(schema_name="t_000001")

    assert len(_due()) == 1
    tomorrow = today() + timedelta(days=1)
    (due_at,) = _due()
    assert due_at.astimezone(ZoneInfo("America/Chicago")).date() == tomorrow

    tenants.change_settings(school_id=1, values={"reminders.on": False})
    reopen()
    task(schema_name="t_000001")
    assert _due() == []


def _due() -> list[datetime]:
    """When the work that is noted down is due."""
    with in_public(), connection.cursor() as cursor:
        cursor.execute("SELECT due_at FROM tenants_duework WHERE task = %s", [REMINDER_TASK])
        return [row[0] for row in cursor.fetchall()]


def test_a_guardian_without_an_address_is_left_out(school: Any, at: Any) -> None:
    at(NOON)
    school_class = make.make_class()
    make.make_family(school_class, email="")
    make.bill(school_class, due_on=date(2026, 5, 20))
    switch_on(days_before="1")

    assert on(at, date(2026, 5, 19)) == 0


def test_the_days_after_rise_and_those_before_fall() -> None:
    assert DAYS_AFTER.default == DAYS_AFTER.kind.clean("14, 3", field="days") == (3, 14)
    assert DAYS_BEFORE.kind.clean("1, 7", field="days") == (7, 1)
