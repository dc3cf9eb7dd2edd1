"""What this app publishes. A payload never changes: a new field is a new version."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class NewsPublished:
    """A piece of news became visible to the public."""

    name: ClassVar[str] = "website.news_published"
    version: ClassVar[int] = 1
    news_id: UUID
    slug: str
    title: str
    published_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PagePublished:
    """A page became visible to the public."""

    name: ClassVar[str] = "website.page_published"
    version: ClassVar[int] = 1
    page_id: UUID
    slug: str
    title: str


_ID = "019a0c5e-7d10-7000-8000-000000000001"

SAMPLES: dict[tuple[str, int], dict[str, Any]] = {
    ("website.news_published", 1): {
        "news_id": _ID,
        "slug": "welcome-back",
        "title": "Welcome back",
        "published_at": "2026-09-01T08:00:00+00:00",
    },
    ("website.page_published", 1): {"page_id": _ID, "slug": "admissions", "title": "Admissions"},
}
