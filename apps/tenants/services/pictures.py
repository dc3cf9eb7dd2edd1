"""An uploaded picture made harmless: its kind read from the content, its size bounded before any
pixel is unpacked, then drawn anew without whatever else the file carried."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from django.core.files.base import File
from django.utils.translation import gettext as _
from PIL import Image, ImageOps, UnidentifiedImageError

from kernel.errors import Invalid

MAX_BYTES = 2_000_000
MAX_SIDE = 6_000
MAX_PIXELS = 16_000_000
MIN_SIDE = 32
# A progressive JPEG is drawn once a scan. Programs write about ten; thousands fit into 2 MB, and
# keep a processor busy for minutes.
MAX_SCANS = 32
_SCAN = b"\xff\xda"
FORMATS = ("PNG", "JPEG", "WEBP")
FIELD = "logo"
# What Pillow raises for a damaged or hostile file.
_BROKEN = (OSError, ValueError, SyntaxError, EOFError, MemoryError)
_BOMB = (Image.DecompressionBombError, Image.DecompressionBombWarning)

# The box each variant is fitted into, in pixels: twice the size on a page, for sharp screens.
VARIANTS: dict[str, tuple[int, int]] = {
    "header": (480, 96),
    "email": (480, 120),
    "print": (1000, 300),
    "icon": (192, 192),
}


def read_picture(upload: File[bytes]) -> Image.Image:
    """The picture, upright and in RGBA. Raises Invalid for what is too large, damaged, or not a
    PNG, JPEG or WebP."""
    _check_size(upload)
    upload.seek(0)
    content = upload.read()
    if _is_svg(content):
        raise Invalid(
            _("An SVG file can hold programs. Please export the logo as PNG."), field=FIELD
        )
    with _complaints(), Image.open(io.BytesIO(content), formats=FORMATS) as found:
        _check_sides(found)
        if found.format == "JPEG" and content.count(_SCAN) > MAX_SCANS:
            raise Invalid(_("This picture is damaged and cannot be read."), field=FIELD)
        found.seek(0)
        return ImageOps.exif_transpose(found).convert("RGBA")


def _check_size(upload: File[bytes]) -> None:
    if not upload.size:
        raise Invalid(_("This file is empty."), field=FIELD)
    if upload.size > MAX_BYTES:
        message = _("This file is too large. At most %(size)d MB.")
        raise Invalid(message % {"size": MAX_BYTES // 1_000_000}, field=FIELD)


def _is_svg(content: bytes) -> bool:
    head = content[:2000].lower()
    return b"<svg" in head or head.startswith(b"\x1f\x8b")  # plain, or packed as .svgz


@contextmanager
def _complaints() -> Iterator[None]:
    """What Pillow cannot read becomes one sentence."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            yield
    except UnidentifiedImageError:
        raise Invalid(_("Please choose a PNG, JPEG or WebP picture."), field=FIELD) from None
    except _BOMB:
        raise _too_many_pixels() from None
    except _BROKEN:
        raise Invalid(_("This picture is damaged and cannot be read."), field=FIELD) from None


def _check_sides(picture: Image.Image) -> None:
    """From the file's head, before its pixels are unpacked."""
    width, height = picture.size
    if max(width, height) > MAX_SIDE or width * height > MAX_PIXELS:
        raise _too_many_pixels()
    if min(width, height) < MIN_SIDE:
        message = _("This picture is too small: at least %(side)s pixels on a side.")
        raise Invalid(message % {"side": MIN_SIDE}, field=FIELD)


def _too_many_pixels() -> Invalid:
    message = _("This picture has too many pixels: at most %(side)s on a side.")
    return Invalid(message % {"side": MAX_SIDE}, field=FIELD)


def draw(picture: Image.Image, variant: str) -> tuple[bytes, tuple[int, int]]:
    """A variant as PNG bytes with nothing but pixels in it, and its size."""
    box = VARIANTS[variant]
    trimmed = _without_margin(picture)
    fitted = trimmed.copy()
    fitted.thumbnail(box, Image.Resampling.LANCZOS)
    if variant == "icon":
        fitted = ImageOps.pad(fitted, box, color=(0, 0, 0, 0), method=Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    Image.frombytes("RGBA", fitted.size, fitted.tobytes()).save(buffer, "PNG", optimize=True)
    return buffer.getvalue(), fitted.size


def _without_margin(picture: Image.Image) -> Image.Image:
    """Without the empty border that many logos come with."""
    box = picture.getchannel("A").getbbox()
    return picture.crop(box) if box else picture
