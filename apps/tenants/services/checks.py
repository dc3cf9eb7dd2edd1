"""The rules for what a school may be called, where it may live and how it may look.

Every check returns the cleaned value or raises kernel.errors.Invalid with the field to blame.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils.translation import gettext as _

from apps.tenants.choices import time_zones
from kernel.errors import Invalid
from kernel.money import CURRENCIES

# WCAG 2.2, success criterion 1.4.3: normal text against its background.
MIN_CONTRAST = 4.5
# 1.4.11: graphics against what is around them.
MIN_LINE_CONTRAST = 3.0
MAX_NAME, MAX_TAGLINE, MAX_PHONE, MAX_ADDRESS, MAX_EMAIL = 120, 160, 40, 400, 254

_SLUG = re.compile(r"[a-z0-9](?:-?[a-z0-9]){1,62}")
_MAX_SLUG = 63
_COLOUR = re.compile(r"#[0-9a-f]{6}")
_PHONE = re.compile(r"\+?[0-9()./ \-]{5,39}")

# Names that the platform uses itself, may use later, or that would let a school pass for it.
_RESERVED = """
    abuse account accounts admin administrator api app apps assets auth autoconfig autodiscover
    billing blog cdn console dashboard demo-platform dns docs email family files ftp health help
    homeroom hooks hostmaster imap localhost login mail mailbox media metrics mx ns ns1 ns2
    operator operators pay payments platform pop portal postmaster public root sandbox school
    schools secure security sign-in signin smtp static status support system webhooks webmaster
    www www1 www2
"""
RESERVED_SLUGS = frozenset(_RESERVED.split())


@dataclass(frozen=True, slots=True, kw_only=True)
class SchoolOrder:
    """A checked order for a new school."""

    name: str
    slug: str
    admin_email: str
    admin_name: str
    currency: str
    language: str
    time_zone: str

    @property
    def domain(self) -> str:
        """The host name the school will answer on, without port."""
        return f"{self.slug}.{settings.PLATFORM_DOMAIN}"


def check_order(
    *,
    name: str,
    slug: str,
    admin_email: str,
    admin_name: str,
    currency: str,
    language: str,
    time_zone: str,
) -> SchoolOrder:
    """All checks that need no database. Raises Invalid for the first field that is wrong."""
    return SchoolOrder(
        name=check_name(name),
        slug=check_slug(slug),
        admin_email=check_email(admin_email, field="admin_email"),
        admin_name=check_line(admin_name, field="admin_name", longest=MAX_NAME),
        currency=check_currency(currency),
        language=check_language(language),
        time_zone=check_time_zone(time_zone),
    )


def check_name(name: str) -> str:
    cleaned = check_line(name, field="name", longest=MAX_NAME)
    if not cleaned:
        raise Invalid(_("Give the school a name."), field="name")
    if len(cleaned) < 2:
        message = _("“%(name)s” is too short for a school’s name: write at least two letters.")
        raise Invalid(message % {"name": cleaned}, field="name")
    return cleaned


def check_slug(slug: str) -> str:
    """The part of the address before the platform's domain: one DNS label."""
    if not _SLUG.fullmatch(slug) or len(slug) > _MAX_SLUG:
        raise Invalid(
            _(
                "“%(slug)s” cannot be part of a web address. Use 2 to 63 lower-case letters, "
                "digits and single hyphens, for example “riverside-school”."
            )
            % {"slug": shown(slug)},
            field="slug",
        )
    if slug in RESERVED_SLUGS:
        raise Invalid(
            _("“%(slug)s” is reserved for the platform. Choose another short name.")
            % {"slug": slug},
            field="slug",
        )
    return slug


def check_email(email: str, *, field: str, required: bool = True) -> str:
    cleaned = email.strip()
    if not cleaned and not required:
        return ""
    try:
        validate_email(cleaned)
    except ValidationError:
        raise Invalid(
            _("“%(email)s” is not an e-mail address.") % {"email": shown(email)}, field=field
        ) from None
    if len(cleaned) > MAX_EMAIL:
        raise Invalid(_("That e-mail address is too long."), field=field)
    return cleaned


def check_currency(currency: str) -> str:
    """An ISO 4217 code from the allow-list of the kernel."""
    code = currency.strip().upper()
    if code not in CURRENCIES:
        raise Invalid(
            _("“%(code)s” is not a currency we can bill in. Choose one of %(known)s.")
            % {"code": shown(currency), "known": ", ".join(sorted(CURRENCIES))},
            field="currency",
        )
    return code


def check_language(language: str) -> str:
    known = dict(settings.LANGUAGES)
    if language not in known:
        raise Invalid(
            _("“%(language)s” is not a language we speak. Choose one of %(known)s.")
            % {"language": shown(language), "known": ", ".join(known)},
            field="language",
        )
    return language


def check_time_zone(time_zone: str) -> str:
    if time_zone != "UTC" and time_zone not in time_zones():
        raise Invalid(
            _("“%(zone)s” is not a time zone. Write it like “Europe/Madrid”.")
            % {"zone": shown(time_zone)},
            field="time_zone",
        )
    return time_zone


def check_colour(colour: str) -> str:
    """#rrggbb, dark enough that white text on it can be read."""
    cleaned = colour.strip().lower()
    if not _COLOUR.fullmatch(cleaned):
        raise Invalid(_("Write the colour like “#1f5f8b”."), field="colour")
    contrast = contrast_with_white(cleaned)
    if contrast < MIN_CONTRAST:
        raise Invalid(
            _(
                "White text on this colour would be hard to read (contrast %(contrast).1f, "
                "at least %(least).1f is needed). Choose a darker colour."
            )
            % {"contrast": contrast, "least": MIN_CONTRAST},
            field="colour",
        )
    return cleaned


def contrast_with_white(colour: str) -> float:
    """The contrast ratio, 1 to 21, by the formula of WCAG 2.2 (relative luminance)."""
    channels = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return 1.05 / (luminance + 0.05)


def check_phone(phone: str) -> str:
    cleaned = check_line(phone, field="contact_phone", longest=MAX_PHONE)
    if cleaned and not _PHONE.fullmatch(cleaned):
        raise Invalid(
            _("“%(phone)s” is not a phone number.") % {"phone": shown(phone)},
            field="contact_phone",
        )
    return cleaned


def check_address(address: str) -> str:
    """Several lines; each is trimmed, empty ones at the end are dropped."""
    lines = [line.strip() for line in address.replace("\r\n", "\n").split("\n")]
    for line in lines:
        check_line(line, field="address", longest=MAX_ADDRESS)
    cleaned = "\n".join(lines).strip()
    if len(cleaned) > MAX_ADDRESS:
        raise _too_long("address", MAX_ADDRESS)
    return cleaned


def check_line(text: str, *, field: str, longest: int) -> str:
    """One line of plain text: trimmed, without control characters."""
    cleaned = text.strip()
    if any(unicodedata.category(letter) in {"Cc", "Cs"} for letter in cleaned):
        raise Invalid(_("This holds characters that cannot be shown."), field=field)
    if len(cleaned) > longest:
        raise _too_long(field, longest)
    return cleaned


def shown(text: str) -> str:
    """A value a person typed, short and on one line, so that it can stand in a message."""
    printable = "".join(c if c.isprintable() else "�" for c in text)
    return printable if len(printable) <= 60 else printable[:59] + "…"


def _too_long(field: str, longest: int) -> Invalid:
    message = _("This is too long: at most %(longest)s characters.") % {"longest": longest}
    return Invalid(message, field=field)


def check_second_colour(colour: str) -> str:
    """#rrggbb that stands out from white as a line, or "" for none."""
    cleaned = colour.strip().lower()
    if not cleaned:
        return ""
    if not _COLOUR.fullmatch(cleaned):
        raise Invalid(_("Write the colour like “#1f5f8b”."), field="branding.second_colour")
    contrast = contrast_with_white(cleaned)
    if contrast < MIN_LINE_CONTRAST:
        raise Invalid(
            _(
                "A line in this colour could hardly be seen on white (contrast %(contrast).1f, "
                "at least %(least).1f is needed). Choose a darker colour."
            )
            % {"contrast": contrast, "least": MIN_LINE_CONTRAST},
            field="branding.second_colour",
        )
    return cleaned
