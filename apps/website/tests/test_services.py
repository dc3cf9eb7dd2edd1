"""Writing the public site."""

import threading
from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from apps.tenants import facade as tenants
from apps.tenants.contracts import ProvisioningContext
from apps.website import facade as website
from apps.website.demo import load_site
from apps.website.models import NewsPost, Page, SchoolProfile, StaffEntry
from apps.website.provisioning import open_public_site
from apps.website.services import news, pages, profile
from kernel.errors import Invalid, NotFound
from kernel.ids import uuid7
from kernel.schools import in_school


def told(heard):
    return [(event.name, event.slug) for event in heard()]


def test_publishing_shows_the_post_and_tells_the_others_once(school, heard):
    post = news.create_news(title="  Open day ", body="Come in.")
    assert (post.slug, post.title, post.published_at) == ("open-day", "Open day", None)

    news.publish_news(news_id=post.id, actor="office@example.org")
    first = NewsPost.objects.get().published_at
    news.publish_news(news_id=post.id, actor="office@example.org")

    assert NewsPost.objects.get().published_at == first
    assert told(heard) == [("website.news_published", "open-day")]


def test_the_address_stays_when_the_title_changes(school):
    post = news.create_news(title="Open day", body="")

    news.change_news(news_id=post.id, title="Open days", body="New")

    assert NewsPost.objects.get().slug == "open-day"


def test_the_same_title_gets_another_address(school):
    slugs = [news.create_news(title="Open day", body="").slug for _ in range(3)]

    assert slugs == ["open-day", "open-day-2", "open-day-3"]


def test_two_editors_at_once_get_two_addresses(committed_school):
    start = threading.Barrier(2)

    def work():
        try:
            with in_school(committed_school.schema_name):
                start.wait()
                for _ in range(5):
                    news.create_news(title="Open day", body="")
        finally:
            connection.close()

    workers = [threading.Thread(target=work) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()

    assert NewsPost.objects.values("slug").distinct().count() == 10


def test_news_is_not_published_in_the_future(school):
    with pytest.raises(Invalid):
        website.publish_news(
            title="Later", body="", actor="x", published_at=timezone.now() + timedelta(hours=1)
        )

    assert NewsPost.objects.count() == 0


def test_a_post_needs_a_title_and_must_exist(school):
    with pytest.raises(Invalid):
        news.create_news(title="  ", body="x")
    with pytest.raises(NotFound):
        news.publish_news(news_id=uuid7(), actor="x")


def test_the_facade_lists_pinned_news_first_and_no_drafts(school):
    website.publish_news(title="Old but important", body="**A**", actor="x", pinned=True)
    website.publish_news(title="New", body="B", actor="x")
    news.create_news(title="Draft", body="C")

    latest = website.latest_news(limit=5)

    assert [info.title for info in latest] == ["Old but important", "New"]
    assert latest[0].summary == "A"
    assert latest[0].url == "http://lincoln.testserver/news/old-but-important/"


def test_a_page_tells_the_others_when_it_becomes_visible(school, heard):
    page = pages.save_page(
        page_id=None, title="Admissions", body="x", is_published=False, menu_order=1, actor="x"
    )
    assert told(heard) == []

    for _ in range(2):
        pages.save_page(
            page_id=page.id,
            title="Admissions",
            body="y",
            is_published=True,
            menu_order=1,
            actor="x",
        )

    assert told(heard) == [("website.page_published", "admissions")]
    assert Page.objects.get().body == "y"


def test_there_is_one_profile_and_fields_not_named_stay(school):
    assert website.has_profile() is False
    website.update_profile(about="We are a school.", hours="8 to 3")

    changed = website.update_profile(hours="8 to 4")

    assert (changed.about, changed.hours) == ("We are a school.", "8 to 4")
    assert website.has_profile() is True
    with pytest.raises(IntegrityError), transaction.atomic():
        SchoolProfile.objects.create(id=2)


def test_the_post_a_new_school_finds_is_its_own_once_somebody_changes_it(school):
    starter = news.create_news(title="Our website is here", body="Hello.", is_starter=True)
    news.publish_news(news_id=starter.id, actor="homeroom")
    news.create_news(title="A draft", body="")
    assert website.has_own_news() is False

    news.change_news(news_id=starter.id, title="Our website is here", body="Hello, families.")

    assert website.has_own_news() is True


def test_what_the_profile_leaves_open_comes_from_the_schools_settings(school):
    assert website.get_profile().hero_title == "Lincoln Elementary"


def test_an_unknown_profile_field_is_refused(school):
    with pytest.raises(Invalid):
        profile.update_profile(nickname="x")


@pytest.mark.parametrize(("schema", "word"), [("t_000001", "School day"), ("t_000002", "Horario")])
def test_the_demo_site_is_in_the_schools_language_and_safe_to_repeat(db, schema, word):
    with in_school(schema):
        assert load_site(seed=7) == 12
        assert load_site(seed=7) == 0

        assert NewsPost.objects.published().count() == 12
        assert NewsPost.objects.published()[0].pinned
        assert NewsPost.objects.filter(published_at__gt=timezone.now()).count() == 0
        assert Page.objects.filter(title=word, is_published=True).exists()
        assert StaffEntry.objects.count() == 10
        assert website.has_profile()
        school = tenants.current_school_info()
        assert school.contact_email.endswith(f"@{school.slug}.example")
        assert school.contact_phone
        assert school.address


@pytest.mark.parametrize("schema", ["t_000001", "t_000002"])
def test_a_new_school_has_a_public_site_to_start_from(db, schema):
    with in_school(schema):
        school = tenants.current_school_info()
        open_public_site(
            ProvisioningContext(school=school, admin_email="a@b.org", admin_name="Head")
        )

        assert school.name in website.get_profile().hero_title
        assert [post.is_published for post in NewsPost.objects.all()] == [True]
        assert website.has_profile() is False, "the set-up checklist still asks for it"
        assert website.has_own_news() is False, "and for news of the school's own"
