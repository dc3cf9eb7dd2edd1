"""Everything the school holds about one person, as data.json, index.html and files."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.translation import get_language, gettext

from apps.tenants.services.privacy.registry import REGISTRY, low_to_high
from apps.tenants.services.privacy.shapes import Person, Section
from kernel.money import Money
from kernel.schools import current_school
from kernel.templatetags import day, moment

FORMAT = "homeroom.person"
FORMAT_VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonExport:
    """A finished export: `content` is the zip; `sections` counts rows by section name."""

    file_name: str
    content: bytes
    sections: Mapping[str, int]
    files: int


def export_person(person: Person) -> PersonExport:
    """The zip of one person of the open school, in the language that is active.

    data.json is for machines (documented in apps/tenants/README.md), index.html for people: it
    needs nothing else, offline as well. Changes nothing.
    """
    at = timezone.now()
    sections = sections_of(person)
    files = [file for section in sections for file in section.files]
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("data.json", _as_json(person, sections, at))
        archive.writestr("index.html", _as_page(person, sections, at))
        for file in files:
            archive.writestr(f"files/{file.path}", file.content)
    return PersonExport(
        file_name=f"{current_school().slug}-{person.kind}-{at:%Y%m%d}.zip",
        content=buffer.getvalue(),
        sections={section.name: len(section.rows) for section in sections},
        files=len(files),
    )


def sections_of(person: Person) -> list[Section]:
    """What every app has on the person, lowest app first; empty tables are left out."""
    return [
        section
        for collect in low_to_high(REGISTRY.collectors)
        for section in collect(person)
        if section.rows
    ]


def _as_json(person: Person, sections: list[Section], at: datetime) -> str:
    school = current_school()
    document = {
        "format": FORMAT,
        "version": FORMAT_VERSION,
        "exported_at": plain(at),
        "language": get_language() or "en",
        "school": {"name": school.name, "slug": school.slug, "time_zone": school.time_zone},
        "person": {"kind": person.kind, "name": person.name, "ids": plain(person.ids)},
        "sections": [_section_as_json(section) for section in sections],
    }
    return json.dumps(document, ensure_ascii=False, indent=2)


def _section_as_json(section: Section) -> dict[str, Any]:
    return {
        "name": section.name,
        "title": section.title,
        "note": section.note,
        "labels": dict(section.columns),
        "rows": [{key: plain(row.get(key)) for key in section.columns} for row in section.rows],
        "files": [f"files/{file.path}" for file in section.files],
    }


def plain(value: Any) -> Any:
    """For machines: times in UTC as ISO 8601, money as minor units with its currency."""
    if isinstance(value, Money):
        return {"minor": value.minor, "currency": value.currency}
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value if value is None or isinstance(value, (bool, int)) else str(value)


def words(value: Any) -> str:
    """For people: in the active language and zone."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return gettext("yes") if value else gettext("no")
    if isinstance(value, datetime):
        return moment(value)
    return day(value) if isinstance(value, date) else str(value)


def _as_page(person: Person, sections: list[Section], at: datetime) -> str:
    context = {
        "person": person,
        "school": current_school(),
        "at": at,
        "tables": [_table(section) for section in sections],
        "language": get_language() or "en",
    }
    page = render_to_string("tenants/privacy/person.html", context)
    return page.replace("<!-- style -->", f"<style>{STYLE}</style>", 1)


def _table(section: Section) -> dict[str, Any]:
    heads = list(section.columns.values())
    cells = [[words(row.get(key)) for key in section.columns] for row in section.rows]
    return {
        "name": section.name.replace(".", "-"),
        "title": section.title,
        "note": section.note,
        "heads": heads,
        "rows": [list(zip(heads, row, strict=True)) for row in cells],
        "is_wide": len(heads) > WIDE,
        "files": [file.path for file in section.files],
    }


# Tables of more columns fit no sheet of paper: each row is written as a list.
WIDE = 6
_STACKED = """
{0} thead {{ position: absolute; clip-path: inset(50%); }}
{0}, {0} tbody, {0} tr, {0} td {{ display: block; }}
{0} tr {{ border: 1px solid rgb(128 128 128 / .35); border-radius: .4rem; margin-bottom: .8rem;
  padding: .4rem .6rem; }}
{0} td {{ display: grid; grid-template-columns: min(10rem, 35%) 1fr; gap: .8rem;
  border: 0; padding: .1rem; }}
{0} td::before {{ content: attr(data-label); color: GrayText; }}
{0} td:empty {{ display: none; }}
"""
# The page stands alone, in a folder on somebody's disk: its style is inside it.
STYLE = f"""
:root {{ color-scheme: light dark; }}
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 0 auto; padding: 1.5rem; }}
h1 {{ line-height: 1.2; margin-bottom: .25rem; }} h2 {{ margin: 2.5rem 0 .5rem; }}
.muted, .note {{ color: GrayText; }} nav ul {{ columns: 18rem; padding-left: 1.2rem; }}
table {{ border-collapse: collapse; width: 100%; font-size: .9rem; }}
th, td {{ text-align: left; vertical-align: top; padding: .4rem .6rem; white-space: pre-line;
  border-bottom: 1px solid rgb(128 128 128 / .35); overflow-wrap: anywhere; }}
{_STACKED.format(".stacked")}
@media screen and (max-width: 40rem) {{ {_STACKED.format("table")} }}
@media print {{ body {{ max-width: none; padding: 0; font-size: 11px; }} nav {{ display: none; }}
  h2 {{ break-after: avoid; }} tr {{ break-inside: avoid; }} }}
"""
