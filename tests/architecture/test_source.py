"""Rules about the source itself, read as a syntax tree. Each test names all that break its rule."""

from __future__ import annotations

import ast
from functools import lru_cache
from pathlib import Path

from django.conf import settings

from tests.architecture.school_rules import name_of

ROOT = Path(settings.BASE_DIR)
APPS = sorted(
    path
    for path in ROOT.glob("apps/**/*.py")
    if "migrations" not in path.parts and "tests" not in path.parts
)
SOURCES = [*APPS, *sorted(ROOT.glob("config/**/*.py")), *sorted(ROOT.glob("kernel/**/*.py"))]
FOLDERS = ("apps", "benchmarks", "chaos", "config", "kernel", "tests")
BY_HAND = [
    path
    for folder in FOLDERS
    for path in sorted(ROOT.glob(f"{folder}/**/*.py"))
    if "migrations" not in path.parts
]
LONGEST = 400


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def lines(path: Path) -> int:
    return len(path.read_text().splitlines())


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


@lru_cache(maxsize=1)
def calls() -> list[tuple[str, str, str]]:
    """Every call in the apps' source: in which file, of what, and its first argument if that is
    written out."""
    return [
        (name(path), name_of(node), str(first.value) if isinstance(first, ast.Constant) else "")
        for path in APPS
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Call)
        for first in [*node.args, None][:1]
    ]


def test_file_can_be_read_in_one_sitting() -> None:
    assert [name(path) for path in BY_HAND if lines(path) > LONGEST] == []


def test_no_back_door_to_another_apps_models() -> None:
    """`apps.get_model` and dotted names would cross a boundary that imports may not."""
    assert [(file, called) for file, called, _ in calls() if called.endswith("get_model")] == []


def test_no_app_includes_another_apps_urls() -> None:
    included = [(file, urls) for file, called, urls in calls() if called == "include" and urls]
    assert [(file, urls) for file, urls in included if not urls.startswith(own_name(file))] == []


def own_name(file: str) -> str:
    """`apps.fees.` of apps/fees/urls.py."""
    return ".".join(file.split("/")[:2]) + "."


def test_no_left_over_marks() -> None:
    marks = ("TO" + "DO", "FIX" + "ME", "raise NotImplemented" + "Error")
    texts = {name(path): path.read_text() for path in SOURCES}
    assert [(file, mark) for file, text in texts.items() for mark in marks if mark in text] == []


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
