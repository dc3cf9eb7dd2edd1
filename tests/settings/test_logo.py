"""The logo: what may be uploaded, what becomes of it, and where it shows."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image, PngImagePlugin

from apps.tenants import facade as tenants
from apps.tenants.services import pictures
from apps.tenants.services.branding import remove_logo, replace_logo
from apps.tenants.tests.factories import reopen
from kernel.errors import Invalid
from kernel.schools import current_school

ClientFor = Callable[..., Any]
UPLOAD, REMOVE = "/portal/settings/branding/logo/", "/portal/settings/branding/logo/remove/"


def picture(kind: str = "PNG", size: tuple[int, int] = (400, 100), **more: Any) -> bytes:
    mode = "RGB" if kind == "JPEG" else "RGBA"
    image = Image.new(mode, size, (200, 30, 60) if mode == "RGB" else (200, 30, 60, 255))
    buffer = io.BytesIO()
    image.save(buffer, kind, **more)
    return buffer.getvalue()


def upload(content: bytes, name: str = "logo.png") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content)


def set_logo(content: bytes = b"") -> Any:
    replace_logo(upload=upload(content or picture()), actor="head@example.org")
    reopen()
    branding = tenants.branding_of(current_school())
    assert branding.header
    return branding


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_a_picture_becomes_png_in_every_size(school: Any, kind: str) -> None:
    branding = set_logo(picture(kind))

    assert (branding.header.width, branding.header.height) == (384, 96)
    assert (branding.icon.width, branding.icon.height) == (192, 192)
    for variant, box in pictures.VARIANTS.items():
        name = branding.header.url.removeprefix("/").replace("header", variant)
        with default_storage.open(name) as file, Image.open(file) as found:
            assert found.format == "PNG"
            assert found.width <= box[0]
            assert found.height <= box[1]


def test_nothing_but_pixels_is_kept(school: Any) -> None:
    notes = PngImagePlugin.PngInfo()
    notes.add_text("Comment", "taken at home, 12 Elm Street")
    camera = Image.Exif()
    camera[0x010F] = "Secret Camera"
    content = picture(pnginfo=notes, exif=camera) + b"<script>alert(1)</script>"

    branding = set_logo(content)

    for variant in pictures.VARIANTS:
        name = branding.header.url.removeprefix("/").replace("header", variant)
        stored = default_storage.open(name).read()
        assert b"Elm Street" not in stored
        assert b"Camera" not in stored
        assert b"script" not in stored


def test_a_picture_that_lies_on_its_side_is_turned(school: Any) -> None:
    camera = Image.Exif()
    camera[0x0112] = 6  # turn by a quarter

    branding = set_logo(picture("JPEG", size=(100, 400), exif=camera))

    assert branding.header.width > branding.header.height


def bomb() -> bytes:
    """A PNG of a few bytes that says it is 50,000 pixels wide and high."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        crc = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + crc

    head = struct.pack(">IIBBBBB", 50_000, 50_000, 8, 2, 0, 0, 0)
    pixels = zlib.compress(b"\x00" * 10_000)
    parts = (chunk(b"IHDR", head), chunk(b"IDAT", pixels), chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


SVG = b"<?xml version='1.0'?><svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "empty"),
        (b"hello", "PNG, JPEG or WebP"),
        (SVG, "SVG"),
        (b"\x1f\x8b\x08" + b"packed svg", "SVG"),
        (b"GIF89a" + b"\x00" * 40, "PNG, JPEG or WebP"),
        (b"%PDF-1.7", "PNG, JPEG or WebP"),
        (picture()[:120], "damaged"),
        (picture("JPEG", (900, 900))[:700], "damaged"),
        (b"\x89PNG\r\n\x1a\n" + b"\x00" * 100, "PNG, JPEG or WebP"),
        (bomb(), "too many pixels"),
        (picture(size=(20, 20)), "too small"),
        (b"\x00" * (pictures.MAX_BYTES + 1), "too large"),
    ],
)
def test_what_is_no_fit_picture_is_refused_with_the_reason(
    school: Any, content: bytes, message: str
) -> None:
    with pytest.raises(Invalid, match=message) as refused:
        replace_logo(upload=upload(content), actor="head@example.org")

    assert refused.value.field == "logo"
    reopen()
    assert tenants.branding_of(current_school()).header is None


def test_a_jpeg_that_would_be_drawn_thousands_of_times_is_refused(school: Any) -> None:
    content = picture("JPEG", progressive=True)
    last = content[content.rindex(b"\xff\xda") : -2]
    bomb = content[:-2] + last * 500 + content[-2:]

    assert pictures.read_picture(upload(content)).size == (400, 100)
    with pytest.raises(Invalid, match="damaged"):
        pictures.read_picture(upload(bomb))


def test_a_transparent_picture_is_refused(school: Any) -> None:
    buffer = io.BytesIO()
    Image.new("RGBA", (100, 100), (0, 0, 0, 0)).save(buffer, "PNG")

    with pytest.raises(Invalid, match="transparent"):
        replace_logo(upload=upload(buffer.getvalue()), actor="x")


def test_replacing_keeps_the_old_files_and_removing_deletes_all(
    school: Any, django_capture_on_commit_callbacks: Callable[..., Any]
) -> None:
    first = set_logo()
    second = set_logo(picture(size=(300, 300)))
    assert first.header.url != second.header.url
    assert default_storage.exists(first.email.url.removeprefix("/"))

    with django_capture_on_commit_callbacks(execute=True):
        remove_logo(actor="head@example.org")

    reopen()
    assert tenants.branding_of(current_school()).header is None
    assert not any((Path(settings.MEDIA_ROOT) / "t_000001" / "branding").glob("*.png"))


# How it is served ---------------------------------------------------------------------------


def test_it_is_served_to_everybody_and_kept_for_ever(school: Any, anonymous: ClientFor) -> None:
    branding = set_logo()
    client = anonymous()

    answer = client.get(branding.header.url)

    assert answer.status_code == 200
    assert b"".join(answer.streaming_content).startswith(b"\x89PNG")
    assert answer["Content-Type"] == "image/png"
    assert answer["Content-Disposition"] == 'inline; filename="logo-header.png"'
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Cache-Control"] == "public, max-age=31536000, immutable"
    assert "sandbox" in answer["Content-Security-Policy"]
    again = client.get(branding.header.url, headers={"if-none-match": answer["ETag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_another_schools_host_does_not_have_it(
    school: Any, other_school: Any, anonymous: ClientFor
) -> None:
    branding = set_logo()
    client = anonymous(other_school)

    for path in (
        branding.header.url,
        f"/branding/t_000001{branding.header.url}",
        f"/branding/../t_000001{branding.header.url}",
        f"/t_000001{branding.header.url}",
    ):
        assert client.get(path).status_code == 404
    assert (
        client.get(branding.header.url, headers={"if-none-match": '"anything"'}).status_code == 404
    )


@pytest.mark.parametrize(
    "path",
    [
        "/branding/",
        "/branding/0123456789abcdef-header.png",
        "/branding/0123456789abcdef-secret.png",
        "/branding/x.png",
    ],
)
def test_other_addresses_lead_nowhere(school: Any, anonymous: ClientFor, path: str) -> None:
    assert anonymous().get(path).status_code == 404


# Where it shows -----------------------------------------------------------------------------


def test_every_shell_shows_it(school: Any, client_for: ClientFor, anonymous: ClientFor) -> None:
    branding = set_logo()
    pages = (
        (client_for("admin"), "/portal/"),
        (anonymous(), "/"),
        (anonymous(), "/sign-in/"),
        (anonymous(), "/family/"),
    )

    for client, path in pages:
        text = client.get(path).content.decode()
        assert f'src="{branding.header.url}"' in text, path
        assert f'<link rel="icon" href="{branding.icon.url}"' in text, path


def test_an_email_shows_it_with_its_words_and_the_second_colour(school: Any) -> None:
    from apps.notifications.services.composing import compose

    branding = set_logo()
    values = {
        "branding.logo_alt": "A red bird",
        "branding.second_colour": "#aa0000",
        "texts.email_signature": "Your school <office>",
    }
    tenants.change_settings(school_id=1, values=values)
    reopen()

    letter = compose(kind="password_reset", language="en", facts={"name": "Ana"})

    assert f'src="http://lincoln.testserver{branding.email.url}"' in letter.html
    assert 'alt="A red bird"' in letter.html
    assert "border-bottom:4px solid #aa0000" in letter.html
    assert "Your school &lt;office&gt;" in letter.html
    assert "Your school <office>" in letter.text


def test_a_receipt_shows_it(school: Any) -> None:
    from kernel.pdf import Document, Line, render

    def document(**look: Any) -> bytes:
        return render(
            Document(
                title="R",
                issuer="S",
                facts=[("Paid by", "Ana")],
                columns=("What for", "Amount"),
                lines=[Line(text="Tuition", amount="1")],
                totals=[],
                **look,
            )
        )

    set_logo()
    plain, branded = document(), document(logo=tenants.logo_for_print(), line_colour="#aa0000")

    assert b"/Subtype /Image" in branded
    assert b"/Subtype /Image" not in plain
    assert b".666667 0 0 RG" in branded


def test_a_lost_file_breaks_no_receipt(school: Any) -> None:
    branding = set_logo()
    default_storage.delete(branding.header.url.removeprefix("/").replace("header", "print"))

    assert tenants.logo_for_print() == b""


# The portal ---------------------------------------------------------------------------------


def test_an_admin_uploads_and_removes_it(school: Any, client_for: ClientFor) -> None:
    client = client_for("admin")

    done = client.post(UPLOAD, {"logo": upload(picture())})
    shown = client.get("/portal/settings/branding/").content.decode()
    reopen()
    url = tenants.branding_of(current_school()).header.url  # type: ignore[union-attr]
    assert done.status_code == 302
    assert url in shown
    assert "Logo added" in client.get("/portal/settings/history/").content.decode()

    assert client.post(REMOVE).status_code == 302
    assert url not in client.get("/portal/settings/branding/").content.decode()
    assert "Logo removed" in client.get("/portal/settings/history/").content.decode()


def test_a_refusal_is_shown_at_the_field(school: Any, client_for: ClientFor) -> None:
    answer = client_for("admin").post(UPLOAD, {"logo": upload(SVG, "logo.svg")})

    assert answer.status_code == 422
    assert "Please export the logo as PNG." in answer.content.decode()


@pytest.mark.parametrize("role", ["bursar", "office", "teacher", "guardian"])
def test_nobody_else_touches_the_logo(school: Any, client_for: ClientFor, role: str) -> None:
    client = client_for(role)
    assert client.post(UPLOAD, {"logo": upload(picture())}).status_code == 403
    assert client.post(REMOVE).status_code == 403
