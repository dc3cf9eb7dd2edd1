"""manage.py replica_status: whether reports read from the replica, and why not."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import CommandParser

from kernel import replica
from kernel.commands import FAILED, Error, PlainCommand


class Command(PlainCommand):
    help = (
        "Show whether reports and exports read from the replica (DATABASE_REPLICA_URL), and how "
        "far it is behind. Ends with 0 when they do or when none is configured, with 1 when they "
        "read from the primary because the replica does not answer or is too far behind."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def run(self, options: dict[str, Any]) -> None:
        found = status()
        if options["json"]:
            self.stdout.write(json.dumps(found))
        else:
            self.stdout.write(in_words(found))
        if found["configured"] and not found["in_use"]:
            raise Error("Reports read from the primary.", returncode=FAILED)


def status() -> dict[str, Any]:
    """Asks the replica now. `lag_seconds` is None when it does not answer."""
    if not replica.is_configured():
        return {"configured": False, "in_use": False, "lag_seconds": None, "problem": ""}
    standby = replica.known()
    in_use = standby.is_fit()
    return {
        "configured": True,
        "in_use": in_use,
        "lag_seconds": standby.lag,
        "problem": standby.problem,
    }


def in_words(found: dict[str, Any]) -> str:
    if not found["configured"]:
        return "No replica is configured (DATABASE_REPLICA_URL): everything reads the primary."
    if found["lag_seconds"] is None:
        return f"The replica does not answer: {found['problem']}"
    use = "Reports read from the replica" if found["in_use"] else "The replica is too far behind"
    return f"{use}; it is at most {found['lag_seconds']:.1f} s behind."
