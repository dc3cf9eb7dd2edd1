"""What other parts of the system learn about the public site. Standard library only."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class NewsInfo:
    """A piece of news as the public sees it; `summary` is plain text. Times are UTC."""

    id: UUID
    slug: str
    title: str
    summary: str
    pinned: bool
    author_name: str
    published_at: datetime
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileInfo:
    """What the school says about itself; `about` is Markdown. Its address, phone and e-mail are
    in the school's settings (`tenants.contracts.SchoolInfo`)."""

    hero_title: str
    hero_text: str
    about: str
    principal: str
    hours: str
