"""The whole stack for flow and browser tests: web, worker, beat and sandbox on free ports, with
servers and data of their own. Started once for the session."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest

from tests.flows.families import Billed, Family, bill_everybody
from tests.flows.letters import Letters
from tests.flows.running import RunningStack, start_stack
from tests.waiting import wait_for

# The run of tests/chaos keeps a processor busy by itself: it takes its turn with the stack.
STACK = ("tests/flows/", "tests/browser/", "tests/chaos/test_run.py")
# Tests that share something which takes long to make: one parallel worker makes it once.
TOGETHER = {
    "stack": STACK,
    "replica": ("tests/replica/",),  # one primary and one standby
    "backups": ("tests/backups/",),  # the lively school, and a copy of it
    "secrecy": ("tests/secrecy/",),  # the life that is listened to
    "design": ("config/tests/test_design_in_a_browser.py",),  # a browser
    "architecture": ("tests/architecture/",),  # the source as a syntax tree
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.nodeid.startswith(STACK):
            item.add_marker(pytest.mark.timeout(600))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """One parallel worker gets all tests of a group, and the groups come first: the others are
    shared out one by one, so that all workers end together.

    xdist's own groups (`xdist_group`, with 3.8) have no effect from pytest 9.2 on: they rename the
    test, and pytest no longer reads the name they write.
    """
    if config.getvalue("dist") != "loadgroup":
        return None
    from xdist.scheduler import LoadScopeScheduling

    class Groups(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return group_of(nodeid)

    return Groups(config, log)


def group_of(nodeid: str) -> str:
    """The name of the test's group; the test itself, where it has none."""
    return next((name for name, places in TOGETHER.items() if nodeid.startswith(places)), nodeid)


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    """The stack with the two demo schools."""
    data = tmp_path_factory.mktemp("stack") / "data"
    with start_stack(data) as started:
        yield started
    shutil.rmtree(data, ignore_errors=True)


@pytest.fixture(scope="session")
def letters(running: RunningStack) -> Letters:
    return Letters(running.mail)


@pytest.fixture(scope="session")
def eventually() -> Callable[..., Any]:
    """eventually(check, seconds=20): the first true value of check(), or a failure."""
    return partial(wait_for, seconds=20)


@pytest.fixture(scope="session")
def billed(running: RunningStack, letters: Letters, eventually: Callable[..., Any]) -> Billed:
    """Brook School: families with two children each, after two billing runs."""
    return bill_everybody(running, letters, eventually)


@pytest.fixture
def family(billed: Billed) -> Family:
    """A family of Brook School that nobody else pays for."""
    return billed.next_family()


@pytest.fixture(scope="session")
def onlooker(billed: Billed) -> Family:
    """A family that looks at its page and never pays, shared by the tests that change nothing."""
    return billed.next_family()


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Skipped browser tests must not go unnoticed."""
    skipped = terminalreporter.stats.get("skipped", [])
    missed = [report for report in skipped if "no Chromium" in str(report.longrepr)]
    if missed:
        terminalreporter.section("NO BROWSER FOUND", sep="!", red=True, bold=True)
        terminalreporter.line(
            f"{len(missed)} browser tests were SKIPPED: no Chromium on this machine. Install one "
            "(Debian: apt-get install chromium) or set HOMEROOM_CHROMIUM to its path.",
            red=True,
        )
