"""After a restore: everybody signs in again, and no link of before opens anything."""

from __future__ import annotations

from django.contrib.sessions.models import Session
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.identity.models import Invitation, PasswordReset, RefreshToken, SignInAttempt, User
from apps.tenants.contracts import RestoreContext
from apps.tenants.facade import after_restore


@after_restore
def end_what_was_signed_in(context: RestoreContext) -> None:
    """Sessions and tokens that were ended since the backup would otherwise be alive again."""
    now = timezone.now()
    Session.objects.all().delete()
    SignInAttempt.objects.all().delete()
    RefreshToken.objects.filter(revoked_at=None).update(revoked_at=now)
    PasswordReset.objects.filter(used_at=None).update(used_at=now)
    if context.is_copy:
        Invitation.objects.filter(accepted_at=None, revoked_at=None).update(revoked_at=now)
    else:
        _tell_of_closed_accounts(context)


def _tell_of_closed_accounts(context: RestoreContext) -> None:
    """Whether they were closed by an administrator or by the accident, a person must say."""
    closed = context.replaced("SELECT id FROM identity_user WHERE NOT is_active")
    again = User.objects.filter(is_active=True, pk__in=[row[0] for row in closed or ()])
    if emails := list(again.values_list("email", flat=True)[:20]):
        told = _("Closed since the backup, and open again now: %(emails)s.")
        context.tell(told % {"emails": ", ".join(emails)})
