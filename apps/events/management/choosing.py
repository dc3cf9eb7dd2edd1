"""What the commands about events share: naming a school, a moment, and who asks."""

from __future__ import annotations

import getpass
from argparse import ArgumentParser, ArgumentTypeError
from datetime import UTC, datetime

from apps.events.selectors import outbox
from kernel.errors import NotFound


def add_school(parser: ArgumentParser, *, required: bool = True) -> None:
    all_of_them = "" if required else "; all schools when left out"
    parser.add_argument(
        "--school", required=required, help=f"slug or schema name{all_of_them}", metavar="NAME"
    )


def schema_of(school: str) -> str:
    """Raises NotFound for a school that does not exist."""
    found = outbox.find_schema(school)
    if found is None:
        raise NotFound(f"There is no school “{school}”.")
    return found


def moment(text: str) -> datetime:
    """2026-11-29 or 2026-11-29T14:30, UTC unless it says otherwise; for argparse."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise ArgumentTypeError(f"{text!r} is no moment like 2026-11-29T14:30") from error
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def actor() -> str:
    """Who stands in the history: the person signed in to this machine."""
    return f"{getpass.getuser()} (manage.py)"
