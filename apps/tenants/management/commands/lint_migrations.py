"""Refuse migrations that break the running release; part of `make lint`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandParser

from kernel.commands import FAILED, Error, PlainCommand

RELEASED = Path(settings.BASE_DIR) / "config" / "released_migrations.txt"


class Command(PlainCommand):
    help = (
        "Look at the SQL of every migration that is not released yet (they are listed in "
        "config/released_migrations.txt) and refuse what breaks the release that still runs while "
        "schools are migrated: dropped or renamed columns and tables, changed types, NOT NULL "
        "without a default in the database, new constraints. A migration that takes away on "
        'purpose carries `contract = "why the running release does not mind"`. Exit code 1 when '
        "one is refused. For developers: it makes and drops a scratch database."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--release",
            action="store_true",
            help="write down that all migrations of this code are released; when a release is made",
        )

    def run(self, options: dict[str, Any]) -> None:
        # Here, not above: the linter is not installed in production.
        from apps.tenants.services.schemas import linting

        if options["release"]:
            keys = linting.migrations_of_this_code()
            RELEASED.write_text("".join(f"{app}.{name}\n" for app, name in keys))
            self.stdout.write(f"{len(keys)} migrations are released.")
            return
        findings = linting.lint(_released())
        for finding in findings:
            for problem in finding.problems:
                verdict = f"accepted: {finding.excuse}" if finding.excuse else "refused"
                self.stdout.write(f"{finding.migration}: {problem} — {verdict}")
        refused = [finding.migration for finding in findings if finding.refused]
        if refused:
            raise Error(
                f"The running release would break: {', '.join(refused)}. Add now and take away in "
                "a later release, or say in the migration's `contract` why it does not mind.",
                returncode=FAILED,
            )


def _released() -> list[tuple[str, str]]:
    lines = RELEASED.read_text().split() if RELEASED.exists() else []
    pairs = [line.partition(".") for line in lines]
    return [(app, name) for app, _dot, name in pairs]
