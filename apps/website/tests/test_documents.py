"""Files for download."""

from contextlib import suppress
from pathlib import Path

import pytest
from django.conf import settings
from hypothesis import given
from hypothesis import strategies as st

from apps.website.models import Document
from apps.website.services.documents import (
    MAX_BYTES,
    add_document,
    change_document,
    delete_document,
    sniff,
)
from kernel.errors import Invalid

from .factories import PDF, office_file, upload


def add(content=PDF, name="menu.pdf", **changes):
    values = {"title": "Menu", "upload": upload(content, name), "actor": "office@example.org"}
    return add_document(**{**values, **changes})


def test_a_file_is_stored_under_a_random_name_in_the_schools_folder(school):
    document = add(name="../../etc/passwd.pdf")

    path = Path(document.file.path)
    assert document.file.name.startswith("documents/")
    assert document.file.path == str(Path(settings.MEDIA_ROOT) / "t_000001" / document.file.name)
    assert "passwd" not in document.file.name
    assert path.read_bytes() == PDF
    assert (document.extension, document.content_type) == ("pdf", "application/pdf")
    assert document.size_bytes == len(PDF)


@pytest.mark.parametrize(
    ("content", "name", "expected"),
    [
        (b"\x89PNG\r\n\x1a\n....", "a.exe", "png"),
        (b"\xff\xd8\xff\xe0....", "a", "jpg"),
        (office_file("[Content_Types].xml", "word/document.xml"), "a.zip", "docx"),
        (office_file("[Content_Types].xml", "xl/workbook.xml"), "a.xlsx", "xlsx"),
        ("día;menú\n".encode(), "menu.csv", "csv"),
        (b"<script>alert(1)</script>", "a.txt", "txt"),
    ],
)
def test_the_content_says_what_a_file_is(school, content, name, expected):
    assert add(content, name).extension == expected


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (b"<html><script>alert(1)</script></html>", "page.html"),
        (b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", "logo.svg"),
        (b"MZ\x90\x00\x03", "menu.pdf"),
        (office_file("a.exe"), "a.zip"),
        (office_file("[Content_Types].xml", "word/document.xml", "word/vbaProject.bin"), "m.docx"),
        (b"PK\x03\x04 broken", "a.docx"),
        (b"\x00\x01\x02", "a.txt"),
        (b"caf\xe9", "latin1.txt"),
        (b"", "empty.pdf"),
    ],
)
def test_other_files_are_refused_and_nothing_is_stored(school, content, name):
    with pytest.raises(Invalid) as refused:
        add(content, name)

    assert refused.value.field == "file"
    assert Document.objects.count() == 0


@given(st.integers(0, 400), st.binary(min_size=1, max_size=6))
def test_a_damaged_archive_is_refused_or_taken_but_never_an_error(place, junk):
    whole = bytearray(office_file("mimetype", "[Content_Types].xml", "word/document.xml"))
    whole[place : place + len(junk)] = junk

    with suppress(Invalid):
        sniff(upload(bytes(whole), "a.docx"))


def test_a_large_file_is_refused(school):
    file = upload()
    file.size = MAX_BYTES + 1

    with pytest.raises(Invalid, match="too large"):
        add(upload=file)


def test_a_stranger_gets_it_as_a_download_only(school, anonymous):
    document = add(title="School menu / November")

    answer = anonymous().get(f"/documents/{document.id}/")

    assert answer.status_code == 200
    assert b"".join(answer.streaming_content) == PDF
    assert answer["Content-Disposition"] == 'attachment; filename="school-menu-november.pdf"'
    assert answer["Content-Type"] == "application/pdf"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in answer["Content-Security-Policy"]


def test_a_hidden_or_lost_document_is_not_there(school, anonymous):
    hidden, lost = add(is_published=False), add(title="Lost")
    lost.file.storage.delete(lost.file.name)

    assert anonymous().get(f"/documents/{hidden.id}/").status_code == 404
    assert anonymous().get(f"/documents/{lost.id}/").status_code == 404
    assert "Lost" in anonymous().get("/documents/").content.decode()


def test_the_other_school_does_not_have_it(school, other_school, anonymous):
    document = add()
    client = anonymous(other_school)

    assert client.get(f"/documents/{document.id}/").status_code == 404
    for path in (document.file.name, f"t_000001/{document.file.name}"):
        assert client.get(f"/{path}").status_code == 404
        assert client.get(f"/media/{path}").status_code == 404


def test_a_row_that_names_another_schools_file_opens_nothing(
    school, in_other_school, other_school, anonymous
):
    """As a damaged row, or one copied by hand from the other school, would."""
    theirs = add()
    with in_other_school():
        ours = add(title="Ours")
        Document.objects.filter(id=ours.id).update(file=f"t_000001/{theirs.file.name}")

    answer = anonymous(other_school).get(f"/documents/{ours.id}/")

    assert answer.status_code == 400
    assert PDF not in answer.content


def test_a_name_with_the_schools_own_folder_is_still_understood(school, anonymous):
    document = add()
    Document.objects.filter(id=document.id).update(file=f"t_000001/{document.file.name}")

    assert anonymous().get(f"/documents/{document.id}/").status_code == 200


def test_a_browser_that_has_it_gets_it_no_second_time(school, anonymous):
    client, document = anonymous(), add()
    first = client.get(f"/documents/{document.id}/")
    assert first["Cache-Control"] == "public, max-age=60"

    again = client.get(f"/documents/{document.id}/", headers={"if-none-match": first["ETag"]})

    assert (again.status_code, again.content) == (304, b"")
    change_document(document_id=document.id, title="Other name", is_published=True)
    renamed = client.get(f"/documents/{document.id}/", headers={"if-none-match": first["ETag"]})
    assert renamed.status_code == 200


def test_deleting_removes_the_file_once_it_is_certain(school, django_capture_on_commit_callbacks):
    document = add()
    path = Path(document.file.path)

    with django_capture_on_commit_callbacks() as callbacks:
        delete_document(document_id=document.id)
    assert path.exists()
    for callback in callbacks:
        callback()

    assert not path.exists()


def test_title_and_visibility_change(school):
    document = add()

    change_document(document_id=document.id, title="Menu of May", is_published=False)

    document.refresh_from_db()
    assert (document.title, document.is_published) == ("Menu of May", False)


def test_uploading_through_the_portal(school, client_for):
    client = client_for("office")
    url = "/portal/website/documents/new/"

    done = client.post(url, {"title": "Menu", "file": upload(), "is_published": "on"})
    refused = client.post(url, {"title": "Page", "file": upload(b"<html></html>", "a.html")})

    assert done.status_code == 302
    assert "Please choose a PDF" in refused.content.decode()
    assert [document.title for document in Document.objects.all()] == ["Menu"]
    assert Document.objects.get().uploaded_by == "office@example.org"
