"""What keeps the suite quick: nothing is compiled, listed or made more often than needed."""

from __future__ import annotations

import os
import subprocess
import sys
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


RUN = """
import time, pytest
from pathlib import Path
HERE = Path(__file__).parent
@pytest.fixture(scope="session")
def server():
    (HERE / "running").touch()
    yield
    (HERE / "running").unlink()
def test_one(server):
    print("begun", flush=True)
    time.sleep(60)
def test_two():
    (HERE / "went on").touch()
"""


def test_a_run_that_is_told_to_end_stops_what_it_has_started(tmp_path: Path) -> None:
    (tmp_path / "test_run.py").write_text(RUN)
    options = ["-q", "-s", "-p", "conftest", "-p", "no:cacheprovider", "--rootdir", str(tmp_path)]
    run = subprocess.Popen(
        [sys.executable, "-m", "pytest", *options, str(tmp_path / "test_run.py")],
        cwd=settings.BASE_DIR,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings.test"},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert run.stdout is not None
    assert any("begun" in line for line in run.stdout)
    run.terminate()
    run.communicate()

    assert run.returncode == pytest.ExitCode.INTERRUPTED
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_file()) == ["test_run.py"]
