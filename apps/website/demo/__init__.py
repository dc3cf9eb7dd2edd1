"""A public site that looks lived in, for the demo schools."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from apps.tenants import facade as tenants
from apps.website import selectors
from apps.website.demo import english, spanish
from apps.website.services import news, pages, profile
from kernel.schools import current_school

ACTOR = "demo"
_CONTENT: dict[str, Any] = {"en": english, "es": spanish}


@transaction.atomic
def load_site(seed: int) -> int:
    """Profile, contact details, pages, staff directory and a month of news, in the school's own
    language.

    The same seed gives the same site, its days counted back from now. Returns the number of
    posts written; 0 when the site has been filled before.
    """
    school = current_school()
    content = _CONTENT.get(school.language, english)
    if selectors.has_profile():
        return 0
    profile.update_profile(**content.profile(school.name))
    tenants.update_settings(
        school_id=school.id, actor=ACTOR, **content.contact_details(school.slug)
    )
    for place, (title, body) in enumerate(content.PAGES, start=1):
        pages.save_page(
            page_id=None,
            title=title,
            body=body,
            is_published=True,
            menu_order=place * 10,
            actor=ACTOR,
        )
    _add_staff(content.STAFF, school.slug)
    return _write_news(content.NEWS, random.Random(seed))


def _add_staff(people: list[tuple[str, str]], slug: str) -> None:
    for place, (name, position) in enumerate(people, start=1):
        mailbox = "office" if place > 2 else ("head", "office")[place - 1]
        profile.save_staff_entry(
            entry_id=None,
            name=name,
            position=position,
            email=f"{mailbox}@{slug}.example" if place <= 2 else "",
            order=place * 10,
        )


def _write_news(posts: list[tuple[str, str, str]], dice: random.Random) -> int:
    """Oldest first, over the last month; the first of the list is the newest and stays on top."""
    moments = _moments(len(posts), dice)
    for place, (title, body, author) in reversed(list(enumerate(posts))):
        news.write_news(
            title=title,
            body=body,
            author_name=author,
            pinned=place == 0,
            published_at=moments[place],
            actor=ACTOR,
        )
    return len(posts)


def _moments(number: int, dice: random.Random) -> list[datetime]:
    """Times in the last 30 days, newest first, in school hours more or less."""
    now = timezone.localtime()
    days = sorted(dice.sample(range(1, 31), number))
    return [
        (now - timedelta(days=day)).replace(
            hour=dice.randint(8, 15), minute=dice.choice((0, 10, 25, 40)), second=0, microsecond=0
        )
        for day in days
    ]
