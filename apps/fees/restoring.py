"""The books of fees, added up for backups; and family links after a restore."""

from __future__ import annotations

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from apps.events import facade as events
from apps.fees.models import Autopay, AutopayCharge, FamilyLink, LinkRequest
from apps.fees.selectors import books as ledger
from apps.payments import facade as payments
from apps.tenants.contracts import BookReport, RestoreContext
from apps.tenants.facade import after_restore, books


@books("fees")
def add_up() -> BookReport:
    """The sums of the books, what in them does not agree, and whether payments say the same."""
    totals = ledger.sums()
    problems = ledger.problems()
    kept = payments.kept_minor()
    held = sum(totals[f"{name}_minor"] for name in ("allocations", "credits", "covers"))
    # What waits in the outbox has been booked by payments and not yet here.
    if held != kept and not events.waiting_event_ids():
        told = _("The ledger holds %(held)d of the %(kept)d that payments kept.")
        problems.append(told % {"held": held, "kept": kept})
    return BookReport(totals=totals, problems=tuple(problems))


@after_restore
def end_autopay(context: RestoreContext) -> None:
    """Nobody's card is charged by books that may not know what was paid since: guardians turn it
    on again."""
    standing = Autopay.objects.filter(ended_at=None)
    count = standing.update(ended_at=timezone.now(), ended_why=Autopay.Ended.RESTORED)
    planned = AutopayCharge.objects.filter(state=AutopayCharge.State.ANNOUNCED)
    planned.update(state=AutopayCharge.State.SKIPPED, settled_at=timezone.now())
    if count and not context.is_copy:
        told = ngettext(
            "Automatic payment of %(count)d guardian was turned off: these books may not know "
            "what was charged since the backup.",
            "Automatic payment of %(count)d guardians was turned off: these books may not know "
            "what was charged since the backup.",
            count,
        )
        context.tell(told % {"count": count})


@after_restore
def close_family_links(context: RestoreContext) -> None:
    """A copy's links open nothing; in its place, those that were revoked since stay revoked."""
    now = timezone.now()
    LinkRequest.objects.all().delete()
    standing = FamilyLink.objects.filter(revoked_at=None)
    if context.is_copy:
        standing.update(revoked_at=now)
        return
    revoked = context.replaced("SELECT id FROM fees_familylink WHERE revoked_at IS NOT NULL")
    if revoked is None:  # nobody can tell which: families ask for a fresh one
        standing.update(revoked_at=now)
    else:
        standing.filter(pk__in=[row[0] for row in revoked]).update(revoked_at=now)
