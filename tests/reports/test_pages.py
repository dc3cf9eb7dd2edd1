"""The reports in the portal: who may open them, what they say, and the files they give."""

from __future__ import annotations

import csv
import io
import zipfile
from datetime import date, timedelta
from typing import Any
from xml.etree import ElementTree

import pytest

from apps.fees.portal.charts import column_chart
from apps.fees.portal.periods import PRESETS, PeriodForm
from apps.fees.tests import factories as make
from apps.payments import models
from kernel.schools import today
from tests.reports import books

ROOT = "/portal/fees/reports/"
SPAN = "since=2025-11-01&until=2025-11-30"
PAGES = ("", "refunds/", "outstanding/")
FILES = ("takings/file/", "refunds/file/", "outstanding/file/")


@pytest.fixture
def room(school: Any) -> Any:
    return make.make_class()


def read(response: Any) -> bytes:
    return b"".join(response.streaming_content)


def table(response: Any) -> list[list[str]]:
    return list(csv.reader(io.StringIO(read(response).decode("utf-8-sig"))))


def sheets(response: Any) -> dict[str, list[list[str]]]:
    """Title -> rows of an XLSX file, read from its XML."""
    space = {"m": "http://schemas.openxmlformats.org/spreadsheetml/2006/main"}
    with zipfile.ZipFile(io.BytesIO(read(response))) as file:
        book = ElementTree.fromstring(file.read("xl/workbook.xml"))
        titles = [sheet.attrib["name"] for sheet in book.findall(".//m:sheet", space)]
        found = {}
        for number, title in enumerate(titles, 1):
            page = ElementTree.fromstring(file.read(f"xl/worksheets/sheet{number}.xml"))
            assert page.findall(".//m:f", space) == []  # no formula anywhere
            found[title] = [
                ["".join(cell.itertext()) for cell in row.findall("m:c", space)]
                for row in page.findall(".//m:row", space)
            ]
    return found


@pytest.mark.parametrize("path", [*PAGES, *FILES])
def test_who_may_open_a_report(room: Any, client_for: Any, anonymous: Any, path: str) -> None:
    for role, status in (
        ("bursar", 200),
        ("admin", 200),
        ("office", 403),
        ("teacher", 403),
        ("guardian", 403),
    ):
        assert client_for(role).get(ROOT + path).status_code == status, role
    assert anonymous().get(ROOT + path)["Location"].startswith("/sign-in/")
    assert client_for("bursar", email="b@example.org").post(ROOT + path).status_code == 405


def test_the_menu_leads_there(room: Any, client_for: Any) -> None:
    assert f'href="{ROOT}"' in client_for("bursar").get("/portal/").content.decode()
    assert f'href="{ROOT}"' not in client_for("office").get("/portal/").content.decode()


def test_takings_say_the_same_on_the_page_and_in_the_files(
    room: Any, drain: Any, client_for: Any
) -> None:
    books.november(room, drain)
    client = client_for("bursar")
    page = client.get(f"{ROOT}?{SPAN}").content.decode()
    for words in ("$1,080.00", "$520.00", "$560.00", "Tuition", "At the counter", "<svg"):
        assert words in page
    assert 'style="' not in page
    for cut in ("day", "method", "category", "account"):
        rows = table(client.get(f"{ROOT}takings/file/?{SPAN}&format=csv&cut={cut}"))
        assert rows[-1] == ["Total", "1080.00", "520.00", "0.00", "560.00", "0.00"]
        assert sum(float(row[1]) for row in rows[1:-1]) == 1080
    listed = table(client.get(f"{ROOT}takings/file/?{SPAN}&format=csv&cut=payments"))
    assert [row[5] for row in listed[1:]] == ["480.00", "100.00", "500.00"]
    book = sheets(client.get(f"{ROOT}takings/file/?{SPAN}&format=xlsx"))
    assert len(book) == 7
    assert book["3 By category"][-1] == ["Total", "1080", "520", "0", "560", "0"]
    assert len(book["1 By day"]) == 32
    # Without an account: an empty cell is none.
    assert [row[3] for row in book["7 Refunds"][1:]] == ["480", "40"]


def test_refunds_are_listed_with_reason_and_person(room: Any, drain: Any, client_for: Any) -> None:
    made = books.november(room, drain)
    client = client_for("bursar")
    models.Refund.objects.filter(payment_id=made.cash).update(
        status="pending", completed_at=None, reason="Still moving"
    )
    page = client.get(f"{ROOT}refunds/?{SPAN}").content.decode()
    assert "$480.00" in page
    assert books.ACTOR in page
    assert "Still moving" in page  # on its way now
    rows = table(client.get(f"{ROOT}refunds/file/?{SPAN}&format=csv"))
    assert [row[4] for row in rows[1:]] == ["480.00"]


def test_outstanding_as_of_a_past_day(room: Any, drain: Any, client_for: Any) -> None:
    books.november(room, drain)
    client = client_for("bursar")
    early = client.get(f"{ROOT}outstanding/?as_of=2025-10-20").content.decode()
    assert "$960.00" in early
    rows = table(client.get(f"{ROOT}outstanding/file/?as_of=2025-10-20&format=csv"))
    assert sum(float(row[7]) for row in rows[1:]) == 960
    book = sheets(client.get(f"{ROOT}outstanding/file/?as_of=2025-10-20&format=xlsx"))
    assert book["2 By class"][-1][-1] == book["3 By category"][-1][-1] == "960"
    assert (
        "Nothing was outstanding"
        in client.get(f"{ROOT}outstanding/?as_of=2025-09-01").content.decode()
    )


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "=cmd|' /C calc'!A0"])
def test_no_cell_is_run_as_a_formula(room: Any, drain: Any, client_for: Any, name: str) -> None:
    made = books.november(room, drain)
    models.Payment.objects.filter(pk=made.card).update(payer_name=name, description=name)
    client = client_for("bursar")
    rows = table(client.get(f"{ROOT}takings/file/?{SPAN}&format=csv&cut=payments"))
    assert rows[1][1:3] == [f"'{name}", f"'{name}"]
    book = sheets(client.get(f"{ROOT}takings/file/?{SPAN}&format=xlsx"))
    assert book["6 Payments"][1][1].strip() == name.strip()  # a string; sheets() saw no formula


def test_test_payments_are_left_out_with_a_word(room: Any, drain: Any, client_for: Any) -> None:
    made = books.november(room, drain)
    models.Payment.objects.filter(pk=made.card).update(mode="test")
    client = client_for("bursar")
    page = client.get(f"{ROOT}?{SPAN}").content.decode()
    assert "1 test payment of $480.00 is left out" in page
    shown = client.get(f"{ROOT}?{SPAN}&money=test").content.decode()
    assert "none of this is real money" in shown
    assert "$480.00" in shown
    rows = table(client.get(f"{ROOT}takings/file/?{SPAN}&money=test&cut=payments"))
    assert [row[rows[0].index("Test")] for row in rows[1:]] == ["yes"]


@pytest.mark.parametrize(
    "query",
    [
        "since=2025-11-30&until=2025-11-01",
        "since=2015-01-01&until=2025-01-01",
        "since=0001-01-01&until=0001-01-02",
        "since=9999-12-30&until=9999-12-31",
        "since=x&until=%00",
        "period=eternity",
        "money=%3Cscript%3E",
    ],
)
def test_bad_days_are_told_and_break_nothing(room: Any, client_for: Any, query: str) -> None:
    client = client_for("bursar")
    for path in ("", "refunds/", "takings/file/", "refunds/file/"):
        response = client.get(f"{ROOT}{path}?{query}")
        assert response.status_code == 200
    page = client.get(f"{ROOT}?{query}").content.decode()
    assert "<script>" not in page
    assert ("alert-bad" in page) == query.startswith("since")


@pytest.mark.parametrize("day", ["9999-12-31", "0001-01-01", "tomorrow", "%00"])
def test_bad_days_of_outstanding(room: Any, client_for: Any, day: str) -> None:
    client = client_for("bursar")
    page = client.get(f"{ROOT}outstanding/?as_of={day}")
    assert page.status_code == 200
    assert "alert-bad" in page.content.decode()
    assert client.get(f"{ROOT}outstanding/file/?as_of={day}").status_code == 200


@pytest.mark.parametrize("query", ["format=exe", "format=csv&cut=secrets"])
def test_an_unknown_file_is_a_clear_refusal(room: Any, client_for: Any, query: str) -> None:
    client = client_for("bursar")
    assert client.get(f"{ROOT}takings/file/?{query}").status_code in (400, 422)


def test_empty_reports_say_so(room: Any, client_for: Any) -> None:
    client = client_for("bursar")
    for path, words in zip(
        PAGES,
        ("No money in this time", "No refunds in this time", "Nothing was outstanding"),
        strict=True,
    ):
        page = client.get(f"{ROOT}{path}").content.decode()
        assert words in page
        assert "<svg class=" in page  # icons
        assert "columns-chart" not in page


def test_presets_end_today_and_begin_where_their_name_says(school: Any) -> None:
    on = date(2025, 11, 12)  # a Wednesday
    spans = {name: span(on) for name, (_title, span) in PRESETS.items()}
    assert spans["today"] == (on, on)
    assert spans["this_week"] == (date(2025, 11, 10), on)
    assert spans["this_month"] == (date(2025, 11, 1), on)
    assert spans["last_month"] == (date(2025, 10, 1), date(2025, 10, 31))
    assert spans["school_year"] == (date(2024, 11, 12), on)  # no year yet: twelve months


def test_the_school_year_is_the_schools(room: Any) -> None:
    from apps.students import facade as students

    year = students.current_year()
    assert year is not None
    middle = year.starts_on + timedelta(days=40)
    _title, span = PRESETS["school_year"]
    assert span(middle) == (year.starts_on, middle)
    assert span(year.ends_on + timedelta(days=9)) == (year.starts_on, year.ends_on)


def test_one_day_alone_is_completed(school: Any) -> None:
    only_since = PeriodForm({"since": "2025-11-03"}).period()
    assert (only_since.since, only_since.until) == (date(2025, 11, 3), today())
    only_until = PeriodForm({"until": "2025-11-20"}).period()
    assert (only_until.since, only_until.until) == (date(2025, 11, 1), date(2025, 11, 20))


def test_a_long_span_is_shown_by_month(room: Any, drain: Any, client_for: Any) -> None:
    books.november(room, drain)
    page = client_for("bursar").get(f"{ROOT}?since=2025-01-01&until=2025-12-31").content.decode()
    assert "Nov 2025" in page
    assert "By month" in page


def test_a_chart_is_drawn_to_scale() -> None:
    chart = column_chart([("a", "1", 300, 0), ("b", "2", 0, 100), ("c", "3", 0, 0)])
    assert chart is not None
    first, second = chart.columns
    assert (first.y, first.height, first.tone) == (0, 75, "in")
    assert (second.y, second.height, second.tone) == (75, 25, "out")
    assert column_chart([]) is None
    assert column_chart([("a", "", 0, 0)]) is None


def test_the_page_costs_few_queries(
    room: Any, drain: Any, client_for: Any, django_assert_max_num_queries: Any
) -> None:
    books.november(room, drain)
    client = client_for("bursar")
    client.get(ROOT)
    for path in PAGES:
        with django_assert_max_num_queries(18):
            client.get(f"{ROOT}{path}?{SPAN}")
