"""Back up one school, or all of them."""

from __future__ import annotations

import getpass
import json
import shutil
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser
from django.template.defaultfilters import filesizeformat

from apps.tenants.contracts import SchoolInfo
from apps.tenants.management.bars import bar
from apps.tenants.models import Backup
from apps.tenants.selectors import find_school, list_schools
from apps.tenants.services.backup.schedule import BACKED_UP_IN
from apps.tenants.services.backup.sources import of_row
from apps.tenants.services.backup.take import take_backup
from kernel.commands import FAILED, Error, PlainCommand
from kernel.errors import DomainError, Invalid


class Command(PlainCommand):
    help = (
        "Back up a school while it works: all its tables as they were at one moment, its files, "
        "and what is needed to restore it on another installation. Goes to BACKUP_STORAGE, "
        "encrypted when BACKUP_ENCRYPTION_KEY is set. Needs DATABASE_OWNER_URL. Exit code 0, "
        "1 when a backup failed (with --all the others are still taken), 2 when something you "
        "gave is wrong."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        whom = parser.add_mutually_exclusive_group(required=True)
        whom.add_argument("--school", metavar="NAME", help="short name, schema or address")
        whom.add_argument("--all", action="store_true", help="every school, one after the other")
        parser.add_argument("--to", metavar="DIR", help="put a copy of each file there too")
        parser.add_argument(
            "--pin", action="store_true", help="keep it until somebody removes it by hand"
        )
        parser.add_argument(
            "--json", action="store_true", help="print one JSON document instead of text"
        )

    def run(self, options: dict[str, Any]) -> None:
        folder = _folder(options["to"])
        schools = _schools() if options["all"] else [find_school(options["school"])]
        outcomes = [self._one(school, folder, options) for school in schools]
        if options["json"]:
            self.stdout.write(json.dumps({"backups": outcomes}))
        failed = sum("error" in outcome for outcome in outcomes)
        if failed:
            raise Error(f"{failed} of {len(schools)} backups failed.", returncode=FAILED)

    def _one(
        self, school: SchoolInfo, folder: Path | None, options: dict[str, Any]
    ) -> dict[str, Any]:
        try:
            with bar(options, school.slug) as progress:
                row = take_backup(
                    school_id=school.id,
                    actor=getpass.getuser(),
                    progress=progress,
                    pinned=options["pin"],
                )
            copy = _copy(row, folder)
        except (DomainError, OSError) as error:
            if not options["all"]:
                raise
            self.stderr.write(f"{school.slug}: {error}")
            return {"school": school.slug, "error": str(error)}
        if options["verbosity"] and not options["json"]:
            size = filesizeformat(row.size).replace("\xa0", " ")
            where = f", copied to {copy}" if copy else ""
            told = f"{row.rows} rows, {row.files} files, {size}"
            self.stdout.write(f"{school.slug}: {row.key} ({told}){where}")
        return {**as_dict(row), "school": school.slug, "copy": copy}


def as_dict(row: Backup) -> dict[str, Any]:
    return {
        "id": str(row.pk),
        "school_id": row.school_id,
        "school_name": row.school_name,
        "key": row.key,
        "state": row.state,
        "bytes": row.size,
        "sha256": row.sha256,
        "rows": row.rows,
        "files": row.files,
        "totals": row.totals,
        "encrypted": row.encrypted,
        "taken_at": row.taken_at.isoformat() if row.taken_at else None,
        "unchanged_at": row.unchanged_at.isoformat() if row.unchanged_at else None,
        "verified_at": row.verified_at.isoformat() if row.verified_at else None,
        "pinned": row.pinned,
        "problem": row.error,
    }


def _schools() -> list[SchoolInfo]:
    return [school for school in list_schools() if school.status in BACKED_UP_IN]


def _folder(text: str | None) -> Path | None:
    if text is None:
        return None
    folder = Path(text).expanduser()
    if not folder.is_dir():
        raise Invalid(f"There is no folder {folder}")
    return folder


def _copy(row: Backup, folder: Path | None) -> str:
    """A copy appears whole or not at all."""
    if folder is None:
        return ""
    place = folder / Path(row.key).name
    unfinished = place.with_name(place.name + ".part")
    with of_row(row).reading() as file, open(unfinished, "xb") as out:
        shutil.copyfileobj(file, out)
    unfinished.rename(place)
    return str(place)
