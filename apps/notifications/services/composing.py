"""From a kind of message and its facts to a subject, a text part and an HTML part."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.html import escape

from apps.fees.preferences import FAMILY_LINK
from apps.notifications.preferences import SIGNATURE
from apps.tenants import facade as tenants
from apps.tenants.contracts import Picture
from kernel.schools import current_school, school_url

# Stands in the stored bodies where the recipient's own link goes. ".invalid" can never be
# somebody's host (RFC 2606), so a body shown to staff leads nowhere.
LINK_PLACEHOLDER = "https://personal-link.invalid/"

MAX_SUBJECT = 200
FALLBACK_COLOUR = "#1f5f8b"
_CONTROL = re.compile(r"[\x00-\x1f\x7f\u0085\u2028\u2029]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A rendered message, still with the placeholder for the recipient's own link."""

    subject: str
    text: str
    html: str


def one_line(value: str) -> str:
    """The text without line breaks and control characters: safe in a mail header."""
    return " ".join(_CONTROL.sub(" ", value).split())


def known_language(code: str) -> str:
    """The code when the platform speaks it, else the school's own language."""
    return code if code in dict(settings.LANGUAGES) else str(current_school().language)


def compose(*, kind: str, language: str, facts: Mapping[str, Any]) -> Letter:
    """Render the three templates of `kind` in `language`, with the school's name and colour.

    Raises TemplateDoesNotExist for a kind without templates.
    """
    with translation.override(language):
        context = {**_shared(language), **facts}
        stem = f"notifications/email/{kind}"
        subject = one_line(render_to_string(f"{stem}.subject.txt", context))[:MAX_SUBJECT]
        context["subject"] = subject
        text = render_to_string(f"{stem}.txt", context).strip() + "\n"
        html = render_to_string(f"{stem}.html", context)
    return Letter(subject=subject, text=_without_nul(text), html=_without_nul(html))


def _without_nul(text: str) -> str:
    """PostgreSQL refuses NUL; a message that cannot be stored would be tried for ever."""
    return text.replace("\x00", "")


def _shared(language: str) -> dict[str, Any]:
    school = current_school()
    branding = tenants.branding_of(school)
    colour = safe_colour(getattr(school, "colour", ""))
    return {
        "school": school,
        "school_url": school_url("/"),
        "colour": colour,
        "on_colour": readable_on(colour),
        "signature": SIGNATURE.value,
        "personal": FAMILY_LINK.is_on,
        "branding": branding,
        **_logo(branding.email),
        "language": language,
        "link": LINK_PLACEHOLDER,
    }


def _logo(picture: Picture | None) -> dict[str, Any]:
    """The logo as an e-mail shows it: half its pixels, because screens of phones are sharp."""
    if picture is None:
        return {}
    return {
        "logo_url": school_url(picture.url),
        "logo_width": picture.width // 2,
        "logo_height": picture.height // 2,
    }


def safe_colour(colour: str) -> str:
    """The school's colour when it is a plain #rrggbb, else the platform's."""
    return colour if re.fullmatch(r"#[0-9a-fA-F]{6}", colour or "") else FALLBACK_COLOUR


def readable_on(colour: str) -> str:
    """Black or white, whichever has more contrast on `colour` (WCAG relative luminance)."""
    red, green, blue = (_linear(int(colour[i : i + 2], 16) / 255) for i in (1, 3, 5))
    luminance = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    return "#ffffff" if 1.05 / (luminance + 0.05) >= (luminance + 0.05) / 0.05 else "#000000"


def _linear(channel: float) -> float:
    return channel / 12.92 if channel <= 0.03928 else ((channel + 0.055) / 1.055) ** 2.4


def with_link(*, text: str, html: str, link: str) -> tuple[str, str]:
    """Both bodies with the recipient's own link in the place of the placeholder."""
    return (
        text.replace(LINK_PLACEHOLDER, link),
        html.replace(LINK_PLACEHOLDER, str(escape(link))),
    )
