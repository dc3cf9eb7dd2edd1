"""Step 1: what `make run` prints is true, and what stands in its way is said."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from config.embedded import ROOT
from tests.flows.browserless import Visitor
from tests.flows.running import RunningStack

pytestmark = pytest.mark.flow


def run_module(running: RunningStack, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=ROOT,
        env=running.env,
        capture_output=True,
        text=True,
        check=False,
    )


def test_every_address_and_sign_in_it_prints_works(running: RunningStack) -> None:
    printed = run_module(running, "config.demo", "--signs").stdout
    addresses = re.findall(r"http://\S+", printed)
    assert {running.platform + "/", running.lincoln + "/", running.sanmartin + "/"} <= {*addresses}
    for address in addresses:
        assert Visitor(address).open(address).status == 200, address
    password = re.search(r"(?i)password.*?: *(\S+)", printed)
    assert password
    signs = re.findall(r"[\w.]+@[\w.]+\.example", printed)
    assert len(signs) >= 11  # the operator, and five people of each school
    for email in signs:
        slug = email.split("@")[1].removesuffix(".example")
        home = running.platform if slug == "homeroom" else running.address(slug)
        landed = Visitor(home).sign_in(email, password[1])
        expected = {"operator": "/operator/", "parent": "/family/"}
        assert landed.path == expected.get(email.split("@")[0], "/portal/"), email


def test_a_second_start_on_a_taken_port_says_so(running: RunningStack) -> None:
    port = str(running.stack.port)
    refused = run_module(running, "config.run", "--port", port)
    assert refused.returncode != 0
    [line] = refused.stderr.strip().splitlines()
    assert f"port {port} is taken" in line
    assert Visitor(running.lincoln).open("/").status == 200


def test_health_pages_answer_on_every_host(running: RunningStack) -> None:
    for address in (running.platform, running.lincoln, running.address("nowhere")):
        for path in ("/livez", "/readyz"):
            assert Visitor(address).open(path).status == 200, address + path


def test_a_command_in_a_second_shell_finds_the_running_schools(running: RunningStack) -> None:
    listed = running.manage("list_schools").stdout
    assert "lincoln" in listed
    assert "sanmartin" in listed
