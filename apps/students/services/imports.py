"""Importing families: a dry run that writes nothing but its own record, then the import."""

import hashlib
from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.events import facade as events
from apps.identity import facade as identity
from apps.students.events import FamiliesImported
from apps.students.models import FamilyImport, SchoolYear
from apps.students.services import families_file, import_plan, snapshot
from apps.students.services.families_file import FamilyRow
from apps.students.services.guardians import tell_emails_changed
from apps.students.services.years import ensure_current_year, lock_current_year
from apps.tenants import facade as tenants
from kernel import schools
from kernel.errors import Conflict, Invalid, NotFound
from kernel.jsoncodec import encode

State = FamilyImport.State
BATCH = 1_000
DRY_RUNS_KEPT = timedelta(days=14)


def check_families_file(*, content: bytes, file_name: str, actor: str) -> FamilyImport:
    """Read the file and note what importing it would do. Changes no student and no guardian.

    Raises Invalid when the file cannot be read as a whole (size, encoding, columns); bad rows are
    in `problems` of the record. Records never imported are dropped after 14 days.
    """
    parsed = families_file.parse(
        content, today=schools.today(), day_first=_school_writes_day_first()
    )
    plan = _plan(parsed.rows, ensure_current_year())
    _drop_old_dry_runs()
    return FamilyImport.objects.create(
        file_name=_printable(file_name)[:200] or "families.csv",
        sha256=hashlib.sha256(content).hexdigest(),
        uploaded_by=actor,
        totals=encode(plan.totals(rows=parsed.row_count, bad_rows=parsed.bad_row_count)),
        problems=[asdict(problem) for problem in parsed.problems],
        notices=[asdict(notice) for notice in (*parsed.notices, *plan.notices)],
        ignored_columns=list(parsed.ignored_columns),
        rows=[families_file.to_json(row) for row in parsed.rows],
    )


def _printable(text: str) -> str:
    return "".join(char for char in text if char.isprintable())


def _school_writes_day_first() -> bool:
    """Schools in English on the American continent write the month first."""
    school = schools.current_school()
    return not (school.language.startswith("en") and school.time_zone.startswith("America/"))


def _drop_old_dry_runs() -> None:
    oldest = timezone.now() - DRY_RUNS_KEPT
    FamilyImport.objects.filter(state=State.DRY_RUN, uploaded_at__lt=oldest).delete()


def _plan(rows: Sequence[FamilyRow], year: SchoolYear) -> import_plan.Plan:
    known = snapshot.take(rows, year)
    return import_plan.make(rows, known, today=schools.today(), now=timezone.now())


def import_families(*, import_id: UUID, actor: str, skip_bad_rows: bool = False) -> FamilyImport:
    """Import the good rows of a checked file, all or none, and publish FamiliesImported.

    The plan is made anew, so what happened since the dry run is respected. Raises Conflict when
    it was imported already or the school's plan has no room, Invalid when rows are bad and
    `skip_bad_rows` is False.
    """
    try:
        with transaction.atomic():
            return _import(import_id, actor, skip_bad_rows)
    except IntegrityError as error:
        message = _("Somebody changed these families at the same moment. Please try again.")
        raise Conflict(message, code="changed_meanwhile") from error


def _import(import_id: UUID, actor: str, skip_bad_rows: bool) -> FamilyImport:
    year = lock_current_year()
    record = lock_import(import_id)
    _check_may_import(record, skip_bad_rows)
    plan = _plan([families_file.from_json(row) for row in record.rows], year)
    tenants.check_limit("students", adding=_joining(plan))
    _write(plan)
    _record(record, plan, actor)
    _announce(record, plan, actor)
    return record


def _joining(plan: import_plan.Plan) -> int:
    """How many more students will be in a class than are now."""
    moved = [row for row in plan.changed["enrolment"].values() if row.ends_on is not None]
    return len(plan.created["enrolment"]) - len(moved)


def lock_import(import_id: UUID) -> FamilyImport:
    """The record, locked until the transaction ends. Raises NotFound."""
    record = FamilyImport.objects.select_for_update().filter(pk=import_id).first()
    if record is None:
        raise NotFound(_("There is no such import."))
    return record


def _check_may_import(record: FamilyImport, skip_bad_rows: bool) -> None:
    if record.state != State.DRY_RUN:
        raise Conflict(_("This file has been imported already."), code="already_imported")
    if not record.rows:
        raise Invalid(_("The file has no row that can be imported."), code="no_rows")
    if record.problems and not skip_bad_rows:
        message = _("Some rows have mistakes. Correct the file, or choose to import the good rows.")
        raise Invalid(message, code="bad_rows", field="skip_bad_rows")


def _write(plan: import_plan.Plan) -> None:
    for kind, model in import_plan.KINDS.items():
        # An open enrolment that ends must be closed before its successor is opened.
        _update(model, plan.changed[kind], plan.before[kind])
        model._default_manager.bulk_create(plan.created[kind].values(), batch_size=BATCH)


def _update(model: Any, rows: dict[UUID, Any], before: dict[UUID, dict[str, Any]]) -> None:
    update_many(model, rows.values(), {name for values in before.values() for name in values})


def update_many(model: Any, rows: Iterable[Any], fields: Collection[str]) -> None:
    """Write these fields of rows that exist and were read whole.

    An upsert on the key: several times quicker than bulk_update's CASE for each row and field.
    """
    if fields:
        model._default_manager.bulk_create(
            rows,
            batch_size=BATCH,
            update_conflicts=True,
            unique_fields=["id"],
            update_fields=sorted(fields),
        )


def _record(record: FamilyImport, plan: import_plan.Plan, actor: str) -> None:
    totals = record.totals
    record.totals = encode(plan.totals(rows=totals["rows"], bad_rows=totals["bad_rows"]))
    record.effects = {
        "created": {kind: [str(key) for key in rows] for kind, rows in plan.created.items()},
        "before": {kind: _plain(values) for kind, values in plan.before.items()},
    }
    record.rows = []
    record.state = State.IMPORTED
    record.imported_by, record.imported_at = actor, plan.now
    record.save()


def _plain(before: dict[UUID, dict[str, Any]]) -> dict[str, Any]:
    return {str(key): encode(values) for key, values in before.items()}


def _announce(record: FamilyImport, plan: import_plan.Plan, actor: str) -> None:
    joined = dict.fromkeys(row.student_id for row in plan.created["enrolment"].values())
    event = FamiliesImported(
        import_id=record.id, student_ids=tuple(joined), imported_on=schools.today()
    )
    events.publish(event, stream_type="family_import", stream_id=record.id, actor=actor)
    renamed = [key for key, values in plan.before["guardian"].items() if values.get("email")]
    tell_emails_changed(renamed, stream_id=record.id, actor=actor)
    identity.record_audit(
        actor=actor,
        action="students.families_imported",
        subject=record.file_name,
        detail={"import_id": str(record.id), **record.totals},
    )


def discard_import(*, import_id: UUID) -> None:
    """Forget a checked file that shall not be imported. Raises Conflict when it was imported."""
    with transaction.atomic():
        record = lock_import(import_id)
        if record.state != State.DRY_RUN:
            raise Conflict(_("This file has been imported already."), code="already_imported")
        record.delete()
