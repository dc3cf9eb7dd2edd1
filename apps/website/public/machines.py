"""The public site as machines read it: robots.txt, sitemap, news feed."""

from __future__ import annotations

from xml.etree import ElementTree

from django.http import HttpRequest, HttpResponse
from django.utils.feedgenerator import Atom1Feed

from apps.activities.preferences import ACTIVITIES
from apps.website import selectors
from apps.website.public.shell import public_page
from apps.website.services.text import summary_of, to_html
from kernel.schools import current_school, school_url

SITEMAP_LIMIT = 5_000
FEED_LENGTH = 20
CALENDAR = "/calendar/"
FIXED_PAGES = ("/", "/news/", CALENDAR, "/staff/", "/documents/")
CLOSED_TO_ROBOTS = ("/portal/", "/family/", "/api/", "/sign-in/", "/invitation/", "/password/")


@public_page
def robots(request: HttpRequest) -> HttpResponse:
    lines = [
        "User-agent: *",
        *[f"Disallow: {path}" for path in CLOSED_TO_ROBOTS],
        f"Sitemap: {school_url('/sitemap.xml')}",
    ]
    return HttpResponse("\n".join(lines) + "\n", content_type="text/plain; charset=utf-8")


@public_page
def sitemap(request: HttpRequest) -> HttpResponse:
    root = ElementTree.Element("urlset", xmlns="http://www.sitemaps.org/schemas/sitemap/0.9")
    for path in FIXED_PAGES:
        if path != CALENDAR or ACTIVITIES.is_on:
            _add(root, path)
    for page in selectors.menu_pages():
        _add(root, f"/pages/{page.slug}/", page.updated_at.date().isoformat())
    for post in selectors.published_news().only("slug", "updated_at")[:SITEMAP_LIMIT]:
        _add(root, f"/news/{post.slug}/", post.updated_at.date().isoformat())
    body = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return HttpResponse(body, content_type="application/xml; charset=utf-8")


def _add(root: ElementTree.Element, path: str, changed: str = "") -> None:
    entry = ElementTree.SubElement(root, "url")
    ElementTree.SubElement(entry, "loc").text = school_url(path)
    if changed:
        ElementTree.SubElement(entry, "lastmod").text = changed


@public_page
def feed(request: HttpRequest) -> HttpResponse:
    """The newest posts as an Atom feed."""
    school = current_school()
    atom = Atom1Feed(
        title=school.name,
        link=school_url("/news/"),
        description=school.name,
        feed_url=school_url("/news/feed.xml"),
        language=school.language,
    )
    newest = selectors.published_news().order_by("-published_at", "-id")[:FEED_LENGTH]
    for post in newest:
        atom.add_item(
            title=post.title,
            link=school_url(f"/news/{post.slug}/"),
            description=summary_of(post.body),
            content=str(to_html(post.body)),
            unique_id=f"urn:uuid:{post.id}",
            pubdate=post.published_at,
            updateddate=post.updated_at,
            author_name=post.author_name or school.name,
        )
    return HttpResponse(
        atom.writeString("utf-8"), content_type="application/atom+xml; charset=utf-8"
    )
