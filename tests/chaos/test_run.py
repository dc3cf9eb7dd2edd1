"""A short run of `make chaos`, with processes and servers of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest
from django.conf import settings

pytestmark = pytest.mark.flow

SUITES_OWN = ("DATABASE_", "REDIS_URL", "HOMEROOM_", "DJANGO_SETTINGS_MODULE")


@pytest.fixture(scope="module")
def run() -> subprocess.CompletedProcess[str]:
    env = {key: value for key, value in os.environ.items() if not key.startswith(SUITES_OWN)}
    return subprocess.run(
        [sys.executable, "-m", "chaos", "--seconds", "18", "--schools", "5", "--json"],
        cwd=settings.BASE_DIR,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def report(run: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    return json.loads(run.stdout)


def test_every_promise_is_kept(run) -> None:
    assert run.returncode == 0, run.stdout[-4000:] + run.stderr[-4000:]


def test_everything_was_really_killed(report) -> None:
    assert len(report["kills"]) == 8
    assert all(report["kills"].values()), report["kills"]


def test_every_consumer_heard_enough_to_prove_something(report) -> None:
    consumers = report["count"]["consumers"]
    heard = {name: tally["due"] for name, tally in consumers.items()}
    assert set(heard) == {
        *("chaos.plain", "chaos.flaky", "chaos.picky", "chaos.external", "chaos.naive")
    }
    assert min(heard.values()) > 20
    assert report["count"]["letters"]["due"] > 0
    assert report["broken"] == []
