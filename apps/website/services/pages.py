"""The pages of the public site."""

from __future__ import annotations

from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from apps.events import facade as events
from apps.website.events import PagePublished
from apps.website.models import Page
from apps.website.services.locks import lock_slugs
from apps.website.services.text import free_slug
from kernel.errors import Invalid, NotFound


@transaction.atomic
def save_page(
    *,
    page_id: UUID | None,
    title: str,
    body: str,
    is_published: bool,
    menu_order: int,
    actor: str,
) -> Page:
    """Make a page (`page_id` None) or change one. Its address comes from its first title.

    Publishes `website.page_published` when it becomes visible. Raises NotFound, Invalid.
    """
    if not title.strip():
        raise Invalid(_("A page needs a title."), field="title")
    page = _locked(page_id) if page_id else _new(title)
    newly_visible = is_published and not page.is_published
    page.title, page.body = title.strip(), body
    page.is_published, page.menu_order = is_published, menu_order
    page.save()
    if newly_visible:
        event = PagePublished(page_id=page.id, slug=page.slug, title=page.title)
        events.publish(event, stream_type="page", stream_id=page.id, actor=actor)
    return page


def _new(title: str) -> Page:
    lock_slugs()
    slug = free_slug(
        title, fallback="page", is_taken=lambda slug: Page.objects.filter(slug=slug).exists()
    )
    return Page(slug=slug)


@transaction.atomic
def delete_page(*, page_id: UUID) -> None:
    """Remove the page for good. Raises NotFound."""
    _locked(page_id).delete()


def _locked(page_id: UUID) -> Page:
    page = Page.objects.select_for_update().filter(id=page_id).first()
    if page is None:
        raise NotFound(_("This page does not exist."))
    return page
