"""provision_school and list_schools, in this process and once as an operator types them."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from apps.tenants.models import School
from apps.tenants.tests.factories import SchoolFactory

ROOT = Path(__file__).resolve().parents[3]
GOOD = ["--name", "Riverside School", "--slug", "riverside", "--admin-email", "jo@example.org"]
Footprint = Callable[[], dict[str, int]]


def _run(command: str, *args: str) -> str:
    out = io.StringIO()
    call_command(command, *args, stdout=out)
    return out.getvalue()


def test_it_prints_each_step_with_its_time_and_what_comes_next(db: None, steps: list[str]) -> None:
    lines = _run("provision_school", *GOOD).splitlines()

    assert lines[2].endswith(" s  Settled in")
    assert float(lines[2].split()[0]) >= 0
    assert lines[5].endswith(" s  in all")
    assert lines[7] == "Riverside School is open: http://riverside.testserver/"
    assert lines[8].startswith("Next: jo@example.org follows the link in the invitation e-mail")


def test_a_second_run_says_so_and_changes_nothing(steps: list[str], footprint: Footprint) -> None:
    _run("provision_school", *GOOD)
    before = footprint()

    text = _run("provision_school", *GOOD)

    assert text == (
        "Riverside School is already there: http://riverside.testserver/\nNothing was changed.\n"
    )
    assert footprint() == before


def test_json_for_scripts(db: None, steps: list[str]) -> None:
    done = json.loads(_run("provision_school", *GOOD, "--json"))

    assert (done["already"], done["slug"]) == (False, "riverside")
    assert done["address"] == "http://riverside.testserver/"
    assert [step["title"] for step in done["steps"]][2] == "Settled in"
    assert json.loads(_run("provision_school", *GOOD, "--json"))["already"] is True


@pytest.mark.parametrize(
    ("extra", "says"),
    [
        (["--slug", "No Good"], "cannot be part of a web address"),
        (["--slug", "lincoln"], "belongs to another school, Lincoln Elementary"),
        (["--admin-email", "jo"], "“jo” is not an e-mail address"),
        (["--currency", "BTC"], "is not a currency"),
        (["--language", "tlh"], "is not a language"),
        (["--time-zone", "Mars/Base"], "is not a time zone"),
        (["--nonsense"], "unrecognized arguments: --nonsense"),
    ],
)
def test_bad_input_is_one_line_and_code_2_and_leaves_nothing(
    footprint: Footprint, extra: list[str], says: str
) -> None:
    before = footprint()

    with pytest.raises(CommandError, match=says) as refused:
        _run("provision_school", *GOOD, *extra)

    assert refused.value.returncode == 2
    assert "\n" not in str(refused.value)
    assert footprint() == before


def test_a_failed_step_is_code_1(db: None, failing_step: Callable[[BaseException], None]) -> None:
    failing_step(RuntimeError("mail server on fire"))

    with pytest.raises(CommandError, match="Nothing was left behind") as failed:
        _run("provision_school", *GOOD)

    assert failed.value.returncode == 1


def test_schools_are_listed_as_a_table_and_as_json(db: None) -> None:
    SchoolFactory(slug="closed", name="Closed School", status="suspended")

    table = _run("list_schools").splitlines()
    rows = json.loads(_run("list_schools", "--json"))

    assert table[0].split()[:4] == ["SLUG", "NAME", "STATUS", "ADDRESS"]
    assert table[1].split()[0] == "lincoln"
    assert [row["slug"] for row in rows] == ["lincoln", "sanmartin", "closed"]
    assert rows[1]["address"] == "http://sanmartin.testserver/"
    assert "closed" in _run("list_schools", "--status", "suspended")
    assert "lincoln" not in _run("list_schools", "--status", "suspended")


def test_no_schools_says_how_to_make_one(db: None) -> None:
    School.objects.all().delete()

    assert "provision_school --help" in _run("list_schools")


def _manage(*args: str) -> subprocess.CompletedProcess[str]:
    """manage.py in a process of its own, on this test's database."""
    parts: dict[str, Any] = connection.settings_dict
    known = {"user": "USER", "password": "PASSWORD", "host": "HOST", "port": "PORT"}
    dsn = " ".join(f"{key}='{parts[name]}'" for key, name in known.items() if parts[name])
    return subprocess.run(
        [sys.executable, "manage.py", *args],
        cwd=ROOT,
        env={
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "config.settings.test",
            "DATABASE_URL": f"{dsn} dbname='{parts['NAME']}'",
            "PYTHONWARNINGS": "ignore",
        },
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_in_a_shell_errors_are_one_line_on_stderr_and_exit_code_2(db: None) -> None:
    taken = _manage("provision_school", *GOOD, "--slug", "lincoln")
    missing = _manage("provision_school", "--name", "Riverside School")
    helped = _manage("provision_school", "--help")

    assert (taken.returncode, taken.stdout) == (2, "")
    assert taken.stderr == (
        "Error: The short name “lincoln” belongs to another school, Lincoln Elementary.\n"
    )
    assert (missing.returncode, missing.stdout) == (2, "")
    assert missing.stderr == (
        "Error: the following arguments are required: --slug, --admin-email. "
        "Try manage.py provision_school --help\n"
    )
    assert helped.returncode == 0
    assert "short name, first part of its address" in " ".join(helped.stdout.split())
