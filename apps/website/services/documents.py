"""Files for download. What a file is, is read from its content, not from its name."""

from __future__ import annotations

import zipfile
import zlib
from dataclasses import dataclass
from uuid import UUID

from django.core.files.base import File
from django.db import transaction
from django.utils.translation import gettext as _

from apps.tenants import facade as tenants
from apps.website.models import Document
from kernel.errors import Invalid, NotFound

MAX_BYTES = 10_000_000
_SNIFF_BYTES = 8192
_MAX_ZIP_ENTRIES = 10_000
# What zipfile raises for a damaged, encrypted or unknown archive.
_BROKEN_ZIP = (zipfile.BadZipFile, zlib.error, OSError, RuntimeError, ValueError, EOFError)


@dataclass(frozen=True, slots=True)
class FileType:
    """A kind of file that may be put up for download."""

    extension: str
    content_type: str


PDF = FileType("pdf", "application/pdf")
PNG = FileType("png", "image/png")
JPEG = FileType("jpg", "image/jpeg")
TEXT = FileType("txt", "text/plain; charset=utf-8")
CSV = FileType("csv", "text/csv; charset=utf-8")
_OOXML = "application/vnd.openxmlformats-officedocument"
OFFICE = {
    "word/": FileType("docx", f"{_OOXML}.wordprocessingml.document"),
    "xl/": FileType("xlsx", f"{_OOXML}.spreadsheetml.sheet"),
    "ppt/": FileType("pptx", f"{_OOXML}.presentationml.presentation"),
}
OPEN_DOCUMENT = {
    f"application/vnd.oasis.opendocument.{kind}": FileType(
        extension, f"application/vnd.oasis.opendocument.{kind}"
    )
    for kind, extension in (("text", "odt"), ("spreadsheet", "ods"), ("presentation", "odp"))
}
_SIGNATURES = ((b"%PDF-", PDF), (b"\x89PNG\r\n\x1a\n", PNG), (b"\xff\xd8\xff", JPEG))
_TEXT_BY_NAME = {"txt": TEXT, "csv": CSV}


def sniff(upload: File[bytes]) -> FileType:
    """What the file is by its content. Raises Invalid for anything not on the list above."""
    upload.seek(0)
    head = upload.read(_SNIFF_BYTES)
    for signature, found in _SIGNATURES:
        if head.startswith(signature):
            return found
    found_in_zip = _sniff_zip(upload) if head.startswith(b"PK\x03\x04") else None
    found_type = found_in_zip or _sniff_text(head, upload.name or "")
    if found_type is None:
        raise Invalid(
            _("Please choose a PDF, an office document, a picture (PNG, JPEG) or a text file."),
            field="file",
        )
    return found_type


def _sniff_zip(upload: File[bytes]) -> FileType | None:
    upload.seek(0)
    try:
        with zipfile.ZipFile(upload) as archive:
            names = archive.namelist()[:_MAX_ZIP_ENTRIES]
            if "mimetype" in names:
                with archive.open("mimetype") as member:
                    return OPEN_DOCUMENT.get(member.read(100).decode("ascii", "replace").strip())
    except _BROKEN_ZIP:
        return None
    if "[Content_Types].xml" not in names or any(n.endswith("vbaProject.bin") for n in names):
        return None  # a plain archive, or one that carries macros
    return next(
        (kind for folder, kind in OFFICE.items() if any(n.startswith(folder) for n in names)), None
    )


def _sniff_text(head: bytes, name: str) -> FileType | None:
    kind = _TEXT_BY_NAME.get(name.rpartition(".")[2].lower())
    if kind is None or b"\x00" in head:
        return None
    try:
        # The last character may be cut in the middle.
        head[:-4].decode("utf-8") if len(head) == _SNIFF_BYTES else head.decode("utf-8")
    except UnicodeDecodeError:
        return None
    return kind


def check_size(upload: File[bytes]) -> None:
    """Raises Invalid for an empty file and for one above the limit."""
    if not upload.size:
        raise Invalid(_("This file is empty."), field="file")
    if upload.size > MAX_BYTES:
        raise Invalid(
            _("This file is too large. At most %(size)d MB.") % {"size": MAX_BYTES // 1_000_000},
            field="file",
        )


def add_document(
    *, title: str, upload: File[bytes], actor: str, is_published: bool = True
) -> Document:
    """Store the file under a random name and list it. Raises Invalid (size, type, title), and
    Conflict where the school's plan has no room."""
    if not title.strip():
        raise Invalid(_("Please give the document a title."), field="title")
    check_size(upload)
    kind = sniff(upload)
    tenants.check_limit("storage_bytes", adding=upload.size)
    upload.seek(0)
    document = Document(
        title=title.strip(),
        content_type=kind.content_type,
        extension=kind.extension,
        size_bytes=upload.size,
        is_published=is_published,
        uploaded_by=actor,
    )
    document.file.save(f"upload.{kind.extension}", upload, save=False)
    try:
        document.save()
    except Exception:
        document.file.storage.delete(document.file.name or "")
        raise
    return document


@transaction.atomic
def change_document(*, document_id: UUID, title: str, is_published: bool) -> Document:
    """Change its title or whether the public sees it. Raises NotFound, Invalid."""
    if not title.strip():
        raise Invalid(_("Please give the document a title."), field="title")
    document = _locked(document_id)
    document.title, document.is_published = title.strip(), is_published
    document.save(update_fields=["title", "is_published"])
    return document


@transaction.atomic
def delete_document(*, document_id: UUID) -> None:
    """Remove the row, and the file once that is certain. Raises NotFound."""
    document = _locked(document_id)
    storage, name = document.file.storage, document.file.name or ""
    document.delete()
    transaction.on_commit(lambda: storage.delete(name))


def _locked(document_id: UUID) -> Document:
    document = Document.objects.select_for_update().filter(id=document_id).first()
    if document is None:
        raise NotFound(_("This document does not exist."))
    return document
