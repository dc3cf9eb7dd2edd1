"""Documents that point into the tree point at something."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.conf import settings

ROOT = Path(settings.BASE_DIR)
# `apps/payments/models.py`: a path has a slash and an ending, and stands between backticks.
NAMED = re.compile(r"`([\w./-]+/[\w.-]+\.\w+)`")
# A table's cell that says neither how, nor whose duty, nor why not.
JUDGED = re.compile(r"\*\*|Met|Not applicable|`[^`]+`|FAQ")


def named_in(text: str) -> list[str]:
    return NAMED.findall(text)


def test_every_file_that_the_compliance_document_names_exists() -> None:
    named = named_in((ROOT / "docs/compliance.md").read_text())
    assert len(named) > 40
    assert [path for path in named if not (ROOT / path).is_file()] == []


def test_every_line_of_it_says_where_or_whose_or_why_not() -> None:
    lines = (ROOT / "docs/compliance.md").read_text().splitlines()
    rows = [line for line in lines if line.startswith("| ") and "---" not in line]
    judged = [row for row in rows if row.strip("| ").count("|") and not row.endswith("| |")]
    assert len(judged) > 40
    assert [row for row in judged if not JUDGED.search(row.split("|", 2)[2])] == [
        "| eligibility | where |"
    ]


@pytest.mark.parametrize("gone", ["apps/payments/nothing.py", "docs/adr/9999-never.md"])
def test_a_file_that_went_away_is_found(gone: str) -> None:
    assert named_in(f"Met: `{gone}`, and `form-action`") == [gone]
    assert not (ROOT / gone).is_file()
