"""Rules about the source itself, read as a syntax tree."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

ROOT = Path(settings.BASE_DIR)
APPS = sorted(
    path
    for path in ROOT.glob("apps/**/*.py")
    if "migrations" not in path.parts and "tests" not in path.parts
)
SOURCES = [*APPS, *sorted(ROOT.glob("config/**/*.py")), *sorted(ROOT.glob("kernel/**/*.py"))]
LONGEST = 400


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def calls(path: Path) -> Iterator[tuple[str, ast.Call]]:
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node


@pytest.mark.parametrize("path", SOURCES, ids=name)
def test_file_can_be_read_in_one_sitting(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= LONGEST


@pytest.mark.parametrize("path", APPS, ids=name)
def test_no_back_door_to_another_apps_models(path: Path) -> None:
    """`apps.get_model` and dotted names would cross a boundary that imports may not."""
    for called, _ in calls(path):
        assert not called.endswith("get_model"), f"{called} in {name(path)}"


@pytest.mark.parametrize("path", APPS, ids=name)
def test_no_app_includes_another_apps_urls(path: Path) -> None:
    own = f"apps.{path.relative_to(ROOT / 'apps').parts[0]}."
    for called, node in calls(path):
        if called == "include" and isinstance(node.args[0], ast.Constant):
            assert str(node.args[0].value).startswith(own)


@pytest.mark.parametrize("path", SOURCES, ids=name)
def test_no_left_over_marks(path: Path) -> None:
    text = path.read_text()
    for mark in ("TO" + "DO", "FIX" + "ME", "raise NotImplemented" + "Error"):
        assert mark not in text


def test_templates_have_no_inline_script_or_style() -> None:
    """The content security policy would drop them without a word."""
    allowed = {"templates/notifications/email"}  # mails know no stylesheet
    for path in ROOT.glob("templates/**/*.html"):
        if any(str(path.relative_to(ROOT)).startswith(folder) for folder in allowed):
            continue
        text = path.read_text()
        assert " style=" not in text, path
        assert " onclick=" not in text, path
        assert "<script>" not in text, path
        assert "<style" not in text, path
