"""Each import contract is proven by a violation, planted in a copy of the source."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

ROOT = Path(settings.BASE_DIR)
LINT_IMPORTS = Path(sys.executable).parent / "lint-imports"

# contract, file, planted line
PLANTS = [
    ("Calls go down, news goes up; exactly nine apps", "apps/students/services/__init__.py",
     "from apps.fees import facade"),
    ("No app imports config", "apps/website/selectors.py", "from config import env"),
    ("The kernel knows no app", "kernel/money.py", "from apps.events import facade"),
    ("Entry points over facade over services over models", "apps/identity/models.py",
     "from apps.identity import facade"),
    ("Others see facade, contracts, events, permissions", "apps/fees/handlers.py",
     "from apps.students.models import Student"),
    ("Core knows neither HTTP nor the task queue", "apps/activities/models.py", "import celery"),
    ("contracts and events are plain Python", "apps/payments/contracts.py", "import django"),
    ("A provider SDK belongs to its adapter", "apps/payments/models.py", "import stripe"),
    ("PayPal's package belongs to one file", "apps/payments/services/accounts.py",
     "import paypalrestsdk"),
    ("Providers do not know each other", "apps/payments/providers/offline.py",
     "from apps.payments.providers import stripe"),
]  # fmt: skip


def lint(folder: Path) -> str:
    command = [str(LINT_IMPORTS), "--no-cache"]
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    return result.stdout + result.stderr


def copy(folder: Path) -> Path:
    for package in ("apps", "config", "kernel"):
        shutil.copytree(
            ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__", "tests")
        )
    shutil.copy(ROOT / ".importlinter", folder)
    return folder


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What lint-imports says of a copy with every violation in it, each in a function: imports
    inside a function count too."""
    folder = copy(tmp_path_factory.mktemp("planted"))
    for _, file, line in PLANTS:
        with (folder / file).open("a") as source:
            source.write(f"\n\ndef _planted():\n    {line}\n")
    return lint(folder)


def test_the_source_keeps_every_contract(tmp_path: Path) -> None:
    report = lint(copy(tmp_path))
    assert f"Contracts: {len(PLANTS)} kept, 0 broken." in report


@pytest.mark.parametrize(("contract", "file", "line"), PLANTS, ids=[p[0] for p in PLANTS])
def test_a_planted_violation_is_caught(report: str, contract: str, file: str, line: str) -> None:
    assert f"{contract} BROKEN" in report


def test_a_tenth_app_is_caught(tmp_path: Path) -> None:
    folder = copy(tmp_path)
    (folder / "apps" / "canteen").mkdir()
    (folder / "apps" / "canteen" / "__init__.py").touch()
    assert "Calls go down, news goes up; exactly nine apps BROKEN" in lint(folder)


def test_no_exception_is_listed() -> None:
    assert "ignore_imports" not in (ROOT / ".importlinter").read_text()
