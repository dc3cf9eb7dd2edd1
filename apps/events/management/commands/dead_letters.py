"""`manage.py dead_letters`: look at events that could not be handled, and decide."""

import json
import sys
from argparse import ArgumentParser
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from typing import Any
from uuid import UUID

from apps.events.contracts import DeadLetterInfo, LetterFilter
from apps.events.management.choosing import actor, add_school, moment, schema_of
from apps.events.selectors import outbox
from apps.events.selectors.schemas import opened
from apps.events.services import audit, letters
from kernel.commands import PlainCommand
from kernel.errors import Invalid, NotFound

DECIDE = {
    "retry": (letters.retry, audit.RETRIED, "is back in the outbox"),
    "discard": (letters.discard, audit.DISCARDED, "is discarded"),
}


class Command(PlainCommand):
    help = (
        "List a school's dead letters; show, retry or discard one of them by its number, or all "
        "that fit --type, --consumer, --since and --until. Exit code 0, or 2 when something you "
        "gave is wrong. Who decided what is kept in the operators' history."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
        listing = actions.add_parser("list", help="those that wait for a decision")
        add_school(listing, required=False)
        listing.add_argument("--all", action="store_true", help="resolved ones too")
        showing = actions.add_parser("show", help="everything about one of them")
        add_school(showing)
        showing.add_argument("id", type=int, help="number from the list")
        for action, text in (
            ("retry", "put their events back into the outbox"),
            ("discard", "give up on this consumer for their events"),
        ):
            self._add_decision(actions.add_parser(action, help=text))
        for each in actions.choices.values():
            each.add_argument("--json", action="store_true", help="one JSON document")

    def _add_decision(self, parser: ArgumentParser) -> None:
        add_school(parser)
        parser.add_argument("id", type=int, nargs="*", help="numbers from the list")
        parser.add_argument("--type", default="", help="event name; may end in * (payments.*)")
        parser.add_argument("--consumer", default="", help="as in the list")
        parser.add_argument("--since", type=moment, help="failed at or after (ISO, UTC)")
        parser.add_argument("--until", type=moment, help="failed before (ISO, UTC)")
        parser.add_argument("--yes", action="store_true", help="more than one: do not ask")

    def run(self, options: dict[str, Any]) -> None:
        if options["action"] == "list":
            self._list(options)
            return
        schema_name = schema_of(options["school"])
        with opened(schema_name):
            if options["action"] == "show":
                self._show(options)
            else:
                self._decide(schema_name, options)

    def _list(self, options: dict[str, Any]) -> None:
        found = list(_listed(options["school"], options["all"]))
        if options["json"]:
            rows = [{"school": name, **asdict(letter)} for name, letter in found]
            self.stdout.write(json.dumps(rows, default=str))
            return
        for name, letter in found:
            self.stdout.write(_line(name, letter))
        if not found:
            self.stdout.write("No dead letters.")

    def _show(self, options: dict[str, Any]) -> None:
        letter = outbox.get_dead_letter(options["id"])
        if letter is None:
            raise NotFound(f"There is no dead letter {options['id']} here.")
        as_json = options["json"]
        self.stdout.write(json.dumps(asdict(letter), default=str) if as_json else _describe(letter))

    def _decide(self, schema_name: str, options: dict[str, Any]) -> None:
        chosen = _chosen(options)
        _be_sure(options, len(chosen))
        done = {number: self._one(schema_name, number, options) for number in chosen}
        if options["json"]:
            told = {str(number): str(event_id) for number, event_id in done.items()}
            self.stdout.write(json.dumps({"action": options["action"], "events": told}))
        elif not done:
            self.stdout.write("No dead letter fits.")

    def _one(self, schema_name: str, number: int, options: dict[str, Any]) -> UUID:
        decide, done, outcome = DECIDE[options["action"]]
        letter = outbox.get_dead_letter(number)
        event_id = decide(letter_id=number)
        if letter is not None:
            facts = {"event": letter.event_type, "consumer": letter.consumer}
            audit.note(schema_name, actor(), done, event_id=str(event_id), **facts)
        if not options["json"]:
            self.stdout.write(f"Dead letter {number}: event {event_id} {outcome}.")
        return event_id


def _chosen(options: dict[str, Any]) -> list[int]:
    """By number, or by what they have in common; never all by accident. Retrying one resolves
    the others of its event, so each event is there once."""
    chosen = LetterFilter(
        event_type=options["type"],
        consumer=options["consumer"],
        since=options["since"],
        until=options["until"],
    )
    if options["id"] and chosen != LetterFilter():
        raise Invalid("Give numbers, or what the letters have in common, not both")
    if chosen == LetterFilter() and not options["id"]:
        raise Invalid("Which ones? Give numbers, or --type, --consumer, --since, --until")
    if chosen.since and chosen.until and chosen.since >= chosen.until:
        raise Invalid("--since must be before --until.")
    numbers = _known(options["id"]) or outbox.matching_letters(chosen)
    return outbox.one_an_event(numbers) if options["action"] == "retry" else numbers


def _known(numbers: Iterable[int]) -> list[int]:
    """Each number once. Raises NotFound before anything is decided."""
    once = list(dict.fromkeys(numbers))
    there = outbox.known_letters(once)
    for number in once:
        if number not in there:
            raise NotFound(f"There is no dead letter {number} in this school.")
    return once


def _be_sure(options: dict[str, Any], count: int) -> None:
    if count < 2 or options["yes"]:
        return
    if not sys.stdin.isatty():
        raise Invalid(f"That is {count} dead letters, and nobody is here to ask. Add --yes")
    if input(f"{options['action']} {count} dead letters? Type {count} to go on: ") != str(count):
        raise Invalid("Nothing was done")


def _listed(school: str | None, include_resolved: bool) -> Iterator[tuple[str, DeadLetterInfo]]:
    known = outbox.list_schemas()
    chosen = [pair for pair in known if pair[0] == schema_of(school)] if school else known
    for schema_name, name in chosen:
        with opened(schema_name):
            found = list(_all_letters(include_resolved))
        for letter in found:
            yield name, letter


def _all_letters(include_resolved: bool) -> Iterator[DeadLetterInfo]:
    read = 0
    while part := outbox.list_dead_letters(include_resolved=include_resolved, offset=read):
        yield from part
        read += len(part)


def _line(name: str, letter: DeadLetterInfo) -> str:
    state = f" [{letter.resolution}]" if letter.resolution else ""
    return (
        f"{name}  {letter.id}  {letter.failed_at:%Y-%m-%d %H:%M} UTC  {letter.event_type}"
        f" v{letter.version}  {letter.consumer}  {letter.error.splitlines()[0][:100]}{state}"
    )


def _describe(letter: DeadLetterInfo) -> str:
    facts = {
        "dead letter": letter.id,
        "event": f"{letter.event_type} v{letter.version} {letter.event_id}",
        "stream": f"{letter.stream_type} {letter.stream_id}",
        "consumer": letter.consumer,
        "attempts": letter.attempts,
        "occurred": f"{letter.occurred_at:%Y-%m-%d %H:%M:%S} UTC",
        "failed": f"{letter.failed_at:%Y-%m-%d %H:%M:%S} UTC",
        "resolution": letter.resolution or "open",
        "error": letter.error,
        "headers": json.dumps(dict(letter.headers)),
        "payload": json.dumps(dict(letter.payload), indent=2),
    }
    return "\n".join(f"{name + ':':<13}{value}" for name, value in facts.items())
