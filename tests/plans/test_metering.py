"""What a school uses is counted, written down and frozen once it was billed."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from io import StringIO
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.core.files.base import ContentFile
from django.core.management import CommandError, call_command
from django.utils import timezone

from apps.notifications.models import Message
from apps.payments.models import Payment
from apps.tenants.models import UsageMonth
from apps.tenants.services.plans import rounds
from apps.tenants.services.plans.metering import close_month, measure_school
from apps.tenants.services.plans.meters import METERS, amount_text, bytes_text, meter, read_meter
from apps.tenants.services.plans.months import bounds, month_before, parse_month, this_month
from apps.tenants.tests.factories import SchoolFactory
from apps.website.services.documents import add_document
from kernel.errors import Conflict, Invalid, NotFound
from kernel.schools import in_public
from tests.plans.billing import last_month, running_month
from tests.plans.test_limits import enrol


def message(created_at: datetime, status: str = "sent") -> None:
    Message.objects.create(
        event_id="019a0c5e-7d10-7000-8000-000000000001",
        kind="receipt",
        to_address=f"{created_at.timestamp()}-{status}@example.org",
        language="en",
        subject="x",
        body_text="x",
        body_html="x",
        status=status,
        created_at=created_at,
    )


def payment(minor: int, captured_at: datetime, **values: Any) -> None:
    Payment.objects.create(
        **{
            "provider": "stripe",
            "mode": "live",
            "method": "card",
            "payer_id": "019a0c5e-7d10-7000-8000-000000000001",
            "payer_name": "Ana",
            "description": "x",
            "currency": "USD",
            "amount_minor": minor,
            "captured_minor": minor,
            "idempotency_key": f"{minor}{captured_at}{values}",
            "started_at": captured_at,
            "captured_at": captured_at,
            "is_open": False,
            **values,
        }
    )


def run(*args: str) -> str:
    out = StringIO()
    call_command(*args, stdout=out)
    return out.getvalue()


def test_every_meter_is_counted_in_the_school(school: Any, client_for: Callable[..., Any]) -> None:
    client_for("admin"), client_for("guardian")
    enrol(3)
    add_document(title="Menu", upload=ContentFile(b"x" * 123, name="a.txt"), actor="o")
    begins, ends = bounds(running_month(), school.time_zone)
    message(begins), message(ends), message(begins - timedelta(seconds=1))
    message(timezone.now(), "failed")
    payment(5000, begins)
    payment(700, ends - timedelta(microseconds=1))
    payment(900, ends)
    payment(1, begins, provider="offline", method="cash")
    payment(2, begins, mode="test")

    usage = measure_school(school_id=school.id)

    assert usage.values == {
        "students": 3,
        "storage_bytes": 123,
        "messages": 1,
        "staff_accounts": 1,
        "guardian_accounts": 1,
        "payments_volume": 5700,
        "payments_count": 2,
    }
    assert usage.month == running_month()


def test_measuring_again_keeps_one_row_a_meter_with_the_newest_value(school: Any) -> None:
    measure_school(school_id=school.id)
    enrol(2)

    assert measure_school(school_id=school.id).values["students"] == 2
    with in_public():
        assert UsageMonth.objects.filter(school_id=school.id).count() == len(METERS)


def test_a_closed_month_keeps_what_it_showed(school: Any) -> None:
    enrol(1)
    measure_school(school_id=school.id)
    with in_public():
        close_month(school_id=school.id, month=running_month())
    enrol(1, first=2)

    again = measure_school(school_id=school.id)

    assert (again.values["students"], again.is_closed) == (1, True)


def test_a_past_month_counts_the_students_of_its_last_day(school: Any) -> None:
    enrol(2)

    assert measure_school(school_id=school.id, month=last_month()).values["students"] == 0


def test_one_schools_figures_are_not_anothers(school: Any, other_school: Any) -> None:
    enrol(2)

    assert measure_school(school_id=other_school.id).values["students"] == 0


def test_a_month_begins_and_ends_where_the_school_is() -> None:
    begins, ends = bounds(date(2026, 11, 1), "America/Chicago")

    assert begins.astimezone(UTC) == datetime(2026, 11, 1, 5, tzinfo=UTC)  # still summer time
    assert ends.astimezone(UTC) == datetime(2026, 12, 1, 6, tzinfo=UTC)
    assert begins.tzinfo == ZoneInfo("America/Chicago")


def test_what_cannot_be_measured_is_said(school: Any) -> None:
    with pytest.raises(NotFound):
        measure_school(school_id=999)
    with pytest.raises(Invalid, match="not begun"):
        measure_school(school_id=school.id, month=date(2990, 1, 1))
    gone = SchoolFactory(status="archived")
    with pytest.raises(Conflict, match="nothing is counted"):
        measure_school(school_id=gone.id)


def test_a_meter_that_nobody_knows_is_refused() -> None:
    with pytest.raises(ValueError, match="no meter 'pupils'"):
        meter("pupils")


def test_every_meter_has_somebody_who_counts(school: Any) -> None:
    from apps.tenants.services.plans import meters

    assert set(meters._registered) == set(METERS)
    assert read_meter("students", running_month()) == 0


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0 B"), (999, "999 B"), (1_500, "1.5 kB"), (2 * 10**9, "2 GB"), (1_449_999_999, "1.4 GB")],
)
def test_sizes_for_people(size: int, text: str) -> None:
    assert bytes_text(size) == text


@pytest.mark.parametrize("text", ["2026-13", "2026-1", "nov", "", "2026-11-01", "1812-01"])
def test_only_months_are_months(text: str) -> None:
    with pytest.raises(Invalid, match="Write it like 2026-11"):
        parse_month(text)


def test_the_nightly_round_visits_open_and_suspended_schools(school: Any) -> None:
    from apps.tenants.tests.factories import SchoolFactory

    SchoolFactory(status="archived")

    assert rounds.schemas_to_visit() == ["t_000001", "t_000002"]
    assert rounds.nightly(schema_name="t_000001") == 0
    with in_public():
        assert UsageMonth.objects.filter(school_id=1).exists()


def test_beat_sends_one_message_a_school(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    from apps.tenants import tasks

    sent: list[Any] = []
    monkeypatch.setattr(
        tasks.count_usage_of_school, "apply_async", lambda kwargs, **_: sent.append(kwargs)
    )
    monkeypatch.setattr(
        tasks.bill_month_of_school, "apply_async", lambda kwargs, **_: sent.append(kwargs)
    )

    assert (tasks.count_usage(), tasks.bill_month()) == (2, 2)

    assert [message["schema_name"] for message in sent] == ["t_000001", "t_000002"] * 2
    assert sent[2]["month"] == f"{month_before(this_month('UTC')):%Y-%m}"


def test_the_command_shows_a_table_and_json(school: Any) -> None:
    enrol(2)

    before = run("school_usage", "--school", "lincoln").splitlines()
    table = run("school_usage", "--refresh").splitlines()
    (row,) = json.loads(run("school_usage", "--school", "lincoln", "--json"))

    assert before[1].split()[2:5] == ["-", "-", "-"]
    assert before[1].endswith("never")
    assert table[0].split()[:4] == ["SCHOOL", "MONTH", "STUDENTS", "STORAGE_BYTES"]
    assert table[1].split()[:5] == ["lincoln", f"{running_month():%Y-%m}", "2", "0", "B"]
    assert (row["school"], row["usage"]["students"], row["closed"]) == ("lincoln", 2, False)


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (["--month", "2026-13"], "is not a month"),
        (["--school", "nowhere"], "nowhere"),
        (["--month", "2990-01", "--refresh"], "not begun"),
        (["--nonsense"], "unrecognized arguments"),
    ],
)
def test_bad_input_of_the_command_is_one_line_and_code_2(
    db: None, args: list[str], says: str
) -> None:
    with pytest.raises(CommandError, match=says) as refused:
        run("school_usage", *args)

    assert refused.value.returncode == 2
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("students", 1, "1 student"),
        ("students", 0, "0 students"),
        ("messages", 1, "1 message"),
        ("messages", 1200, "1,200 messages"),
    ],
)
def test_one_is_not_many(name: str, value: int, text: str) -> None:
    assert amount_text(name, value) == text
