"""The operator's pages and commands for backups."""

from __future__ import annotations

import io
import json
import re
from datetime import UTC, datetime
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from apps.tenants.models import Backup, Operation, OperatorAction, School
from apps.tenants.services import operations
from kernel.schools import in_public

HERE = "/operator/schools/1/backups/"
pytestmark = pytest.mark.django_db(transaction=True)


def command(*words: str) -> Any:
    out = io.StringIO()
    call_command(*words, "--json", stdout=out, stderr=io.StringIO())
    return json.loads(out.getvalue())


def refused(*words: str) -> tuple[int, str]:
    with pytest.raises(CommandError) as told:
        call_command(*words, stdout=io.StringIO(), stderr=io.StringIO())
    return told.value.returncode, str(told.value)


def test_from_the_console_there_and_back(
    committed_school: Any, shelf: Any, operator_client: Any
) -> None:
    assert b"No backups yet" in operator_client.get(HERE).content
    # Back up now is an operation of the keeper
    reply = operator_client.post(f"{HERE}now/")
    operation = _last()
    assert reply.headers["Location"].endswith(f"/operator/operations/{operation.pk}/")
    assert operations.run_operation(operation.pk) == "done"
    with in_public():
        backup = Backup.objects.get()
    page = operator_client.get(HERE).content.decode()
    assert "operator@example.org" in page
    # a restore needs the short name
    address = f"{HERE}{backup.pk}/restore/"
    asked = operator_client.get(address)
    assert asked.status_code == 200
    assert "(optional)" not in asked.content.decode()
    assert operator_client.post(address).status_code == 422
    assert operator_client.post(address, {"as_new": "1"}).status_code == 422
    assert operator_client.post(address, {"typed": "sanmartin"}).status_code == 422
    assert operator_client.post(address, {"as_new": "1", "slug": "No!"}).status_code == 422
    assert operator_client.post(address, {"typed": "lincoln"}).status_code == 302
    assert operations.run_operation(_last().pk) == "done"
    assert "Undo the restore" in operator_client.get(HERE).content.decode()
    # verify, pin, undo
    assert operator_client.post(f"{HERE}{backup.pk}/verify/").status_code == 302
    assert operations.run_operation(_last().pk) == "done"
    operator_client.post(f"{HERE}{backup.pk}/pin/")
    page = operator_client.get(HERE).content.decode()
    assert "Verified" in page
    assert "Unpin" in page
    operator_client.post(f"{HERE}undo/")
    assert operations.run_operation(_last().pk) == "done"
    told = _last().result
    assert re.search(r"the tables from before, of \d{4}-\d\d-\d\d [\d:]{8} \(UTC\)", told)
    assert "kept_t_" not in told
    # A copy is linked where its making is told of
    operator_client.post(address, {"as_new": "1", "slug": "lincoln-copy"})
    making = f"/operator/operations/{_last().pk}/"
    assert "lincoln-copy" not in operator_client.get(making).content.decode()
    assert operations.run_operation(_last().pk) == "done"
    with in_public():
        copy = School.objects.get(slug="lincoln-copy")
    page = operator_client.get(making).content.decode()
    assert f'<a href="/operator/schools/{copy.pk}/">The new school: lincoln-copy</a>' in page
    # A backup belongs to its school's page only.
    assert (
        operator_client.get(f"/operator/schools/2/backups/{backup.pk}/restore/").status_code == 404
    )
    history = operator_client.get("/operator/schools/1/history/").content.decode()
    assert "Put back to the backup of" in history


def _last() -> Operation:
    with in_public():
        return Operation.objects.order_by("-id")[0]


@pytest.mark.django_db(transaction=False)
def test_pages_are_the_operators(anonymous: Any, client_for: Any) -> None:
    assert client_for("admin").get(HERE).status_code == 404
    assert anonymous().get(HERE).status_code == 404


def test_by_command(committed_school: Any, shelf: Any, tmp_path: Any) -> None:
    folder = tmp_path / "copies"
    folder.mkdir()
    taken = command("backup_school", "--school", "lincoln", "--to", str(folder))["backups"][0]
    assert (taken["state"], taken["school"]) == ("done", "lincoln")
    assert command("verify_backup", taken["copy"])["rows"] == taken["rows"]
    assert [row["id"] for row in command("list_backups")["backups"]] == [taken["id"]]
    assert command("list_backups", "--storage") == {"files": [taken["key"]]}
    new = command("restore_school", taken["copy"], "--as-new", "--slug", "lincoln-two")
    assert (new["status"], new["rows"]) == ("archived", taken["rows"])
    back = command(
        "restore_school", taken["id"], "--in-place", "--school", "lincoln", "--confirm", "lincoln"
    )
    assert back["kept"].startswith("kept_t_000001_")
    undone = command("restore_school", "--undo", "--school", "lincoln", "--confirm", "lincoln")
    assert undone["school"] == "lincoln"
    with in_public():
        assert OperatorAction.objects.filter(school_id=1, action="school.restored").exists()


def test_wrong_input_is_exit_code_2_and_damage_1(
    committed_school: Any, shelf: Any, tmp_path: Any
) -> None:
    assert refused("backup_school", "--school", "nobody")[0] == 2
    assert refused("verify_backup", "no-such-file")[0] == 2
    assert refused("restore_school", "x", "--as-new")[0] == 2
    assert refused("restore_school", "--in-place", "--school", "lincoln")[0] == 2
    wrong = ("--school", "lincoln", "--confirm", "other")
    assert refused("restore_school", "--undo", *wrong)[0] == 2
    broken = tmp_path / "broken.homeroom"
    broken.write_bytes(b"HOMEROOM-BACKUP\n nonsense")
    code, told = refused("verify_backup", str(broken))
    assert (code, "damaged" in told) == (1, True)


def test_the_check_for_monitoring(committed_school: Any, shelf: Any) -> None:
    assert command("list_backups", "--check")["well"] is True
    with in_public():
        Backup.objects.create(school_id=1, school_name="L", key="k", state="failed", error="x")
    assert refused("list_backups", "--check")[0] == 1


@pytest.mark.django_db(transaction=False)
def test_administrators_see_when_their_school_was_backed_up(client_for: Any) -> None:
    client = client_for("admin")
    assert "Last backup" not in client.get("/portal/settings/plan/").content.decode()
    at = datetime(2026, 11, 20, 9, 15, tzinfo=UTC)
    with in_public():
        Backup.objects.create(school_id=1, school_name="L", key="k", state="done", taken_at=at)
        Backup.objects.create(school_id=1, school_name="L", key="l", state="failed", error="x")
    page = client.get("/portal/settings/plan/").content.decode()
    assert re.search(r"Last backup: [^<]*20", page)
