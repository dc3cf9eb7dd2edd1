"""Reading the site: what the public sees, and what its editors see."""

from __future__ import annotations

from datetime import datetime
from typing import TypeVar
from uuid import UUID

from django.db.models import F, Q, QuerySet, Sum
from django.utils.translation import gettext as _

from apps.website.contracts import ProfileInfo
from apps.website.models import Document, NewsPost, NewsQuerySet, Page, SchoolProfile, StaffEntry
from kernel.errors import NotFound
from kernel.schools import current_school

Row = TypeVar("Row")


def get_profile() -> SchoolProfile:
    """The profile for editing; an unsaved one when the school has none yet."""
    return SchoolProfile.objects.filter(id=1).first() or SchoolProfile()


def has_profile() -> bool:
    """Whether somebody told the public anything about the school."""
    profile = SchoolProfile.objects.filter(id=1).only("about").first()
    return profile is not None and bool(profile.about)


def public_profile() -> ProfileInfo:
    """The profile as the public sees it. An empty headline is the school's name, the empty text
    under it the tagline of the school's settings."""
    profile, school = get_profile(), current_school()
    return ProfileInfo(
        hero_title=profile.hero_title or school.name,
        hero_text=profile.hero_text or school.tagline,
        about=profile.about,
        principal=profile.principal,
        hours=profile.hours,
    )


def published_news(*, search: str = "") -> NewsQuerySet:
    """News the public sees, pinned first, then newest."""
    return _matching(NewsPost.objects.all(), search).published()


def has_own_news() -> bool:
    """Whether the public sees a post that somebody at the school wrote or changed."""
    return NewsPost.objects.published().filter(is_starter=False).exists()


def all_news(*, search: str = "", drafts_only: bool = False) -> NewsQuerySet:
    """News for its editors: drafts first, then what is published, newest first."""
    newest = F("published_at").desc(nulls_first=True)
    rows = _matching(NewsPost.objects.order_by(newest, "-created_at"), search)
    return rows.filter(published_at=None) if drafts_only else rows


def _matching(rows: NewsQuerySet, search: str) -> NewsQuerySet:
    for word in search.split():
        rows = rows.filter(Q(title__icontains=word) | Q(body__icontains=word))
    return rows


def get_news(*, news_id: UUID) -> NewsPost:
    """Any post, for its editors. Raises NotFound."""
    return _or_not_found(NewsPost.objects.filter(id=news_id).first())


def get_published_news(*, slug: str) -> NewsPost:
    """A post the public sees. Raises NotFound, for a draft too."""
    return _or_not_found(NewsPost.objects.published().filter(slug=slug).first())


def menu_pages() -> QuerySet[Page]:
    """Published pages in the order of the menu, without their text."""
    return Page.objects.filter(is_published=True).only("slug", "title", "menu_order", "updated_at")


def all_pages() -> QuerySet[Page]:
    """Every page, for the editors."""
    return Page.objects.all()


def get_page(*, page_id: UUID) -> Page:
    """Any page, for the editors. Raises NotFound."""
    return _or_not_found(Page.objects.filter(id=page_id).first())


def get_published_page(*, slug: str) -> Page:
    """A page the public sees. Raises NotFound, for an unpublished one too."""
    return _or_not_found(Page.objects.filter(slug=slug, is_published=True).first())


def list_staff(*, published_only: bool, search: str = "") -> QuerySet[StaffEntry]:
    """The staff directory in its order."""
    rows = StaffEntry.objects.all()
    if published_only:
        rows = rows.filter(is_published=True)
    for word in search.split():
        rows = rows.filter(Q(name__icontains=word) | Q(position__icontains=word))
    return rows


def get_staff_entry(*, entry_id: UUID) -> StaffEntry:
    """One line of the directory. Raises NotFound."""
    return _or_not_found(StaffEntry.objects.filter(id=entry_id).first())


def list_documents(*, published_only: bool, search: str = "") -> QuerySet[Document]:
    """Documents by title."""
    rows = Document.objects.all()
    if published_only:
        rows = rows.filter(is_published=True)
    for word in search.split():
        rows = rows.filter(title__icontains=word)
    return rows


def get_document(*, document_id: UUID, published_only: bool) -> Document:
    """One document. Raises NotFound, for an unpublished one too when `published_only`."""
    rows = list_documents(published_only=published_only)
    return _or_not_found(rows.filter(id=document_id).first())


def _or_not_found(row: Row | None) -> Row:
    if row is None:
        raise NotFound(_("This does not exist, or not any more."))
    return row


def documents_bytes(*, before: datetime) -> int:
    """The size of all documents uploaded before that moment, in bytes."""
    found = Document.objects.filter(uploaded_at__lt=before).aggregate(size=Sum("size_bytes"))
    return found["size"] or 0
