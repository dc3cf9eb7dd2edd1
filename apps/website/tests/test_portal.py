"""The editor of the public site."""

import pytest

from apps.website.models import NewsPost, Page, SchoolProfile, StaffEntry
from apps.website.services.documents import add_document
from kernel.ids import uuid7

from .factories import NewsPostFactory, PageFactory, StaffEntryFactory, upload

pytestmark = pytest.mark.usefixtures("school")

PAGES = ("", "news/", "news/new/", "pages/", "pages/new/", "staff/", "staff/new/", "documents/")


@pytest.mark.parametrize("role", ["admin", "office"])
def test_editors_open_every_page(client_for, role):
    post, page, entry = NewsPostFactory(), PageFactory(), StaffEntryFactory()
    document = add_document(title="Menu", upload=upload(), actor="x")
    client = client_for(role)
    own = (
        "documents/new/",
        f"news/{post.id}/",
        f"pages/{page.id}/",
        f"staff/{entry.id}/",
        f"documents/{document.id}/",
    )

    for path in (*PAGES, *own):
        assert client.get(f"/portal/website/{path}").status_code == 200, path


@pytest.mark.parametrize("role", ["bursar", "teacher", "guardian"])
def test_others_do_not_and_change_nothing(client_for, role):
    post = NewsPostFactory(title="Stays")
    client = client_for(role)

    for path in PAGES:
        assert client.get(f"/portal/website/{path}").status_code == 403, path
    for path in ("publish", "withdraw", "delete"):
        assert client.post(f"/portal/website/news/{post.id}/{path}/").status_code == 403
    assert client.post("/portal/website/", {"about": "hacked"}).status_code == 403
    assert NewsPost.objects.get().is_published
    assert SchoolProfile.objects.count() == 0


def test_strangers_sign_in_first(anonymous):
    for path in PAGES:
        answer = anonymous().get(f"/portal/website/{path}")
        assert answer["Location"].startswith("/sign-in/")


def test_a_post_is_written_previewed_published_and_withdrawn(client_for, anonymous):
    client = client_for("office")
    form = {"title": "Open day", "body": "Come **in**", "author_name": "The office"}

    preview = client.post("/portal/website/news/new/", {**form, "preview": "1"})
    assert "Come <strong>in</strong>" in preview.content.decode()
    assert NewsPost.objects.count() == 0

    client.post("/portal/website/news/new/", form)
    post = NewsPost.objects.get()
    assert not post.is_published
    assert anonymous().get("/news/open-day/").status_code == 404

    client.post(f"/portal/website/news/{post.id}/", {**form, "publish": "1"})
    assert anonymous().get("/news/open-day/").status_code == 200

    client.post(f"/portal/website/news/{post.id}/withdraw/")
    assert anonymous().get("/news/open-day/").status_code == 404

    client.post(f"/portal/website/news/{post.id}/delete/")
    assert NewsPost.objects.count() == 0


def test_the_live_preview_is_a_piece_of_the_page(client_for):
    answer = client_for("admin").post(
        "/portal/website/preview/", {"body": "# Hi\n\n<script>x</script>"}
    )

    html = answer.content.decode()
    assert html.startswith('<div id="preview"')
    assert "<h2>Hi</h2>" in html
    assert "<script>" not in html


def test_a_form_with_mistakes_says_which(client_for):
    answer = client_for("admin").post("/portal/website/news/new/", {"title": "", "body": ""})

    assert answer.status_code == 200
    assert "This field is required." in answer.content.decode()
    assert NewsPost.objects.count() == 0


def test_news_are_searched_and_drafts_filtered(client_for):
    NewsPostFactory(title="Chess club")
    NewsPostFactory(title="Concert draft", published_at=None)
    client = client_for("admin")

    found = client.get("/portal/website/news/?q=chess").content.decode()
    drafts = client.get("/portal/website/news/?show=drafts").content.decode()

    assert "Chess club" in found
    assert "Concert draft" not in found
    assert "Chess club" not in drafts
    assert "Concert draft" in drafts


def test_the_profile_is_saved(client_for, anonymous):
    client_for("admin").post(
        "/portal/website/", {"hero_title": "Hello there", "about": "We.", "hours": "8 to 4"}
    )

    assert "Hello there" in anonymous().get("/").content.decode()
    assert SchoolProfile.objects.get().hours == "8 to 4"


def test_a_too_long_headline_is_refused(client_for):
    answer = client_for("admin").post("/portal/website/", {"hero_title": "x" * 121})

    assert "at most 120 characters" in answer.content.decode()
    assert SchoolProfile.objects.count() == 0


def test_the_profile_says_where_the_contact_details_are_changed(client_for):
    link = 'href="/portal/settings/#contact-title"'

    admins = client_for("admin").get("/portal/website/").content.decode()
    offices = client_for("office").get("/portal/website/").content.decode()

    assert link in admins
    assert link not in offices, "the office may not change settings"
    assert "an administrator can change them" in offices
    assert 'name="email"' not in admins


def test_a_page_is_made_changed_and_deleted(client_for, anonymous):
    client = client_for("office")
    form = {"title": "School day", "body": "Text", "menu_order": "5", "is_published": "on"}

    client.post("/portal/website/pages/new/", form)
    page = Page.objects.get()
    assert anonymous().get("/pages/school-day/").status_code == 200

    client.post(f"/portal/website/pages/{page.id}/", {**form, "is_published": ""})
    assert anonymous().get("/pages/school-day/").status_code == 404

    client.post(f"/portal/website/pages/{page.id}/delete/")
    assert Page.objects.count() == 0


def test_the_staff_directory_is_edited(client_for, anonymous):
    client = client_for("office")
    form = {"name": "Ana Ruiz", "position": "Music", "email": "", "order": "1"}

    client.post("/portal/website/staff/new/", {**form, "is_published": "on"})
    entry = StaffEntry.objects.get()
    assert "Ana Ruiz" in anonymous().get("/staff/").content.decode()

    client.post(f"/portal/website/staff/{entry.id}/", form)
    assert "Ana Ruiz" not in anonymous().get("/staff/").content.decode()

    client.post(f"/portal/website/staff/{entry.id}/delete/")
    assert StaffEntry.objects.count() == 0


def test_what_the_other_school_has_is_not_there(client_for, in_other_school):
    with in_other_school():
        theirs = NewsPostFactory(title="Ajena")
    client = client_for("admin")

    assert "Ajena" not in client.get("/portal/website/news/").content.decode()
    for path in (f"news/{theirs.id}/", f"news/{uuid7()}/", f"pages/{uuid7()}/"):
        assert client.get(f"/portal/website/{path}").status_code == 404
    assert client.post(f"/portal/website/news/{theirs.id}/delete/").status_code == 404
    with in_other_school():
        assert NewsPost.objects.count() == 1


def test_the_number_of_queries_does_not_grow_with_the_list(
    client_for, django_assert_max_num_queries
):
    client = client_for("admin")
    for _ in range(20):
        NewsPostFactory()

    with django_assert_max_num_queries(8):
        client.get("/portal/website/news/")
