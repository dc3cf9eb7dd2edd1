"""`manage.py consumers`: who hears which event, and stopping one of them for a while."""

import json
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from apps.events.contracts import PauseInfo
from apps.events.management.choosing import actor, add_school, schema_of
from apps.events.selectors import outbox
from apps.events.selectors.schemas import opened
from apps.events.services import audit, pausing
from apps.events.services.registry import registry
from kernel.commands import PlainCommand


class Command(PlainCommand):
    help = (
        "List the consumers of events and which of them a school has paused; pause one, or "
        "resume it. What a paused consumer should have handled is kept and handled in order once "
        "it is resumed; the other consumers go on. Exit code 0, or 2 when something you gave is "
        "wrong."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
        listing = actions.add_parser("list", help="all consumers, and those paused")
        pausing_ = actions.add_parser("pause", help="stop one consumer in one school")
        resuming = actions.add_parser("resume", help="let it catch up and go on")
        for each in (listing, pausing_, resuming):
            add_school(each)
            each.add_argument("--json", action="store_true", help="one JSON document")
        for each in (pausing_, resuming):
            each.add_argument("consumer", help="name from the list")
        pausing_.add_argument("--reason", default="", help="kept with the pause")

    def run(self, options: dict[str, Any]) -> None:
        schema_name = schema_of(options["school"])
        with opened(schema_name):
            getattr(self, f"_{options['action']}")(schema_name, options)

    def _list(self, _schema_name: str, options: dict[str, Any]) -> None:
        paused = {pause.consumer: pause for pause in outbox.list_pauses()}
        specs = sorted(registry().all_handlers(), key=lambda spec: (spec.event_type, spec.consumer))
        if options["json"]:
            rows = [
                {
                    "event": spec.event_type,
                    "consumer": spec.consumer,
                    "external": spec.external,
                    "pause": asdict(paused[spec.consumer]) if spec.consumer in paused else None,
                }
                for spec in specs
            ]
            self.stdout.write(json.dumps(rows, default=str))
            return
        for spec in specs:
            told = _told(paused.get(spec.consumer))
            self.stdout.write(f"{spec.event_type:<36}{spec.consumer}{told}")

    def _pause(self, schema_name: str, options: dict[str, Any]) -> None:
        consumer, reason = options["consumer"], options["reason"]
        pausing.pause(consumer=consumer, actor=actor(), reason=reason)
        audit.note(schema_name, actor(), audit.PAUSED, consumer=consumer, reason=reason)
        self._tell(options, {"consumer": consumer}, f"{consumer} is paused: its events wait.")

    def _resume(self, schema_name: str, options: dict[str, Any]) -> None:
        consumer = options["consumer"]
        waiting = pausing.resume(consumer=consumer)
        audit.note(schema_name, actor(), audit.RESUMED, consumer=consumer, waiting=waiting)
        told = f"{consumer} goes on; {waiting} events waited for it."
        self._tell(options, {"consumer": consumer, "waiting": waiting}, told)

    def _tell(self, options: dict[str, Any], facts: dict[str, Any], text: str) -> None:
        self.stdout.write(json.dumps(facts) if options["json"] else text)


def _told(pause: PauseInfo | None) -> str:
    if pause is None:
        return ""
    state = "catching up" if pause.resuming else "paused"
    since = f"{pause.since:%Y-%m-%d %H:%M} UTC"
    return f"  [{state} since {since} by {pause.paused_by}, {pause.parked} wait]"
