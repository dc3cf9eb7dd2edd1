"""Erasing somebody from the portal and from the command line."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.core.management import call_command

from apps.fees.tests import factories as make
from apps.tenants.facade import privacy
from kernel.commands import Error

REASON = "asked by letter"
ADMIN = "admin@example.org"


def erase(person: Any) -> Any:
    return privacy.erase_person(person, actor=ADMIN, reason=REASON)


def texts(rows: Any) -> str:
    return " | ".join(row.what for row in rows)


def test_an_admin_sees_what_goes_types_the_name_and_it_is_done(maria, client_for, where_is):
    admin, path = client_for("admin"), f"/portal/students/guardians/{maria.guardian.pk}/erase/"

    page = admin.get(path).content.decode()
    assert "What stays, and why" in page
    assert "Receipts with the payer" in page
    refused = admin.post(path, {"name": "Maria", "reason": REASON}).content.decode()
    assert "This is not the name of the person." in refused
    assert where_is("maria@example.org") != {}

    answer = admin.post(path, {"name": "Maria Lopez", "reason": REASON})

    assert answer["Location"] == "/portal/students/guardians/"
    assert where_is("maria@example.org") == {}


def test_the_page_says_why_not_yet(school, client_for):
    family = make.make_family(make.make_class(), name="Maria Lopez")
    admin, path = client_for("admin"), f"/portal/students/{family.child.pk}/erase/"

    page = admin.get(path).content.decode()
    again = admin.post(path, {"name": str(family.child), "reason": REASON}).content.decode()

    assert "withdraw the student first" in page
    assert '<button class="button button-danger">' not in page
    assert "withdraw the student first" in again


@pytest.mark.parametrize("role", ["bursar", "office", "teacher", "guardian"])
def test_nobody_but_an_admin_erases(maria, client_for, role):
    client = client_for(role)
    for path in (f"{maria.child.pk}/erase/", f"guardians/{maria.guardian.pk}/erase/"):
        assert client.get(f"/portal/students/{path}").status_code == 403
        assert client.post(f"/portal/students/{path}").status_code == 403
    detail = client.get(f"/portal/students/{maria.child.pk}/").content.decode()
    assert "Export data" not in detail


def test_an_admin_finds_both_on_the_pages(maria, client_for):
    admin = client_for("admin")

    for path in (f"{maria.child.pk}/", f"guardians/{maria.guardian.pk}/"):
        page = admin.get(f"/portal/students/{path}").content.decode()
        assert "Export data" in page
        assert f"/portal/students/{path}erase/" in page


def test_the_other_schools_admin_finds_nobody(maria, client_for, other_school):
    stranger = client_for("admin", school=other_school)

    path = f"/portal/students/guardians/{maria.guardian.pk}/"
    assert stranger.get(f"{path}erase/").status_code == 404
    assert stranger.post(f"{path}export/").status_code == 404


def test_the_command_shows_then_wants_the_name(maria, capsys, where_is):
    who = {"school": "lincoln", "email": "maria@example.org"}

    call_command("erase_person", **who, dry_run=True)
    shown = capsys.readouterr().out
    assert "Would go:" in shown
    assert "(until " in shown
    with pytest.raises(Error, match="does not match") as refusal:
        call_command("erase_person", **who, reason=REASON, yes="Somebody")
    assert refusal.value.returncode == 2
    with pytest.raises(Error, match="Say why"):
        call_command("erase_person", **who, yes="Maria Lopez")
    assert where_is("maria@example.org") != {}

    call_command("erase_person", **who, reason=REASON, yes="Maria Lopez", json=True)

    said = json.loads(capsys.readouterr().out)
    assert said["done"] is True
    assert where_is("maria@example.org") == {}
