"""`manage.py events_catalog`: every event, what it means, its fields and who hears it."""

import json
from argparse import ArgumentParser
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.conf import settings

from apps.events.contracts import EventConsumer, EventEntry
from apps.events.selectors import catalog
from apps.events.services.registry import registry
from kernel.commands import PlainCommand
from kernel.errors import Conflict

# Every payload that was ever published, as it was when it was first released.
PUBLISHED = Path(settings.BASE_DIR) / "config" / "published_events.json"
ALTERED = (
    "Published samples were changed or removed: {names}. Events like these wait in outboxes and "
    "stand in histories for ever. Put the sample in events.py back; a payload of another shape "
    "is a new version with a sample of its own and an upcaster from the one before."
)


class Command(PlainCommand):
    help = "List every event: its publisher, meaning, versions, fields and consumers."

    def add_arguments(self, parser: ArgumentParser) -> None:
        form = parser.add_mutually_exclusive_group()
        form.add_argument("--json", action="store_true", help="one JSON array, for machines")
        form.add_argument("--markdown", action="store_true", help="the page docs/events.md")
        form.add_argument(
            "--freeze",
            action="store_true",
            help="add the samples of new events and versions to config/published_events.json",
        )

    def run(self, options: dict[str, Any]) -> None:
        if options["freeze"]:
            self._freeze()
            return
        entries = catalog.list_events(registry())
        if options["json"]:
            self.stdout.write(json.dumps([asdict(entry) for entry in entries], indent=2))
        else:
            lines = _markdown(entries) if options["markdown"] else _text(entries)
            self.stdout.write("\n".join(lines))

    def _freeze(self) -> None:
        current = catalog.list_samples(registry())
        published = json.loads(PUBLISHED.read_text()) if PUBLISHED.exists() else {}
        altered = catalog.altered_samples(published, current)
        if altered:
            raise Conflict(ALTERED.format(names=", ".join(altered)))
        PUBLISHED.write_text(json.dumps(current, indent=2, ensure_ascii=False) + "\n")
        count = sum(len(versions) for versions in current.values())
        self.stdout.write(f"{count} samples are frozen.")


def _text(entries: list[EventEntry]) -> Iterator[str]:
    for entry in entries:
        yield f"{entry.name}  {_versions(entry)}"
        yield f"  {entry.meaning}"
        yield "  fields: " + ", ".join(f"{field.name} {field.type}" for field in entry.fields)
        yield "  heard by: " + (", ".join(map(_consumer, entry.consumers)) or "nobody")
    apps = len({entry.app for entry in entries})
    yield f"{len(entries)} events of {apps} apps."


def _markdown(entries: list[EventEntry]) -> Iterator[str]:
    yield from _head(entries)
    for app in sorted({entry.app for entry in entries}):
        yield from ("", f"## {app}")
        for entry in (entry for entry in entries if entry.app == app):
            yield from _section(entry)


def _head(entries: list[EventEntry]) -> Iterator[str]:
    consumers = sum(len(entry.consumers) for entry in entries)
    yield "# Events"
    yield ""
    yield f"What the apps tell each other: {len(entries)} events, {consumers} consumers."
    yield "An event that nobody hears is part of an aggregate's history, or news that waits for a"
    yield "listener. How an event travels: [apps/events](../apps/events/README.md)."
    yield ""
    yield "This page is written by `manage.py events_catalog --markdown > docs/events.md`."
    yield ""
    yield "| event | meaning | heard by |"
    yield "| --- | --- | --- |"
    for entry in entries:
        heard = ", ".join(map(_consumer, entry.consumers)) or "–"
        anchor = entry.name.replace(".", "")
        yield f"| [{entry.name}](#{anchor}) | {entry.meaning} | {heard} |"


def _section(entry: EventEntry) -> Iterator[str]:
    yield from ("", f"### {entry.name}", "", entry.meaning, "", f"{_versions(entry)}.")
    if entry.fields:
        yield from ("", "| field | type |", "| --- | --- |")
    for field in entry.fields:
        optional = " (may be left out)" if field.has_default else ""
        yield f"| `{field.name}` | {field.type}{optional} |"
    if entry.consumers:
        yield ""
    for consumer in entry.consumers:
        yield f"- heard by {_consumer(consumer)}"


def _versions(entry: EventEntry) -> str:
    if not entry.older_versions:
        return f"version {entry.version}"
    older = ", ".join(map(str, entry.older_versions))
    return f"version {entry.version}, reads {older}"


def _consumer(consumer: EventConsumer) -> str:
    return f"{consumer.name} (external)" if consumer.external else consumer.name
