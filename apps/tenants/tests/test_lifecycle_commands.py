"""suspend, resume, archive, delete, domains, the list: as an operator types them."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from apps.tenants.models import Domain, OperatorAction, School
from apps.tenants.services import domains, operations
from apps.tenants.services.operations import OperationContext, operation
from apps.tenants.tests.factories import SchoolFactory
from kernel.errors import Unavailable

EVERY = (
    "suspend_school",
    "resume_school",
    "archive_school",
    "delete_school",
    "add_domain",
    "remove_domain",
    "list_schools",
)
REASON = ["--reason", "Closed down"]


@pytest.fixture(autouse=True)
def _quiet_keeper(db: None) -> Iterator[None]:
    kinds, send = dict(operations._kinds), operations._send
    operations.ask_keeper_with(None)

    @operation("backup", title="Backup")
    def backup(context: OperationContext) -> str:
        return "a backup"

    yield
    operations._kinds.clear()
    operations._kinds.update(kinds)
    operations.ask_keeper_with(send)


def run(command: str, *args: str) -> str:
    out = io.StringIO()
    call_command(command, *args, stdout=out)
    return out.getvalue()


def refused(command: str, *args: str) -> CommandError:
    with pytest.raises(CommandError) as error:
        run(command, *args)
    assert "\n" not in str(error.value)
    return error.value


def status() -> str:
    return School.objects.get(pk=1).status


def test_a_school_goes_and_comes_back() -> None:
    assert "resume_school --school lincoln" in run("suspend_school", "--school", "lincoln", *REASON)
    assert status() == "suspended"
    assert "is open: http://lincoln.testserver/" in run("resume_school", "--school", "t_000001")
    run("archive_school", "--school", "lincoln.testserver", *REASON)
    assert status() == "archived"

    actor = OperatorAction.objects.filter(school_id=1).first().actor  # type: ignore[union-attr]
    assert actor.endswith("(manage.py)")


@pytest.mark.parametrize("command", ["suspend_school", "archive_school"])
def test_json_for_scripts(command: str) -> None:
    told = json.loads(run(command, "--school", "lincoln", *REASON, "--json"))

    assert (told["id"], told["slug"], told["address"]) == (
        1,
        "lincoln",
        "http://lincoln.testserver/",
    )
    assert told["status"] == status()
    assert json.loads(run("resume_school", "--school", "lincoln", "--json"))["status"] == "active"


@pytest.mark.parametrize("command", EVERY)
def test_wrong_arguments_are_one_line_and_code_2(command: str) -> None:
    assert refused(command, "--nonsense").returncode == 2
    if command != "list_schools":
        assert refused(command).returncode == 2
        more = ["--domain", "a.example"] if "domain" in command else []
        more = REASON if command in ("suspend_school", "archive_school") else more
        error = refused(command, "--school", "nobody", *more)
        assert error.returncode == 2
        assert "No school has the short name" in str(error)


@pytest.mark.parametrize(
    ("command", "args"),
    [
        ("suspend_school", ["--reason", " "]),
        ("archive_school", ["--reason", ""]),
        ("resume_school", []),
        ("delete_school", ["--undo"]),
        ("delete_school", ["--undo", "--yes-delete", "lincoln"]),
        ("delete_school", [*REASON, "--yes-delete", "sanmartin"]),
        ("delete_school", ["--yes-delete", "lincoln"]),
        ("delete_school", [*REASON, "--yes-delete", "lincoln", "--now", "wrong"]),
        ("delete_school", [*REASON, "--yes-delete", "lincoln", "--without-export"]),
        ("add_domain", ["--domain", "not a domain"]),
        ("add_domain", ["--domain", "sanmartin.testserver"]),
        ("remove_domain", ["--domain", "lincoln.testserver"]),
    ],
)
def test_what_cannot_be_done_changes_nothing(command: str, args: list[str]) -> None:
    assert refused(command, "--school", "lincoln", *args).returncode == 2

    assert status() == "active"
    assert Domain.objects.filter(tenant=1).count() == 1
    assert not OperatorAction.objects.filter(school_id=1).exists()


@pytest.mark.parametrize("command", EVERY)
def test_help_is_for_strangers(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        run(command, "--help")

    assert ended.value.code == 0
    text = " ".join(capsys.readouterr().out.split())
    assert "Exit code 0" in text
    assert "--json" in text


# Deleting -------------------------------------------------------------------------------------


def test_without_a_terminal_nothing_is_deleted() -> None:
    error = refused("delete_school", "--school", "lincoln", *REASON)

    assert "--yes-delete lincoln" in str(error)
    assert status() == "active"


def test_at_a_terminal_it_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    def typed(question: str) -> str:
        asked.append(question)
        return "lincoln"

    monkeypatch.setattr("sys.stdin", Terminal())
    monkeypatch.setattr("builtins.input", typed)

    run("delete_school", "--school", "lincoln", *REASON)

    assert status() == "deleting"
    assert "All data of Lincoln Elementary (t_000001)" in asked[0]


def test_deleting_says_when_and_how_to_undo(settings: Any) -> None:
    settings.DELETE_GRACE_DAYS = 30

    text = run("delete_school", "--school", "lincoln", *REASON, "--yes-delete", "lincoln")

    day = School.objects.get(pk=1).delete_after
    assert day is not None
    assert f"deleted on {day.date().isoformat()}" in text
    assert "--undo" in text
    assert "active as before" in run("delete_school", "--school", "lincoln", "--undo")
    assert status() == "active"


def test_deleting_in_json() -> None:
    text = run("delete_school", "--school", "lincoln", *REASON, "--yes-delete", "lincoln", "--json")

    told = json.loads(text)
    assert told["status"] == "deleting"
    assert told["delete_after"] == School.objects.get(pk=1).delete_after.isoformat()  # type: ignore[union-attr]
    assert told["export_operation"] == str(School.objects.get(pk=1).export_operation)


def test_a_failed_deletion_is_code_1() -> None:
    del operations._kinds["backup"]

    error = refused(
        *("delete_school", "--school", "lincoln", *REASON),
        *("--yes-delete", "lincoln", "--now", "lincoln"),
    )

    assert error.returncode == 1
    assert status() == "deleting"


@pytest.mark.django_db(transaction=True)
def test_deleting_at_once() -> None:
    text = run(
        *("delete_school", "--school", "lincoln", *REASON),
        *("--yes-delete", "lincoln", "--now", "lincoln", "--json"),
    )

    assert json.loads(text)["deleted"] is True
    assert not School.objects.filter(pk=1).exists()
    assert refused("resume_school", "--school", "lincoln").returncode == 2


# Domains --------------------------------------------------------------------------------------


def _leads_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(domains, "check_reaches_us", lambda domain, challenge: None)


def test_a_domain_that_leads_here(monkeypatch: pytest.MonkeyPatch) -> None:
    _leads_here(monkeypatch)
    args = ["--school", "lincoln", "--domain", "www.riverside.example"]

    assert "is an address of the school" in run("add_domain", *args)
    told = json.loads(run("add_domain", *args, "--primary", "--json"))

    assert told == {"school": "lincoln", "domain": "www.riverside.example", "is_primary": True}
    assert School.objects.get(pk=1).primary_host == "www.riverside.example"
    removed = ["--school", "www.riverside.example", "--domain", "lincoln.testserver"]
    assert "no more" in run("remove_domain", *removed)


def test_a_domain_that_does_not_lead_here_yet_is_code_1_and_noted_down(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def away(domain: str, challenge: str) -> None:
        raise Unavailable(f"{domain} has no DNS record yet.")

    monkeypatch.setattr(domains, "check_reaches_us", away)
    args = ["--school", "lincoln", "--domain", "www.riverside.example", "--primary"]

    error = refused("add_domain", *args)

    assert error.returncode == 1
    assert "run this command again" in str(error)
    assert Domain.objects.get(domain="www.riverside.example").challenge
    _leads_here(monkeypatch)
    assert "the primary address" in run("add_domain", *args)


def test_a_domain_the_operator_vouches_for() -> None:
    run("add_domain", "--school", "lincoln", "--domain", "www.riverside.example", "--unchecked")

    assert Domain.objects.get(domain="www.riverside.example").challenge == ""


# The list -------------------------------------------------------------------------------------


def test_the_list_can_be_narrowed_and_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    run("suspend_school", "--school", "sanmartin", *REASON)
    _leads_here(monkeypatch)
    run("add_domain", "--school", "lincoln", "--domain", "www.riverside.example")

    rows = json.loads(run("list_schools", "--json"))
    assert rows[0]["domains"] == ["lincoln.testserver", "www.riverside.example"]
    assert [row["is_behind"] for row in rows] == [False, False]
    assert "2 schools: 1 active, 1 suspended" in run("list_schools")
    assert "sanmartin" not in run("list_schools", "--search", "riverside.ex")
    for state in School.Status.values:
        run("list_schools", "--status", state)
    assert "No school matches." in run("list_schools", "--status", "archived")
    assert refused("list_schools", "--status", "nonsense").returncode == 2


def test_who_is_behind_is_marked() -> None:
    School.objects.filter(pk=2).update(schema_version="of an older release")

    assert "t_000002*" in run("list_schools")
    behind = json.loads(run("list_schools", "--behind", "--json"))
    assert [row["slug"] for row in behind] == ["sanmartin"]


def test_the_list_costs_the_same_for_many_schools(django_assert_max_num_queries: Any) -> None:
    SchoolFactory.create_batch(50)

    with django_assert_max_num_queries(4):
        run("list_schools", "--json")
