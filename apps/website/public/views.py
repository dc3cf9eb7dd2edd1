"""The school's public pages. No student, guardian or amount appears on any of them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from hashlib import sha256
from uuid import UUID

from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseBase
from django.utils import timezone
from django.utils.cache import get_conditional_response
from django.utils.http import quote_etag
from django.utils.text import slugify

from apps.activities import facade as activities
from apps.activities.preferences import ACTIVITIES
from apps.website import selectors
from apps.website.models import Document, NewsPost
from apps.website.public.calendar import rows_of
from apps.website.public.shell import not_there, public_page, site_page
from apps.website.services.text import summary_of, to_html
from kernel.pages import paginate, query

NEWS_ON_HOME = 4
EVENTS_ON_HOME = 5
HOME_LOOKS_AHEAD = timedelta(days=60)


@public_page
def home(request: HttpRequest) -> HttpResponse:
    now = timezone.now()
    events = []
    if ACTIVITIES.is_on:
        events = activities.upcoming(since=now, until=now + HOME_LOOKS_AHEAD, public_only=True)
    posts = _cards(selectors.published_news()[:NEWS_ON_HOME])
    profile = selectors.public_profile()
    context = {
        "profile": profile,
        "about": to_html(profile.about),
        "posts": posts,
        "events": rows_of(events[:EVENTS_ON_HOME]),
    }
    return site_page(request, "website/public/home.html", context)


def _cards(posts: Iterable[NewsPost]) -> list[dict[str, object]]:
    return [{"post": post, "summary": summary_of(post.body)} for post in posts]


@public_page
def news_list(request: HttpRequest) -> HttpResponse:
    q = query(request)
    page = paginate(request, selectors.published_news(search=q), per_page=10)
    context = {"page": page, "cards": _cards(page.object_list), "q": q}
    return site_page(request, "website/public/news_list.html", context)


@public_page
def news_post(request: HttpRequest, slug: str) -> HttpResponse:
    post = selectors.get_published_news(slug=slug)
    more = selectors.published_news().exclude(id=post.id).only("slug", "title", "published_at")[:4]
    context = {
        "post": post,
        "body": to_html(post.body),
        "summary": summary_of(post.body, characters=160),
        "more": more,
    }
    return site_page(request, "website/public/news_post.html", context)


@public_page
def page(request: HttpRequest, slug: str) -> HttpResponse:
    found = selectors.get_published_page(slug=slug)
    context = {"page_shown": found, "body": to_html(found.body)}
    return site_page(request, "website/public/page.html", context)


@public_page
def staff(request: HttpRequest) -> HttpResponse:
    q = query(request)
    entries = selectors.list_staff(published_only=True, search=q)
    return site_page(request, "website/public/staff.html", {"entries": entries, "q": q})


@public_page
def documents(request: HttpRequest) -> HttpResponse:
    q = query(request)
    page = paginate(request, selectors.list_documents(published_only=True, search=q), per_page=50)
    return site_page(request, "website/public/documents.html", {"page": page, "q": q})


@public_page
def document(request: HttpRequest, document_id: UUID) -> HttpResponseBase:
    """The file itself, always as a download: nothing uploaded is ever shown as a page of ours."""
    found = selectors.get_document(document_id=document_id, published_only=True)
    # The name is random and its content never changes; the title is part of the answer too.
    etag = quote_etag(sha256(f"{found.file.name}:{found.title}".encode()).hexdigest()[:24])
    unchanged = get_conditional_response(request, etag=etag)
    response = _download(found) if unchanged is None else unchanged
    response["ETag"] = etag
    return response


def _download(found: Document) -> HttpResponseBase:
    try:
        content = found.file.open("rb")
    except FileNotFoundError:
        raise not_there() from None
    name = f"{slugify(found.title) or 'document'}.{found.extension}"
    response = FileResponse(
        content, as_attachment=True, filename=name, content_type=found.content_type
    )
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response["X-Content-Type-Options"] = "nosniff"
    return response
