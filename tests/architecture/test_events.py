"""The catalog of events is what the code says, and nothing that was ever published changes."""

from __future__ import annotations

import io
import json
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import call_command

from apps.events.management.commands.events_catalog import ALTERED, PUBLISHED
from apps.events.selectors import catalog
from apps.events.services.registry import registry
from kernel.jsoncodec import decode, encode

PAGE = Path(settings.BASE_DIR) / "docs" / "events.md"
FROZEN: dict[str, dict[str, Any]] = json.loads(PUBLISHED.read_text())
VERSIONS = [(name, version) for name, versions in FROZEN.items() for version in versions]


def test_the_page_of_events_is_what_the_code_says() -> None:
    out = io.StringIO()
    call_command("events_catalog", "--markdown", stdout=out)

    assert PAGE.read_text() == out.getvalue(), (
        "docs/events.md is not what the code says: run "
        "manage.py events_catalog --markdown > docs/events.md"
    )


@pytest.mark.parametrize("cls", registry().classes.values(), ids=lambda cls: cls.__name__)
def test_every_event_says_what_it_means(cls: type) -> None:
    meaning = catalog.meaning_of(cls)

    assert meaning.endswith("."), f"{cls.__name__} needs a docstring that says what happened"


def test_no_published_sample_is_changed_or_removed() -> None:
    altered = catalog.altered_samples(FROZEN, catalog.list_samples(registry()))

    assert altered == [], ALTERED.format(names=", ".join(altered))


def test_every_sample_is_frozen() -> None:
    known = registry().samples
    missing = [key for key in known if str(key[1]) not in FROZEN.get(key[0], {})]

    assert missing == [], f"{missing} are not frozen yet: run manage.py events_catalog --freeze"


def test_every_version_that_was_ever_published_has_a_sample() -> None:
    for name, cls in registry().classes.items():
        assert list(FROZEN[name]) == [str(number) for number in range(1, cls.version + 1)], name


@pytest.mark.parametrize(("name", "version"), VERSIONS)
def test_every_published_sample_is_read_as_the_newest_version(name: str, version: str) -> None:
    event = registry().decode(name, int(version), FROZEN[name][version])

    assert type(event) is registry().classes[name]


@pytest.mark.parametrize("cls", registry().classes.values(), ids=lambda cls: cls.__name__)
def test_nothing_of_a_sample_is_lost_when_it_is_read_and_written(cls: Any) -> None:
    sample = FROZEN[cls.name][str(cls.version)]

    event = decode(cls, sample)
    written = encode(event)

    assert {name: written[name] for name in sample} == sample
    # a field that was added since has its default
    added = [field for field in fields(cls) if field.name in written.keys() - sample.keys()]
    assert [getattr(event, field.name) for field in added] == [field.default for field in added]
