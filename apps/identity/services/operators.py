"""The platform's own people. Call with the public schema open.

Operators belong to no school, so no school's message queue can carry their mail: it is sent here,
once the transaction has committed.
"""

from typing import NamedTuple

from django.core.mail import send_mail
from django.db import transaction
from django.utils.translation import gettext as _

from apps.identity import roles as role_book
from apps.identity.models import Invitation, PasswordReset, User
from apps.identity.services import accounts, audit, links, passwords
from kernel.errors import Conflict, Invalid
from kernel.schools import on_public


class CreatedOperator(NamedTuple):
    email: str
    link: str  # "" when a password was given


@transaction.atomic
def create_operator(*, email: str, name: str, password: str | None) -> CreatedOperator:
    """An operator's account, with a password or with a one-time link to set one.

    Raises Invalid for a bad address, an empty name or a weak password, Conflict when the address
    is taken or a school is open.
    """
    if not on_public():
        raise Conflict(_("Operators belong to the platform, not to a school."))
    if not name.strip():
        raise Invalid(_("An operator needs a name."), field="name")
    if password is not None:
        passwords.check_strength(password)
    user = accounts.add_user(email=email, name=name, roles=(role_book.OPERATOR,), password=password)
    audit.record(actor="manage.py", action="identity.operator_created", subject=user.email)
    if password is not None:
        return CreatedOperator(user.email, "")
    invitation = Invitation.objects.create(user=user, invited_by="manage.py")
    return CreatedOperator(user.email, links.invitation_url(invitation.pk, invitation.nonce))


def mail_reset(user: User, reset: PasswordReset) -> None:
    """Mail an operator the link to choose a new password. Call inside a transaction."""
    link = links.password_reset_url(reset.pk, reset.nonce)
    body = _("Choose a new password here, within two hours:\n\n%(link)s\n") % {"link": link}
    _mail(user, _("Choose a new password"), body)


def mail_invitation(user: User) -> None:
    """Mail an operator who never set a password a fresh link; older ones stop working. Call
    inside a transaction."""
    accounts.revoke_open_invitations(user)
    invitation = Invitation.objects.create(user=user, invited_by=user.email)
    link = links.invitation_url(invitation.pk, invitation.nonce)
    body = _("Choose your password here, within seven days:\n\n%(link)s\n") % {"link": link}
    _mail(user, _("Choose your password"), body)


def _mail(user: User, subject: str, body: str) -> None:
    # Robust: a mail server that is down is logged, and tells a stranger who asked for the mail
    # nothing about which accounts exist.
    transaction.on_commit(lambda: send_mail(subject, body, None, [user.email]), robust=True)
