"""Reading families imports."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from apps.students.contracts import ImportInfo, ImportTotals, RowProblem
from apps.students.models import FamilyImport
from kernel.errors import NotFound
from kernel.jsoncodec import decode


def import_info(record: FamilyImport, *, with_rows: bool = True) -> ImportInfo:
    """The contract of an import; without its problems and notices when `with_rows` is False."""
    return ImportInfo(
        id=record.id,
        file_name=record.file_name,
        sha256=record.sha256,
        state=record.state,
        state_label=record.get_state_display(),
        totals=decode(ImportTotals, record.totals),
        uploaded_by=record.uploaded_by,
        uploaded_at=record.uploaded_at,
        imported_by=record.imported_by,
        imported_at=record.imported_at,
        undone_by=record.undone_by,
        undone_at=record.undone_at,
        problems=_problems(record.problems) if with_rows else (),
        notices=_problems(record.notices) if with_rows else (),
        ignored_columns=tuple(record.ignored_columns),
    )


def _problems(stored: Sequence[dict[str, Any]]) -> tuple[RowProblem, ...]:
    return tuple(RowProblem(**problem) for problem in stored)


def get_import(import_id: UUID) -> ImportInfo:
    """Raises NotFound."""
    record = FamilyImport.objects.defer("rows", "effects").filter(pk=import_id).first()
    if record is None:
        raise NotFound(_("There is no such import."))
    return import_info(record)


def import_rows() -> QuerySet[FamilyImport]:
    """All imports, newest first, without their bulky columns."""
    return FamilyImport.objects.defer("rows", "effects", "problems", "notices")


def earlier_import_of(import_id: UUID, sha256: str) -> ImportInfo | None:
    """An import of the very same file that was not undone."""
    same = import_rows().filter(sha256=sha256, state=FamilyImport.State.IMPORTED)
    record = same.exclude(pk=import_id).first()
    return import_info(record, with_rows=False) if record else None
