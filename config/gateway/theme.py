"""The school's own accent colour, made readable: /theme.css sets it over static/css/tokens.css.

Inline styles are forbidden by the content security policy, so the colour arrives as a file of a
few lines with an ETag; its address carries the colour, so browsers keep it until it changes.
"""

from __future__ import annotations

import re
from hashlib import sha256
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.cache import get_conditional_response
from django.utils.http import quote_etag
from django.views.decorators.http import require_safe

from apps.tenants import facade as tenants
from kernel.access import PUBLIC, access

Colour = tuple[float, float, float]  # red, green, blue, each 0 to 1

DEFAULT_ACCENT = "#2a5bc8"
BLACK: Colour = (0.0, 0.0, 0.0)
WHITE: Colour = (1.0, 1.0, 1.0)
# The lightest page of the light theme and the darkest surface of the dark one (tokens.css).
LIGHT_SURFACES: tuple[Colour, ...] = (WHITE, (0.973, 0.973, 0.965))
DARK_SURFACE: Colour = (0.137, 0.137, 0.149)
# WCAG 2.2, 1.4.3: 4.5 to 1 for text. A little more, because text also stands on a soft accent.
READABLE = 4.5
READABLE_ON_SOFT = 5.4
MAX_AGE = 3600  # seconds
HEX = re.compile(r"#[0-9a-fA-F]{6}")

LIGHT = ":root{{--accent:{};--accent-strong:{};--accent-ink:{};--accent-text:{}}}\n"
DARK = "@media (prefers-color-scheme:dark){{" + LIGHT.strip() + "}}\n"


@access(PUBLIC)
@require_safe
def stylesheet(request: HttpRequest) -> HttpResponse:
    """The accent of the host's school; the platform's own on the platform host."""
    school = getattr(request, "school", None)
    css = accent_css(accent_of(school)) + second_css(second_of(school))
    etag = quote_etag(css_version(css))
    headers = {"ETag": etag, "Cache-Control": f"public, max-age={MAX_AGE}"}
    response = HttpResponse(css, content_type="text/css; charset=utf-8", headers=headers)
    return get_conditional_response(request, etag=etag, response=response) or response


def theme_url(school: Any) -> str:
    """The address of the stylesheet, different for every colour."""
    version = (accent_of(school) + second_of(school)).replace("#", "")
    return f"{reverse('theme')}?{urlencode({'v': version})}"


def second_of(school: Any) -> str:
    """The school's second colour as #rrggbb; "" where there is none."""
    colour = tenants.branding_of(school).second_colour if school else ""
    return colour if HEX.fullmatch(colour) else ""


def second_css(colour: str) -> str:
    """The token of the line under the school's name; moved towards white in the dark theme."""
    if not colour:
        return ""
    by_night = to_hex(reach(parse(colour), towards=WHITE, against=(DARK_SURFACE,), ratio=3.0))
    light = f":root{{--second:{colour}}}\n"
    return light + f"@media (prefers-color-scheme:dark){{:root{{--second:{by_night}}}}}\n"


def accent_of(school: Any) -> str:
    """The school's colour as #rrggbb; the product's own where there is none or it is not one."""
    colour = str(getattr(school, "colour", "") or "")
    return colour.lower() if HEX.fullmatch(colour) else DEFAULT_ACCENT


def css_version(css: str) -> str:
    return sha256(css.encode()).hexdigest()[:16]


def accent_css(accent: str) -> str:
    """The tokens of both themes for one accent, each readable where it is used.

    The colour on buttons stays the school's own in the light theme; as text, and in the dark
    theme, it is moved towards black or white just as far as reading asks for.
    """
    colour = parse(accent)
    # A very pale colour would vanish on white: 3 to 1 is what WCAG asks of a button's edge.
    solid = reach(colour, towards=BLACK, against=LIGHT_SURFACES, ratio=3.0)
    ink = ink_on(solid)
    solid = reach(solid, towards=opposite(ink), against=(ink,), ratio=READABLE)
    text = reach(colour, towards=BLACK, against=LIGHT_SURFACES, ratio=READABLE_ON_SOFT)
    dark = reach(colour, towards=WHITE, against=(DARK_SURFACE,), ratio=READABLE_ON_SOFT)
    light = (solid, mix(solid, opposite(ink), 0.16), ink, text)
    by_night = (dark, mix(dark, WHITE, 0.2), mix(BLACK, colour, 0.1), mix(dark, WHITE, 0.12))
    return LIGHT.format(*map(to_hex, light)) + DARK.format(*map(to_hex, by_night))


# Colours --------------------------------------------------------------------------------------


def parse(text: str) -> Colour:
    """#rrggbb as three numbers from 0 to 1."""
    red, green, blue = (int(text[start : start + 2], 16) / 255 for start in (1, 3, 5))
    return (red, green, blue)


def to_hex(colour: Colour) -> str:
    return "#" + "".join(f"{round(part * 255):02x}" for part in colour)


def mix(colour: Colour, other: Colour, share: float) -> Colour:
    """`colour` with `share` (0 to 1) of `other` in it."""
    red, green, blue = (a + (b - a) * share for a, b in zip(colour, other, strict=True))
    return (red, green, blue)


def luminance(colour: Colour) -> float:
    """Relative luminance, WCAG 2.2."""
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in colour
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: Colour, other: Colour) -> float:
    """From 1 (the same) to 21 (black on white)."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def ink_on(colour: Colour) -> Colour:
    """White text unless black reads much better: most school colours look right with white."""
    return WHITE if contrast(colour, WHITE) >= 3.6 else BLACK


def opposite(ink: Colour) -> Colour:
    return BLACK if ink == WHITE else WHITE


def reach(colour: Colour, *, towards: Colour, against: tuple[Colour, ...], ratio: float) -> Colour:
    """The nearest mix of `colour` and `towards` that contrasts enough with all of `against`."""
    for step in range(101):
        candidate = mix(colour, towards, step / 100)
        # Judged as it will be written, in 8 bits a channel.
        written = parse(to_hex(candidate))
        if all(contrast(written, surface) >= ratio for surface in against):
            return candidate
    return towards
