"""After a restore: the outbox and the history of events, on behalf of apps.events below."""

from __future__ import annotations

from django.utils.translation import gettext as _

from apps.events import facade as events
from apps.tenants.contracts import RestoreContext
from apps.tenants.services import privacy
from apps.tenants.services.backup.hooks import after_restore


@after_restore
def set_the_outbox_right(context: RestoreContext) -> None:
    context.correct(events.SETTLE_HISTORY)
    if not context.is_copy:
        events.leave_out_what_was_done(context.replaced)
        return
    count = events.put_aside(_("Put aside: this school is a restored copy."))
    if count:
        told = _("%(count)d events that waited are among the dead letters.")
        context.tell(told % {"count": count})


@after_restore
def erase_again(context: RestoreContext) -> None:
    """Whoever was erased after the backup was taken does not come back with it."""
    # Keys are the same in a copy, and in what takes a school's place under another number.
    count = privacy.reapply_erasures(since=context.taken_at, any_school=True)
    if count:
        context.tell(_("%(count)d people were erased again.") % {"count": count})
