"""The school's logo: uploaded, drawn anew in the sizes we need, kept in the school's folder.

The setting says what was made of it; the files are named after their content, so that browsers
may keep them for ever. A replaced logo's files stay, because e-mails sent before point to them;
a removed logo's go.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Any

from django.core.files.base import ContentFile, File
from django.core.files.storage import default_storage
from django.db import transaction
from django.utils.translation import gettext as _

from apps.tenants.contracts import Branding, Picture
from apps.tenants.services.general import LOGO, LOGO_ALT, SECOND_COLOUR
from apps.tenants.services.pictures import VARIANTS, draw, read_picture
from apps.tenants.services.settings import change_settings
from kernel.errors import Invalid, NotFound
from kernel.schools import current_school

FOLDER = "branding"


def replace_logo(*, upload: File[bytes], actor: str) -> None:
    """Make this picture the open school's logo. Raises Invalid for what is no fit picture."""
    picture = read_picture(upload)
    if picture.getchannel("A").getbbox() is None:
        raise Invalid(_("This picture is empty: every pixel is transparent."), field="logo")
    drawn = {variant: draw(picture, variant) for variant in VARIANTS}
    digest = sha256(b"".join(content for content, _size in drawn.values())).hexdigest()[:16]
    for variant, (content, _size) in drawn.items():
        _write(_name(digest, variant), content)
    sizes = {variant: list(size) for variant, (_content, size) in drawn.items()}
    _set({"hash": digest, "sizes": sizes}, actor)


def _write(name: str, content: bytes) -> None:
    if not default_storage.exists(name):
        default_storage.save(name, ContentFile(content))


def remove_logo(*, actor: str) -> None:
    """Take the logo away, with all files of this logo and of those before it."""
    with transaction.atomic():
        _set({}, actor)
        transaction.on_commit(lambda: _delete_files(current_school().schema_name))


def _delete_files(schema_name: str) -> None:
    if current_school().schema_name != schema_name:
        return
    for file in _files():
        default_storage.delete(f"{FOLDER}/{file}")


def _files() -> list[str]:
    try:
        return default_storage.listdir(FOLDER)[1]
    except FileNotFoundError:
        return []


def _set(logo: dict[str, Any], actor: str) -> None:
    change_settings(school_id=current_school().id, values={LOGO.name: logo}, actor=actor)


def logo_file(*, digest: str, variant: str) -> File[bytes]:
    """A picture of the open school's logo, now or before. Raises NotFound."""
    try:
        found: File[bytes] = default_storage.open(_name(digest, variant), "rb")
    except FileNotFoundError:
        raise NotFound(_("There is no such picture.")) from None
    return found


def logo_for_print() -> bytes:
    """The logo for a document as PNG bytes; b"" when the school has none."""
    digest = LOGO.value.get("hash", "")
    if not digest:
        return b""
    try:
        with logo_file(digest=digest, variant="print") as file:
            return file.read()
    except NotFound:
        return b""


def _name(digest: str, variant: str) -> str:
    return f"{FOLDER}/{digest}-{variant}.png"


def branding_of(school: Any) -> Branding:
    """How this school looks; costs no query and opens no file."""
    logo = LOGO.of(school)
    return Branding(
        header=_picture(logo, "header"),
        icon=_picture(logo, "icon"),
        email=_picture(logo, "email"),
        logo_alt=LOGO_ALT.of(school) or str(getattr(school, "name", "")),
        second_colour=SECOND_COLOUR.of(school),
    )


def _picture(logo: dict[str, Any], variant: str) -> Picture | None:
    size = logo.get("sizes", {}).get(variant)
    if not size:
        return None
    return Picture(url=f"/{_name(logo['hash'], variant)}", width=size[0], height=size[1])
