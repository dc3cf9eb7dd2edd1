"""What is handed out about a person: all of theirs, nothing of anybody else, no secret."""

from __future__ import annotations

import io
import json
import re
import stat
import zipfile
from typing import Any

import pytest
from django.core.management import call_command

from apps.fees.models import FamilyLink
from apps.fees.services import links
from apps.fees.tests import factories as make
from apps.identity import facade as identity
from apps.identity.models import User
from apps.students.models import Guardianship
from apps.students.tests.factories import GuardianFactory
from apps.tenants.facade import privacy
from apps.tenants.models import OperatorAction
from kernel.commands import Error
from kernel.errors import Invalid, NotFound
from kernel.schools import in_public


def opened(export: Any) -> tuple[dict[str, Any], str, list[str]]:
    """data.json, index.html and the names of all files."""
    archive = zipfile.ZipFile(io.BytesIO(export.content))
    data = json.loads(archive.read("data.json"))
    return data, archive.read("index.html").decode(), archive.namelist()


def section(data: dict[str, Any], name: str) -> list[dict[str, Any]]:
    return next((part["rows"] for part in data["sections"] if part["name"] == name), [])


def test_a_guardian_gets_everything_of_theirs(maria, person_of):
    export = privacy.export_person(person_of(guardian=maria.guardian.pk))

    data, page, names = opened(export)
    assert (data["format"], data["version"]) == ("homeroom.person", 1)
    assert data["person"]["name"] == "Maria Lopez"
    assert section(data, "students.guardians")[0]["phone"] == "555 0101"
    assert section(data, "identity.accounts")[0]["email"] == "maria@example.org"
    payment = section(data, "payments.payments")[0]
    assert payment["paid"] == {"minor": 45000, "currency": "USD"}
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]+Z", payment["paid_at"])
    assert [row["title"] for row in section(data, "payments.history")] == [
        "Payment started",
        "Paid",
        "$450.00 pays for invoices",
    ]
    assert {row["subject"] for row in section(data, "notifications.messages")}
    assert "$450.00" in page
    assert "files/receipts/R2026-00001.pdf" in names


def test_a_student_gets_classes_invoices_and_the_names_of_the_family(maria, person_of):
    data, page, _names = opened(privacy.export_person(person_of(student=maria.child.pk)))

    assert data["person"]["kind"] == "student"
    assert section(data, "students.enrolments")[0]["class"] == "3A"
    assert section(data, "fees.invoices")[0]["balance"] == {"minor": 0, "currency": "USD"}
    assert section(data, "students.family")[0]["guardian"] == "Maria Lopez"
    assert "555 0101" not in json.dumps(data)
    assert "maria@example.org" not in json.dumps(data) + page


def test_nothing_of_other_guardians_and_families_is_in_it(maria, person_of):
    father = GuardianFactory(name="Juan Ruiz", email="juan@example.org", phone="555 0199")
    Guardianship.objects.create(student=maria.child, guardian=father, contact_order=2)
    make.make_family(make.make_class("4B"), name="Other Family", email="other@example.org")

    data, page, _names = opened(privacy.export_person(person_of(guardian=maria.guardian.pk)))

    whole = json.dumps(data) + page
    assert "juan@example.org" not in whole
    assert "555 0199" not in whole
    assert "Other Family" not in whole
    assert "office@example.org" not in whole, "staff who acted are not named"


def test_no_secret_is_in_it(maria, person_of):
    identity.issue_tokens(User.objects.get(email="maria@example.org").pk)
    link = FamilyLink.objects.get(guardian_id=maria.guardian.pk)

    data, page, _names = opened(privacy.export_person(person_of(guardian=maria.guardian.pk)))

    whole = json.dumps(data) + page
    assert User.objects.get(email="maria@example.org").password not in whole
    assert links.token_of(link.id) not in whole
    assert "/family/l/" not in whole


def test_the_page_stands_alone(maria, person_of):
    _data, page, _names = opened(privacy.export_person(person_of(guardian=maria.guardian.pk)))

    assert page.startswith("<!doctype html>")
    assert '<html lang="en">' in page
    assert "<style>" in page
    assert not re.search(r"<(script|link|img)|src=|url\(", page)


def test_what_people_wrote_is_shown_and_not_run(maria, person_of):
    maria.guardian.name = "<script>alert(1)</script>"
    maria.guardian.save()

    _data, page, _names = opened(privacy.export_person(person_of(guardian=maria.guardian.pk)))

    assert "<script>" not in page


def test_it_is_written_in_the_schools_language(in_other_school, person_of):
    with in_other_school():
        guardian = GuardianFactory(name="Inés Gil")
        data, page, _names = opened(privacy.export_person(person_of(guardian=guardian.pk)))

    assert data["language"] == "es"
    assert '<html lang="es">' in page


def test_a_person_is_found_by_any_of_their_keys(maria, person_of):
    whole = person_of(guardian=maria.guardian.pk)

    assert person_of(email="MARIA@example.org") == whole
    assert set(person_of(user=whole.user_ids[0]).ids) == set(whole.ids)
    assert person_of(student=maria.child.number) == person_of(student=maria.child.pk)


def test_several_matches_are_listed_and_never_guessed(school, person_of):
    account = identity.create_user(
        email="old@example.org", name="Ana Gil", password="correct horse battery", roles=["admin"]
    )
    guardian = GuardianFactory(name="Ana Gil", email="ana@example.org", user_id=account.id)
    identity.create_user(
        email="ana@example.org", name="Ana G", password="correct horse battery", roles=["teacher"]
    )

    with pytest.raises(privacy.SeveralPeople) as refusal:
        person_of(email="ana@example.org")

    assert str(guardian.pk) in str(refusal.value)
    assert len(refusal.value.people) == 2


def test_nobody_and_nothing_to_look_for(school, person_of):
    with pytest.raises(NotFound):
        person_of(email="nobody@example.org")
    with pytest.raises(NotFound):
        person_of(student="no such number")
    with pytest.raises(Invalid):
        person_of()


def test_a_person_of_one_school_is_unknown_in_the_other(maria, in_other_school, person_of):
    with in_other_school(), pytest.raises(NotFound):
        person_of(guardian=maria.guardian.pk)


def test_the_command_writes_a_file_for_ones_own_eyes(maria, tmp_path, capsys):
    target = tmp_path / "maria.zip"

    call_command(
        "export_person", school="lincoln", email="maria@example.org", to=str(target), json=True
    )

    said = json.loads(capsys.readouterr().out)
    assert said["files"] == 1
    assert said["sections"]["payments.payments"] == 1
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    with in_public():
        noted = OperatorAction.objects.get(action="tenants.person_exported")
    assert "maria" not in json.dumps(noted.detail).lower()


def test_the_command_overwrites_nothing(maria, tmp_path):
    target = tmp_path / "there.zip"
    target.write_text("mine")

    with pytest.raises(Error) as refusal:
        call_command("export_person", school="lincoln", email="maria@example.org", to=str(target))

    assert refusal.value.returncode == 2
    assert target.read_text() == "mine"


def test_admins_download_it_and_nobody_else(maria, client_for, anonymous):
    path = f"/portal/students/guardians/{maria.guardian.pk}/export/"

    answer = client_for("admin").post(path)

    assert answer.status_code == 200
    assert answer["Content-Type"] == "application/zip"
    assert "no-store" in answer["Cache-Control"]
    assert zipfile.ZipFile(io.BytesIO(answer.content)).testzip() is None
    for role in ("bursar", "office", "teacher"):
        assert client_for(role).post(path).status_code == 403
    assert anonymous().post(path).status_code in (302, 403)


def test_a_download_is_in_the_audit_trail_in_plain_words(maria, client_for):
    admin = client_for("admin")
    admin.post(f"/portal/students/{maria.child.pk}/export/")

    page = admin.get("/portal/people/audit/").content.decode()

    assert "Exported everything held about a person" in page
