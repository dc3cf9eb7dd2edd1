"""The catalog of events, and the samples that must not change."""

import io
import json
from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

import pytest
from django.core.management import CommandError, call_command

from apps.events.contracts import EventConsumer, EventField
from apps.events.management.commands import events_catalog
from apps.events.selectors import catalog
from apps.events.services.registry import Registry


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BookLent:
    """A pupil took a book
    home. The librarian knows.

    More about it.
    """

    name: ClassVar[str] = "library.book_lent"
    version: ClassVar[int] = 2
    book_id: UUID
    torn: tuple[Page, ...]
    reader: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BookLost:
    name: ClassVar[str] = "library.book_lost"
    version: ClassVar[int] = 1


@pytest.fixture
def library(registry) -> Registry:
    """The registry with two events of a library in it."""
    registry.add_event(BookLent)
    registry.add_event(BookLost)
    sample = {"book_id": str(UUID(int=1)), "torn": []}
    registry.samples[("library.book_lent", 2)] = sample
    registry.samples[("library.book_lent", 1)] = sample
    registry.samples[("library.book_lost", 1)] = {}
    registry.upcasters[("library.book_lent", 1)] = dict
    return registry


@pytest.fixture
def frozen(library, monkeypatch, tmp_path):
    """The file of frozen samples: a copy of what the library has now."""
    path = tmp_path / "published.json"
    monkeypatch.setattr(events_catalog, "PUBLISHED", path)
    printed("--freeze")
    return path


def entry_of(registry, name):
    return next(entry for entry in catalog.list_events(registry) if entry.name == name)


def printed(*arguments) -> str:
    out = io.StringIO()
    call_command("events_catalog", *arguments, stdout=out)
    return out.getvalue()


def test_an_entry_tells_what_the_class_declares(library, hears):
    entry = entry_of(library, "library.book_lent")

    assert (entry.app, entry.meaning) == ("library", "A pupil took a book home.")
    assert (entry.version, entry.older_versions) == (2, (1,))
    assert entry.fields == (
        EventField(name="book_id", type="UUID", has_default=False),
        EventField(name="torn", type="list of Page", has_default=False),
        EventField(name="torn[].number", type="int", has_default=False),
        EventField(name="reader", type="str or none", has_default=True),
    )
    assert entry.consumers == ()


def test_an_entry_names_its_consumers(registry, hears):
    hears("register")
    hears("pager", external=True)

    assert entry_of(registry, "lessons.lesson_held").consumers == (
        EventConsumer(name="register", external=False),
        EventConsumer(name="pager", external=True),
    )


def test_a_class_without_a_docstring_has_no_meaning(library):
    assert entry_of(library, "library.book_lost").meaning == ""


def test_json_holds_every_event(library):
    entries = {entry["name"]: entry for entry in json.loads(printed("--json"))}

    assert set(entries) == set(library.classes)
    assert entries["library.book_lent"]["older_versions"] == [1]


def test_markdown_and_text_tell_the_same_consumers(library, hears):
    hears("pager", external=True)

    page, text = printed("--markdown"), printed()

    assert "| `torn[].number` | int |" in page
    assert "version 2, reads 1." in page
    assert "- heard by pager (external)" in page
    assert "  heard by: pager (external)" in text.splitlines()
    assert "library.book_lent  version 2, reads 1" in text.splitlines()


def test_freezing_adds_new_versions(frozen, library):
    library.samples[("library.book_lost", 2)] = {"shelf": "B"}

    assert printed("--freeze").endswith("samples are frozen.\n")

    assert json.loads(frozen.read_text())["library.book_lost"] == {"1": {}, "2": {"shelf": "B"}}


def change(library):
    library.samples[("library.book_lent", 1)] = {"book_id": "2"}


def remove(library):
    del library.samples[("library.book_lent", 1)]


@pytest.mark.parametrize("alter", [change, remove])
def test_freezing_refuses_what_was_changed_or_removed(frozen, library, alter):
    before = frozen.read_text()
    alter(library)

    with pytest.raises(CommandError, match=r"library\.book_lent v1.* new version") as error:
        printed("--freeze")

    assert error.value.returncode == 2
    assert frozen.read_text() == before
