"""What keeps the suite quick: nothing is compiled, listed or made more often than needed."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from django.conf import settings
from django.http import HttpResponse
from django.test import Client

from tests.conftest import TOGETHER, group_of


def python_under_make(code: str, **env: str) -> str:
    """What Python prints when it is started by a target."""
    target = f"asked: ; @$(BIN)/python -c '{code}'"
    done = subprocess.run(
        ["make", "--silent", f"--eval={target}", "asked"],
        cwd=settings.BASE_DIR,
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


@pytest.mark.parametrize("of_the_shell", ["", "1"])
def test_modules_are_compiled_once_and_not_by_every_process(of_the_shell: str) -> None:
    code = "import sys; print(sys.dont_write_bytecode)"

    assert python_under_make(code, PYTHONDONTWRITEBYTECODE=of_the_shell) == "False"


def test_a_browser_of_a_test_does_not_list_all_static_files_first() -> None:
    from whitenoise.middleware import WhiteNoiseMiddleware

    assert WhiteNoiseMiddleware(lambda request: HttpResponse()).files == {}
    assert Client().get("/static/css/base.css").status_code == 200


@pytest.mark.parametrize(
    ("test", "group"),
    [
        ("tests/flows/test_paying.py::test_one", "stack"),
        ("tests/chaos/test_run.py::test_one[a]", "stack"),
        ("tests/backups/test_copies.py::test_one", "backups"),
        ("tests/chaos/test_counting.py::test_one", "tests/chaos/test_counting.py::test_one"),
    ],
)
def test_what_takes_long_to_make_is_made_by_one_parallel_worker(test: str, group: str) -> None:
    assert group_of(test) == group


@pytest.mark.parametrize("place", [place for places in TOGETHER.values() for place in places])
def test_no_group_outlives_its_tests(place: str) -> None:
    assert (Path(settings.BASE_DIR) / place).exists()
