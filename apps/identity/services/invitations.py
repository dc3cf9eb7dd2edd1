"""Inviting people, and what happens when they follow the link."""

from collections.abc import Sequence
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.utils.translation import gettext as _

from apps.events import facade as events
from apps.identity import roles as role_book
from apps.identity.events import UserActivated, UserInvited
from apps.identity.models import Invitation, User
from apps.identity.services import accounts, audit, links, passwords
from kernel.errors import Conflict, DomainError, NotFound
from kernel.schools import on_public


class LinkRefused(DomainError):
    """The link cannot be used; `code` is invalid, expired, used or revoked."""

    status = 410


@transaction.atomic
def invite_user(*, email: str, name: str, roles: Sequence[str], invited_by: str) -> User:
    """A new account that waits for its owner; publishes identity.user_invited.

    Raises Invalid for a bad address or role, Conflict when the address has an account already.
    """
    wanted = accounts.clean_roles(roles, role_book.SCHOOL_ROLES)
    user = accounts.add_user(email=email, name=name, roles=wanted)
    send_invitation(user, invited_by=invited_by)
    detail = {"roles": list(wanted)}
    audit.record(
        actor=invited_by, action="identity.user_invited", subject=user.email, detail=detail
    )
    return user


def send_invitation(user: User, *, invited_by: str) -> Invitation:
    """A fresh link; older ones stop working. Call inside a transaction."""
    accounts.revoke_open_invitations(user)
    invitation = Invitation.objects.create(user=user, invited_by=invited_by[:254])
    event = UserInvited(
        user_id=user.pk,
        email=user.email,
        person_name=user.name,
        roles=tuple(sorted(user.roles)),
        invitation_id=invitation.pk,
    )
    events.publish(event, stream_type="user", stream_id=user.pk, actor=invited_by)
    return invitation


@transaction.atomic
def resend_invitation(*, user_id: UUID, actor: str) -> User:
    """Send a new link. Raises Conflict once the person has set a password or was closed."""
    user = accounts.locked_user(user_id)
    if user.has_usable_password():
        raise Conflict(_("%(name)s has already set a password.") % {"name": user}, code="accepted")
    if not user.is_active:
        raise Conflict(_("Reactivate the account first."), code="deactivated")
    send_invitation(user, invited_by=actor)
    audit.record(actor=actor, action="identity.invitation_resent", subject=user.email)
    return user


@transaction.atomic
def revoke_invitation(*, user_id: UUID, actor: str) -> User:
    """Make the open link useless. Raises Conflict when there is none."""
    user = accounts.locked_user(user_id)
    if not accounts.revoke_open_invitations(user):
        raise Conflict(_("There is no open invitation to withdraw."), code="no_invitation")
    audit.record(actor=actor, action="identity.invitation_revoked", subject=user.email)
    return user


def invitation_url(*, invitation_id: UUID) -> str:
    """The absolute link for the mail. Raises NotFound for an unknown invitation."""
    invitation = Invitation.objects.filter(pk=invitation_id).first()
    if invitation is None:
        raise NotFound(_("There is no such invitation."))
    return links.invitation_url(invitation.pk, invitation.nonce)


def open_invitation_url(*, email: str) -> str:
    """The link of the newest invitation that this address can still use; "" without one."""
    rows = Invitation.objects.select_related("user").filter(user__email=email.strip().lower())
    newest = rows.filter(accepted_at__isnull=True, revoked_at__isnull=True).order_by("-id").first()
    if newest is None or newest.is_expired or not newest.user.is_active:
        return ""
    return links.invitation_url(newest.pk, newest.nonce)


def open_invitation(token: str, *, lock: bool = False) -> Invitation:
    """The invitation a link points at. Raises LinkRefused with the reason in `code`."""
    target = links.read_token(links.INVITATION, token)
    rows = Invitation.objects.select_related("user")
    rows = rows.select_for_update(of=("self",)) if lock else rows
    invitation = rows.filter(pk=target.id).first() if target else None
    if target is None or invitation is None:
        raise LinkRefused(_("This link is not complete or was changed."), code="invalid")
    check_open(invitation, target.nonce)
    return invitation


def check_open(invitation: Invitation, nonce: str) -> None:
    if not constant_time_compare(invitation.nonce, nonce):
        raise LinkRefused(_("This link is not complete or was changed."), code="invalid")
    if invitation.accepted_at is not None:
        raise LinkRefused(_("This invitation has already been used."), code="used")
    if invitation.revoked_at is not None or not invitation.user.is_active:
        message = _("This invitation was withdrawn or replaced by a newer one.")
        raise LinkRefused(message, code="revoked")
    if invitation.is_expired:
        raise LinkRefused(_("This invitation has expired."), code="expired")


@transaction.atomic
def accept_invitation(*, token: str, password: str) -> User:
    """Set the first password; publishes identity.user_activated.

    Raises LinkRefused for a link that cannot be used, Invalid for a weak password.
    """
    invitation = open_invitation(token, lock=True)
    user = invitation.user
    passwords.set_password(user, password)
    invitation.accepted_at = timezone.now()
    invitation.save(update_fields=["accepted_at"])
    if not on_public():  # operators are nobody else's news
        publish_activated(user)
    audit.record(actor=user.email, action="identity.invitation_accepted", subject=user.email)
    return user


def publish_activated(user: User) -> None:
    event = UserActivated(user_id=user.pk, email=user.email, roles=tuple(sorted(user.roles)))
    events.publish(event, stream_type="user", stream_id=user.pk, actor=user.email)
