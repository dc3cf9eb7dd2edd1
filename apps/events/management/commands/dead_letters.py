"""`manage.py dead_letters`: look at events that could not be handled, and decide."""

import json
from argparse import ArgumentParser
from typing import Any

from apps.events.contracts import DeadLetterInfo
from apps.events.selectors import outbox
from apps.events.selectors.schemas import opened
from apps.events.services import letters
from kernel.commands import PlainCommand
from kernel.errors import NotFound


class Command(PlainCommand):
    help = "List a school's dead letters; show, retry or discard one of them."

    def add_arguments(self, parser: ArgumentParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
        listing = actions.add_parser("list", help="those that wait for a decision")
        listing.add_argument("--school", help="slug or schema name; all schools when left out")
        listing.add_argument("--all", action="store_true", help="resolved ones too")
        for action, text in (
            ("show", "everything about one of them"),
            ("retry", "put its event back into the outbox"),
            ("discard", "give up on this consumer for this event"),
        ):
            single = actions.add_parser(action, help=text)
            single.add_argument("--school", required=True, help="slug or schema name")
            single.add_argument("id", type=int, help="number from the list")

    def run(self, options: dict[str, Any]) -> None:
        if options["action"] == "list":
            self._list(options["school"], options["all"])
            return
        with opened(_schema(options["school"])):
            getattr(self, f"_{options['action']}")(options["id"])

    def _list(self, school: str | None, include_resolved: bool) -> None:
        known = outbox.list_schemas()
        chosen = [pair for pair in known if pair[0] == _schema(school)] if school else known
        count = 0
        for schema_name, name in chosen:
            with opened(schema_name):
                for letter in outbox.list_dead_letters(include_resolved=include_resolved):
                    self.stdout.write(_line(name, letter))
                    count += 1
        if not count:
            self.stdout.write("No dead letters.")

    def _show(self, letter_id: int) -> None:
        letter = outbox.get_dead_letter(letter_id)
        if letter is None:
            raise NotFound(f"There is no dead letter {letter_id} here.")
        self.stdout.write(_describe(letter))

    def _retry(self, letter_id: int) -> None:
        event_id = letters.retry(letter_id=letter_id)
        self.stdout.write(f"Event {event_id} is back in the outbox.")

    def _discard(self, letter_id: int) -> None:
        event_id = letters.discard(letter_id=letter_id)
        self.stdout.write(f"Dead letter {letter_id} (event {event_id}) is discarded.")


def _schema(school: str) -> str:
    found = outbox.find_schema(school)
    if found is None:
        raise NotFound(f"There is no school “{school}”.")
    return found


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
