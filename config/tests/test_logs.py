"""A process that Django set up writes our lines: JSON, with the tokens of links taken out."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from config import embedded

PROGRAM = """
import django, logging, structlog
django.setup()
structlog.get_logger("homeroom").warning("link opened", path="/family/l/SeCrEt/")
logging.getLogger("django.request").warning("Gone: %s", "/invitation/SeCrEt/")
structlog.get_logger("homeroom").info("too quiet to be told")
"""


@pytest.fixture
def lines() -> list[dict[str, str]]:
    """What such a process writes."""
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "config.settings.collect",
        "LOG_LEVEL": "WARNING",
    }
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        cwd=embedded.ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == ""
    return [json.loads(line) for line in done.stderr.splitlines()]


def test_lines_are_json_for_us_and_for_django(lines: list[dict[str, str]]) -> None:
    assert [(line["event"], line["level"], line["logger"]) for line in lines] == [
        ("link opened", "warning", "homeroom"),
        ("Gone: /invitation/[token]/", "warning", "django.request"),
    ]
    assert all(line["timestamp"].endswith("Z") for line in lines)


def test_tokens_of_links_are_taken_out(lines: list[dict[str, str]]) -> None:
    assert lines[0]["path"] == "/family/l/[token]/"
    assert "SeCrEt" not in json.dumps(lines)
