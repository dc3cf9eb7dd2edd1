"""What strangers see."""

from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree

import pytest
from django.utils import timezone
from icalendar import Calendar

from apps.activities.contracts import CalendarItem
from apps.students.tests.factories import GuardianFactory, StudentFactory
from apps.tenants import facade as tenants
from apps.website import facade as website
from apps.website.public import calendar, views
from kernel.ids import uuid7

from .factories import NewsPostFactory, PageFactory, StaffEntryFactory

pytestmark = pytest.mark.usefixtures("school")

EVERY_PAGE = (
    "/",
    "/news/",
    "/news/feed.xml",
    "/staff/",
    "/documents/",
    "/calendar/",
    "/calendar.ics",
    "/robots.txt",
    "/sitemap.xml",
)


def item(title, starts_at, ends_at, *, all_day=False, place="", url=""):
    return CalendarItem(
        id=uuid7(),
        title=title,
        starts_at=starts_at,
        ends_at=ends_at,
        all_day=all_day,
        place=place,
        kind="entry",
        url=url,
    )


@pytest.fixture
def show_events(monkeypatch):
    """Put items into the calendar; keeps what was asked for."""
    asked = []

    def show(*items):
        def upcoming(**question):
            asked.append(question)
            return list(items)

        for module in (calendar, views):
            monkeypatch.setattr(module.activities, "upcoming", upcoming)
        return asked

    return show


@pytest.mark.parametrize("path", EVERY_PAGE)
def test_an_empty_site_answers_everywhere_and_may_be_cached(anonymous, path):
    answer = anonymous().get(path)

    assert answer.status_code == 200
    assert answer["Cache-Control"] == "public, max-age=60"
    assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize("path", EVERY_PAGE)
def test_a_page_of_a_signed_in_person_is_theirs(client_for, path):
    answer = client_for("guardian").get(path)

    assert answer.status_code == 200
    assert "private" in answer["Cache-Control"]
    assert "Cookie" in answer["Vary"]


@pytest.mark.parametrize("path", EVERY_PAGE)
def test_pages_are_only_read(anonymous, path):
    assert anonymous().post(path).status_code in (403, 405)


def test_the_home_page_shows_profile_news_and_events(anonymous, show_events):
    website.update_profile(hero_title="Welcome!", about="We **learn** here.")
    NewsPostFactory(title="Open day")
    soon = timezone.now() + timedelta(days=2)
    asked = show_events(item("Winter concert", soon, soon, place="Gym"))

    page = anonymous().get("/").content.decode()

    for text in ("Welcome!", "We <strong>learn</strong> here.", "Open day", "Gym"):
        assert text in page
    assert all(question["public_only"] is True for question in asked)


@pytest.mark.parametrize("path", ["/", "/news/", "/calendar/", "/pages/nothing/"])
def test_the_contact_details_are_the_settings_of_the_school(school, anonymous, path):
    tenants.update_settings(
        school_id=school.id,
        contact_email="office@lincoln.example",
        contact_phone="+1 217 555 0142",
        address="1400 Maple Avenue\nSpringfield",
    )

    page = anonymous().get(path).content.decode()

    assert 'href="mailto:office@lincoln.example"' in page
    assert 'href="tel:+12175550142"' in page
    assert "1400 Maple Avenue<br>Springfield" in page


def test_a_school_without_contact_details_says_so(anonymous):
    assert "has not given its contact details yet" in anonymous().get("/").content.decode()


def test_the_home_page_needs_few_queries(anonymous, django_assert_max_num_queries):
    for _ in range(8):
        NewsPostFactory()
        PageFactory()
    client = anonymous()
    client.get("/")

    with django_assert_max_num_queries(6):
        client.get("/")


def test_the_news_list_needs_few_queries(anonymous, django_assert_max_num_queries):
    for _ in range(25):
        NewsPostFactory()
    client = anonymous()
    client.get("/news/")

    with django_assert_max_num_queries(4):
        page = client.get("/news/?page=2").content.decode()
    assert page.count("<article") == 10


def test_a_stranger_sees_no_persons_data(anonymous):
    guardian = GuardianFactory(name="Gwendolyn Guardian", email="gwen@example.org")
    StudentFactory(first_name="Zebediah", last_name="Secret", guardians=[guardian])
    StaffEntryFactory(name="Shown Teacher")
    StaffEntryFactory(name="Hidden Teacher", is_published=False)

    everything = "".join(anonymous().get(path).content.decode() for path in EVERY_PAGE)

    assert "Shown Teacher" in everything
    for secret in ("Gwendolyn", "gwen@example.org", "Zebediah", "Hidden Teacher"):
        assert secret not in everything


def test_drafts_and_hidden_pages_are_not_there(anonymous):
    draft = NewsPostFactory(title="Secret draft", published_at=None)
    later = NewsPostFactory(title="Later", published_at=timezone.now() + timedelta(days=1))
    hidden = PageFactory(title="Secret page", is_published=False)
    client = anonymous()

    for path in (f"/news/{draft.slug}/", f"/news/{later.slug}/", f"/pages/{hidden.slug}/"):
        answer = client.get(path)
        assert answer.status_code == 404
        assert "Secret" not in answer.content.decode()
    everything = "".join(client.get(path).content.decode() for path in EVERY_PAGE)
    assert "Secret" not in everything
    assert "Later" not in everything


def test_a_post_shows_its_text_as_safe_html(anonymous):
    post = NewsPostFactory(title="A < B", body="Hello <script>alert(1)</script> **you**")

    page = anonymous().get(f"/news/{post.slug}/").content.decode()

    assert "A &lt; B" in page
    assert "<strong>you</strong>" in page
    assert "<script>alert(1)" not in page


def test_the_news_are_searched(anonymous):
    NewsPostFactory(title="Chess club", body="places")
    NewsPostFactory(title="Concert", body="music")

    page = anonymous().get("/news/?q=chess%00").content.decode()

    assert "Chess club" in page
    assert "Concert" not in page
    assert "Nothing found" in anonymous().get("/news/?q=nothing-like-it").content.decode()


def test_published_pages_stand_in_the_menu_in_their_order(anonymous):
    PageFactory(title="Second one", slug="second", menu_order=2)
    PageFactory(title="First one", slug="first", menu_order=1)

    page = anonymous().get("/pages/second/").content.decode()

    assert page.index('href="/pages/first/"') < page.index('href="/pages/second/"')


def test_the_other_schools_site_is_its_own(anonymous, other_school):
    post = NewsPostFactory(title="Only Lincoln")
    client = anonymous(other_school)

    home = client.get("/").content.decode()

    assert "Colegio San Martín" in home
    assert "Only Lincoln" not in home
    assert '<html lang="es"' in home
    assert client.get(f"/news/{post.slug}/").status_code == 404


def test_the_calendar_shows_the_days_in_the_schools_zone(anonymous, show_events):
    # 20:00 in Chicago on November 5 is the 6th in UTC.
    show_events(
        item("Board game night", at(2026, 11, 6, 2), at(2026, 11, 6, 4), place="Library"),
        item("Autumn break", at(2026, 11, 23, 6), at(2026, 11, 28, 6), all_day=True),
    )

    page = anonymous().get("/calendar/?month=2026-11").content.decode()

    assert "November 2026" in page
    assert cell(page, "2026-11-05").count("Board game night") == 1
    assert "Board game night" not in cell(page, "2026-11-06")
    for day in range(23, 28):
        assert "Autumn break" in cell(page, f"2026-11-{day}")
    assert "Autumn break" not in cell(page, "2026-11-28")
    assert "Monday, November 23, 2026" in page
    assert "Friday, November 27, 2026" in page, "the last day, not the midnight after it"
    assert "?month=2026-10" in page
    assert "?month=2026-12" in page


def at(year, month, day, hour):
    return datetime(year, month, day, hour, tzinfo=UTC)


def cell(page, day):
    start = page.index(f'<time datetime="{day}"')
    return page[start : page.index("</td>", start)]


def test_weeks_start_as_the_country_has_it(anonymous, other_school):
    def first_day(client):
        return client.get("/calendar/?month=2026-11").content.decode().split('title="')[1][:5]

    assert first_day(anonymous()) == "Sunda"
    assert first_day(anonymous(other_school)) == "lunes"


@pytest.mark.parametrize("month", ["", "x", "2026-13", "0000-01", "2026-11-01", "99999-01", "%00"])
def test_a_bad_month_is_this_month(anonymous, month):
    assert anonymous().get(f"/calendar/?month={month}").status_code == 200


def test_the_feed_is_read_by_a_calendar_program(anonymous, show_events):
    show_events(
        item('Concert, with "tea"; free', at(2026, 11, 6, 2), at(2026, 11, 6, 4), place="Gym"),
        item("Break", at(2026, 11, 23, 6), at(2026, 11, 28, 6), all_day=True, url="/calendar/"),
    )

    answer = anonymous().get("/calendar.ics")

    book = Calendar.from_ical(answer.content)
    concert, rest = book.walk("VEVENT")
    assert answer["Content-Type"] == "text/calendar; charset=utf-8"
    assert book["X-WR-CALNAME"] == "Lincoln Elementary"
    assert concert["SUMMARY"] == 'Concert, with "tea"; free'
    assert concert["LOCATION"] == "Gym"
    assert concert["DTSTART"].dt == at(2026, 11, 6, 2)
    assert concert["UID"].endswith("@lincoln.testserver")
    assert str(rest["DTSTART"].dt) == "2026-11-23"
    assert str(rest["DTEND"].dt) == "2026-11-28", "the day after the last one"
    assert rest["URL"] == "http://lincoln.testserver/calendar/"


def test_robots_and_sitemap(anonymous):
    post, page = NewsPostFactory(), PageFactory()

    robots = anonymous().get("/robots.txt").content.decode()
    root = ElementTree.fromstring(anonymous().get("/sitemap.xml").content)

    assert "Disallow: /portal/" in robots
    assert "Sitemap: http://lincoln.testserver/sitemap.xml" in robots
    places = [entry.text for entry in root.iter("{http://www.sitemaps.org/schemas/sitemap/0.9}loc")]
    assert f"http://lincoln.testserver/news/{post.slug}/" in places
    assert f"http://lincoln.testserver/pages/{page.slug}/" in places


def test_the_news_feed_holds_the_newest(anonymous):
    NewsPostFactory(title="Open day & more")

    feed = anonymous().get("/news/feed.xml")

    root = ElementTree.fromstring(feed.content)
    titles = [entry.text for entry in root.iter("{http://www.w3.org/2005/Atom}title")]
    assert titles == ["Lincoln Elementary", "Open day & more"]
