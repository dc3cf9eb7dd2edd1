"""Writing, publishing and withdrawing news."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.events import facade as events
from apps.website.events import NewsPublished
from apps.website.models import NewsPost
from apps.website.services.locks import lock_slugs
from apps.website.services.text import free_slug
from kernel.errors import Invalid, NotFound


@transaction.atomic
def create_news(
    *,
    title: str,
    body: str,
    author_name: str = "",
    pinned: bool = False,
    is_starter: bool = False,
) -> NewsPost:
    """A new draft. Its address comes from the title and stays. Raises Invalid without a title.

    `is_starter` marks the post that a new school finds, which is nobody's own news yet.
    """
    _check(title)
    lock_slugs()
    slug = free_slug(
        title, fallback="news", is_taken=lambda slug: NewsPost.objects.filter(slug=slug).exists()
    )
    return NewsPost.objects.create(
        slug=slug,
        title=title.strip(),
        body=body,
        author_name=author_name.strip(),
        pinned=pinned,
        is_starter=is_starter,
    )


@transaction.atomic
def change_news(
    *, news_id: UUID, title: str, body: str, author_name: str = "", pinned: bool = False
) -> NewsPost:
    """Change a draft or a published post; its address stays. Raises NotFound, Invalid."""
    _check(title)
    post = _locked(news_id)
    post.title, post.body = title.strip(), body
    post.author_name, post.pinned, post.is_starter = author_name.strip(), pinned, False
    post.save()
    return post


@transaction.atomic
def write_news(
    *,
    title: str,
    body: str,
    actor: str,
    author_name: str = "",
    pinned: bool = False,
    publish: bool = True,
    published_at: datetime | None = None,
) -> NewsPost:
    """Write a post and, unless `publish` is false, publish it in the same step. Raises Invalid."""
    post = create_news(title=title, body=body, author_name=author_name, pinned=pinned)
    if not publish:
        return post
    return publish_news(news_id=post.id, actor=actor, published_at=published_at)


@transaction.atomic
def publish_news(*, news_id: UUID, actor: str, published_at: datetime | None = None) -> NewsPost:
    """Show the post to the public, as of `published_at` (UTC, not in the future; now if None).

    Publishing twice changes nothing. Raises NotFound, Invalid.
    """
    post = _locked(news_id)
    if post.published_at is not None:
        return post
    now = timezone.now()
    if published_at is not None and published_at > now:
        raise Invalid(_("News cannot be published in the future."), field="published_at")
    post.published_at = published_at or now
    post.save(update_fields=["published_at", "updated_at"])
    event = NewsPublished(
        news_id=post.id, slug=post.slug, title=post.title, published_at=post.published_at
    )
    events.publish(event, stream_type="news", stream_id=post.id, actor=actor)
    return post


@transaction.atomic
def withdraw_news(*, news_id: UUID) -> NewsPost:
    """Take the post off the public site; it becomes a draft again. Raises NotFound."""
    post = _locked(news_id)
    post.published_at = None
    post.save(update_fields=["published_at", "updated_at"])
    return post


@transaction.atomic
def delete_news(*, news_id: UUID) -> None:
    """Remove the post for good. Raises NotFound."""
    _locked(news_id).delete()


def _check(title: str) -> None:
    if not title.strip():
        raise Invalid(_("News need a title."), field="title")


def _locked(news_id: UUID) -> NewsPost:
    post = NewsPost.objects.select_for_update().filter(id=news_id).first()
    if post is None:
        raise NotFound(_("This piece of news does not exist."))
    return post
