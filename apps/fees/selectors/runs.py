"""Billing runs: what posting would do, and what was posted."""

import hashlib
from collections.abc import Iterable, Sequence
from datetime import date
from uuid import UUID

from django.utils import timezone
from django.utils.translation import gettext as _

from apps.fees.aggregate import parse_shares, schedule
from apps.fees.contracts import (
    BillingPreview,
    Part,
    PreviewException,
    PreviewLine,
    RunDifference,
    RunInfo,
)
from apps.fees.models import BillingRun, Fee, Invoice
from apps.students import facade as students
from apps.students.contracts import GuardianInfo, StudentInfo
from kernel.errors import NotFound
from kernel.money import format_money
from kernel.schools import today
from kernel.templatetags import day

NO_GUARDIAN = "no_guardian"
NO_EMAIL = "no_email"
ALREADY_BILLED = "already_billed"
NOT_ENROLLED = "not_enrolled"

Guardians = dict[UUID, list[GuardianInfo]]


def get_run(*, run_id: UUID) -> BillingRun:
    """The run's row (inside this app only). Raises NotFound."""
    run = BillingRun.objects.select_related("fee").filter(pk=run_id).first()
    if run is None:
        raise NotFound(_("There is no such billing run."))
    return run


def list_runs(*, limit: int | None = None) -> list[RunInfo]:
    """Runs, newest first."""
    rows = BillingRun.objects.select_related("fee")
    return [run_info(row) for row in (rows[:limit] if limit else rows)]


def runs_posted() -> int:
    return BillingRun.objects.filter(state=BillingRun.State.POSTED).count()


def run_info(run: BillingRun) -> RunInfo:
    return RunInfo(
        id=run.id,
        fee_id=run.fee_id,
        fee_name=run.fee.name,
        class_names=run.class_names,
        due_on=run.due_on,
        state=run.state,
        invoices=run.invoice_count,
        total_minor=run.total_minor,
        currency=run.currency,
        created_by=run.created_by,
        created_at=run.created_at,
        posted_by=run.posted_by,
        posted_at=run.posted_at,
        reversed_by=run.reversed_by,
        reversed_at=run.reversed_at,
    )


def preview_run(run: BillingRun) -> BillingPreview:
    """Who would be charged what and why, and what looks odd. Reads only."""
    found = _students_of(run)
    billed = already_billed(fee=run.fee, due_on=run.due_on, student_ids=[s.id for s in found])
    guardians = students.guardians_of([student.id for student in found])
    fresh = [s for s in found if s.is_enrolled and s.id not in billed]
    whys = _whys(run, fresh)
    lines = tuple(_line(run, student, guardians, whys) for student in fresh)
    total = sum(line.amount_minor for line in lines)
    return BillingPreview(
        run_id=run.id,
        fee_name=run.fee.name,
        currency=run.currency,
        amount_minor=run.fee.amount_minor,
        due_on=run.due_on,
        class_names=run.class_names,
        lines=lines,
        exceptions=tuple(_exceptions(found, billed, guardians)),
        families=_families(lines, guardians),
        total_minor=total,
        fingerprint=fingerprint(lines, due_on=run.due_on, plan=_plan(run.fee)),
        instalments=instalments(run, run.fee.amount_minor),
        difference=_difference(run, lines, total),
        warnings=tuple(_warnings(run)),
    )


def _students_of(run: BillingRun) -> list[StudentInfo]:
    class_ids = [UUID(row["id"]) for row in run.classes]
    unique = {student.id: student for student in students.students_in_classes(class_ids)}
    return sorted(unique.values(), key=lambda s: (s.class_name, s.last_name, s.first_name))


def already_billed(*, fee: Fee, due_on: date, student_ids: Iterable[UUID]) -> dict[UUID, str]:
    """Students who owe this fee for the same month already -> the number of that invoice."""
    rows = Invoice.objects.with_balances().filter(
        fee=fee,
        student_id__in=list(student_ids),
        due_on__year=due_on.year,
        due_on__month=due_on.month,
        charged__gt=0,
    )
    return dict(rows.values_list("student_id", "number"))


def instalments(run: BillingRun, amount_minor: int) -> tuple[Part, ...]:
    """The parts in which an invoice of this run is due; empty for a fee without a plan."""
    return schedule(
        amount_minor=amount_minor,
        shares=parse_shares(run.fee.shares),
        first_due=run.due_on,
        months=run.fee.months_between,
    )


def _plan(fee: Fee) -> str:
    return f"{fee.shares}/{fee.months_between}" if fee.shares else ""


def fingerprint(lines: Sequence[PreviewLine], *, due_on: date, plan: str = "") -> str:
    """Names exactly what was on the screen, so that nothing else can be posted from it."""
    parts = sorted(f"{line.student_id}:{line.amount_minor}" for line in lines)
    return hashlib.sha256(f"{due_on}{plan}|{'|'.join(parts)}".encode()).hexdigest()[:32]


def _whys(run: BillingRun, found: Sequence[StudentInfo]) -> dict[str, str]:
    """Class -> its sentence, written once and not once a student."""
    names = {student.class_name for student in found}
    return {name: why_fee(fee=run.fee, class_name=name, due_on=run.due_on) for name in names}


def _line(
    run: BillingRun, student: StudentInfo, guardians: Guardians, whys: dict[str, str]
) -> PreviewLine:
    return PreviewLine(
        student_id=student.id,
        student_number=student.number,
        student_name=student.name,
        class_name=student.class_name,
        amount_minor=run.fee.amount_minor,
        why=whys[student.class_name],
        guardians=tuple(guardian.name for guardian in guardians.get(student.id, [])),
    )


def why_fee(*, fee: Fee, class_name: str, due_on: date) -> str:
    """The sentence a parent reads under the line."""
    return _("%(fee)s is %(amount)s for every student of class %(class)s, due on %(due)s.") % {
        "fee": fee.name,
        "amount": format_money(fee.amount_minor, fee.currency),
        "class": class_name,
        "due": day(due_on, "long"),
    }


def _exceptions(
    found: Sequence[StudentInfo], billed: dict[UUID, str], guardians: Guardians
) -> Iterable[PreviewException]:
    for student in found:
        if not student.is_enrolled:
            yield _exception(student, NOT_ENROLLED, _("Has left the school."), billed=False)
        elif student.id in billed:
            text = _("Already billed for this fee and month: invoice %(number)s.")
            text %= {"number": billed[student.id]}
            yield _exception(student, ALREADY_BILLED, text, billed=False)
        elif not guardians.get(student.id):
            text = _("No guardian who pays: nobody will be told about the invoice.")
            yield _exception(student, NO_GUARDIAN, text, billed=True)
        elif not any(guardian.email for guardian in guardians[student.id]):
            text = _("No guardian with an e-mail: print the invoice and hand it over.")
            yield _exception(student, NO_EMAIL, text, billed=True)


def _exception(student: StudentInfo, reason: str, text: str, *, billed: bool) -> PreviewException:
    return PreviewException(
        student_id=student.id,
        student_name=student.name,
        class_name=student.class_name,
        reason=reason,
        text=text,
        billed=billed,
    )


def _families(lines: Sequence[PreviewLine], guardians: Guardians) -> int:
    payers = {guardian.id for line in lines for guardian in guardians.get(line.student_id, [])}
    return len(payers)


def _difference(run: BillingRun, lines: Sequence[PreviewLine], total: int) -> RunDifference | None:
    last = _last_posted(run)
    if last is None:
        return None
    before = dict(last.invoices.values_list("student_id", "student_name"))
    now = {line.student_id: line.student_name for line in lines}
    return RunDifference(
        last_run_id=last.id,
        last_posted_on=timezone.localtime(last.posted_at).date(),
        last_count=last.invoice_count,
        last_total_minor=last.total_minor,
        count_change=len(lines) - last.invoice_count,
        total_change_minor=total - last.total_minor,
        added=tuple(sorted(name for key, name in now.items() if key not in before)),
        dropped=tuple(sorted(name for key, name in before.items() if key not in now)),
    )


def _last_posted(run: BillingRun) -> BillingRun | None:
    rows = BillingRun.objects.filter(fee=run.fee, state=BillingRun.State.POSTED)
    return rows.exclude(pk=run.pk).order_by("-posted_at").first()


def _warnings(run: BillingRun) -> Iterable[str]:
    if run.due_on < today():
        yield _("The due date has passed: every invoice would be overdue at once.")
