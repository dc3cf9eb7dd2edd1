"""Billing runs: draft, preview, post once, reverse while nothing is paid."""

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.events import facade as events
from apps.fees.contracts import BillingPreview, PostedRun, PreviewLine
from apps.fees.events import BillingRunReversed
from apps.fees.models import BillingRun, Fee, Invoice
from apps.fees.selectors import catalogue, runs
from apps.fees.services.allocation import catch_up_references, moving_payments
from apps.fees.services.invoicing import Bill, take_back, tell_families, write_invoices
from apps.fees.services.plans import write_instalments
from apps.identity import facade as identity
from apps.students import facade as students
from kernel.errors import Conflict, Invalid
from kernel.schools import current_school, today


@transaction.atomic
def draft_run(
    *, fee_id: UUID, class_ids: Sequence[UUID], due_on: date, actor: str, at: datetime | None = None
) -> UUID:
    """Choose what to bill; nobody owes anything yet. Raises Invalid."""
    fee = catalogue.get_fee(fee_id=fee_id)
    if fee.is_archived:
        raise Invalid(_("This fee is archived. Bring it back before billing it."), field="fee")
    if fee.currency != current_school().currency:
        raise Invalid(_("This fee is in another currency than the school's."), field="fee")
    run = BillingRun.objects.create(
        fee=fee,
        classes=_classes(class_ids),
        due_on=due_on,
        currency=fee.currency,
        created_by=actor,
        created_at=at or timezone.now(),
    )
    return run.id


def _classes(class_ids: Sequence[UUID]) -> list[dict[str, str]]:
    wanted = set(class_ids)
    found = [info for info in students.list_classes() if info.id in wanted]
    if not wanted or len(found) != len(wanted):
        raise Invalid(_("Choose at least one class."), field="classes")
    return [{"id": str(info.id), "name": info.name} for info in found]


def discard_draft(*, run_id: UUID) -> None:
    """Forget a draft. Raises Conflict once it was posted."""
    runs.get_run(run_id=run_id)
    deleted, _rows = BillingRun.objects.filter(pk=run_id, state=BillingRun.State.DRAFT).delete()
    if not deleted:
        raise Conflict(_("This run has been posted, so it cannot be discarded."))


@transaction.atomic
def post_run(
    *,
    run_id: UUID,
    actor: str,
    fingerprint: str = "",
    issued_on: date | None = None,
    at: datetime | None = None,
    tell: bool = True,
) -> PostedRun:
    """Charge everybody of the run once and publish one FamilyBilled for each guardian.

    Repeating it says `already`. `fingerprint` names the preview that was on the screen: when the
    list has changed since, Conflict asks to look again. Raises Invalid when nobody is left.
    `tell=False` books bills of the past, of which the families heard then.
    """
    run = _lock_run(run_id)
    if run.state == BillingRun.State.POSTED:
        return _posted(run, already=True)
    if run.state == BillingRun.State.REVERSED:
        raise Conflict(_("This run was reversed. Start a new one to bill again."))
    # Two runs of one fee wait for each other here, so that both see what the other billed.
    run.fee = Fee.objects.select_for_update().get(pk=run.fee_id)
    preview = runs.preview_run(run)
    _check_preview(preview, fingerprint)
    when = (issued_on or today(), at or timezone.now())
    return _post(run, preview, actor=actor, when=when, tell=tell)


def _lock_run(run_id: UUID) -> BillingRun:
    runs.get_run(run_id=run_id)
    rows = BillingRun.objects.select_related("fee").select_for_update(of=("self",))
    return rows.get(pk=run_id)


def _check_preview(preview: BillingPreview, fingerprint: str) -> None:
    if fingerprint and fingerprint != preview.fingerprint:
        message = _("The list has changed since you looked at it. Please check it again.")
        raise Conflict(message, code="preview_changed")
    if not preview.lines:
        raise Invalid(_("There is nobody left to bill in this run."), code="nobody_to_bill")


def _post(
    run: BillingRun,
    preview: BillingPreview,
    *,
    actor: str,
    when: tuple[date, datetime],
    tell: bool,
) -> PostedRun:
    issued_on, at = when
    bills = [_bill(run, line) for line in preview.lines]
    written = write_invoices(
        bills=bills,
        issued_on=issued_on,
        due_on=run.due_on,
        actor=actor,
        at=at,
        run=run,
        fee=run.fee,
    )
    amounts = [bill.amount_minor for bill in bills]
    if run.fee.shares:
        write_instalments(written, [runs.instalments(run, amount) for amount in amounts])
    families = 0
    if tell:
        families = tell_families(
            invoices=written, amounts=amounts, actor=actor, billing_run_id=run.id
        )
    run.state, run.posted_by, run.posted_at = BillingRun.State.POSTED, actor, at
    run.invoice_count, run.family_count, run.total_minor = len(bills), families, sum(amounts)
    run.preview = _snapshot(preview)
    run.save()
    _audit(run, actor=actor, action="fees.run_posted")
    return _posted(run)


def _bill(run: BillingRun, line: PreviewLine) -> Bill:
    return Bill(
        student_id=line.student_id,
        student_name=line.student_name,
        class_name=line.class_name,
        title=run.fee.name,
        amount_minor=line.amount_minor,
        why=line.why,
        rule="fee_for_class",
        rule_version=run.fee.version,
        rule_inputs={
            "fee_id": str(run.fee_id),
            "fee_name": run.fee.name,
            "amount_minor": line.amount_minor,
            "currency": run.currency,
            "class_name": line.class_name,
            "due_on": run.due_on.isoformat(),
            "billing_run_id": str(run.id),
        },
    )


def _snapshot(preview: BillingPreview) -> dict:
    return {
        "fingerprint": preview.fingerprint,
        "count": len(preview.lines),
        "families": preview.families,
        "total_minor": preview.total_minor,
        "exceptions": [
            {"student": row.student_name, "reason": row.reason, "text": row.text}
            for row in preview.exceptions
        ],
    }


def _posted(run: BillingRun, *, already: bool = False) -> PostedRun:
    return PostedRun(
        run_id=run.id,
        invoices=run.invoice_count,
        families=run.family_count,
        total_minor=run.total_minor,
        currency=run.currency,
        already=already,
    )


def reverse_run(*, run_id: UUID, actor: str) -> PostedRun:
    """Take a posted run back by contra entries; nothing is deleted. Repeating it says `already`.

    Raises NotFound, and Conflict when anything of the run is paid, or is being paid right now.
    """
    # In transactions of its own: it locks one family after another, and holding them all could
    # meet a capture that holds one of them.
    catch_up_references(Invoice.objects.filter(billing_run_id=run_id).values_list("pk", flat=True))
    return _reverse(run_id, actor)


@transaction.atomic
def _reverse(run_id: UUID, actor: str) -> PostedRun:
    run = _lock_run(run_id)
    if run.state == BillingRun.State.REVERSED:
        return _posted(run, already=True)
    if run.state != BillingRun.State.POSTED:
        raise Conflict(_("This run has not been posted, so there is nothing to reverse."))
    ids = list(run.invoices.select_for_update().order_by("pk").values_list("pk", flat=True))
    _check_unpaid(ids)
    take_back(ids, rule="run_reversed", why=_("The school took this charge back."), actor=actor)
    run.state, run.reversed_by = BillingRun.State.REVERSED, actor
    run.reversed_at = timezone.now()
    run.save()
    events.publish(_reversed_event(run), stream_type="billing_run", stream_id=run.id, actor=actor)
    _audit(run, actor=actor, action="fees.run_reversed")
    return _posted(run)


def _check_unpaid(ids: list[UUID]) -> None:
    rows = Invoice.objects.with_balances().filter(pk__in=ids).exclude(paid=0)
    paid = list(rows.order_by("number").values_list("number", flat=True)[:4])
    if paid:
        message = _("Some of it is paid (%(numbers)s). Refund that first, then reverse the run.")
        numbers = ", ".join(paid[:3]) + ("…" if len(paid) > 3 else "")
        raise Conflict(message % {"numbers": numbers}, code="run_paid")
    if moving_payments(ids):
        message = _("A family is paying one of these invoices right now. Try again in a while.")
        raise Conflict(message, code="run_being_paid")


def _reversed_event(run: BillingRun) -> BillingRunReversed:
    return BillingRunReversed(
        billing_run_id=run.id,
        invoices=run.invoice_count,
        total_minor=run.total_minor,
        currency=run.currency,
    )


def _audit(run: BillingRun, *, actor: str, action: str) -> None:
    detail = {"fee": run.fee.name, "invoices": run.invoice_count, "total_minor": run.total_minor}
    identity.record_audit(actor=actor, action=action, subject=str(run.id), detail=detail)
