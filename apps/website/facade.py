"""What the rest of the system may ask of the public site."""

from __future__ import annotations

from datetime import datetime

from apps.website import selectors
from apps.website.contracts import NewsInfo, ProfileInfo
from apps.website.models import NewsPost
from apps.website.services import news, profile
from apps.website.services.text import summary_of
from kernel.schools import school_url


def has_profile() -> bool:
    """Whether the school has told the public about itself."""
    return selectors.has_profile()


def get_profile() -> ProfileInfo:
    """The profile as the public sees it."""
    return selectors.public_profile()


def update_profile(**changes: str) -> ProfileInfo:
    """Set fields of the profile; the others stay. Raises Invalid for an unknown field."""
    profile.update_profile(**changes)
    return selectors.public_profile()


def publish_news(
    *,
    title: str,
    body: str,
    actor: str,
    author_name: str = "",
    pinned: bool = False,
    published_at: datetime | None = None,
) -> NewsInfo:
    """Write and publish a post in one step. `body` is Markdown; `published_at` is UTC and not in
    the future (now if None). Raises Invalid."""
    post = news.write_news(
        title=title,
        body=body,
        actor=actor,
        author_name=author_name,
        pinned=pinned,
        published_at=published_at,
    )
    return _info(post)


def latest_news(*, limit: int = 3) -> list[NewsInfo]:
    """What the public sees first: pinned posts, then the newest."""
    return [_info(post) for post in selectors.published_news()[:limit]]


def documents_bytes(*, before: datetime) -> int:
    """The size of all documents uploaded before that moment, in bytes."""
    return selectors.documents_bytes(before=before)


def has_own_news() -> bool:
    """Whether the public sees news beyond the post that a new school starts with."""
    return selectors.has_own_news()


def _info(post: NewsPost) -> NewsInfo:
    if post.published_at is None:
        raise ValueError("a draft is nobody else's business")
    return NewsInfo(
        id=post.id,
        slug=post.slug,
        title=post.title,
        summary=summary_of(post.body),
        pinned=post.pinned,
        author_name=post.author_name,
        published_at=post.published_at,
        url=school_url(f"/news/{post.slug}/"),
    )
