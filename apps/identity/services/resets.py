"""Forgotten passwords. Whoever asks learns nothing about which accounts exist."""

from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.utils.translation import gettext as _

from apps.events import facade as events
from apps.identity.events import PasswordResetRequested
from apps.identity.models import Invitation, PasswordReset, User
from apps.identity.services import audit, invitations, links, operators, passwords, throttle
from apps.identity.services.invitations import LinkRefused
from kernel.errors import NotFound
from kernel.schools import on_public


def request_reset(*, email: str, address: str) -> None:
    """Mail a link if the account exists; returns the same whether it does or not.

    `address` is the asker's IP address. Raises TooManyAttempts.
    """
    throttle.count_attempt(throttle.RESET_BY_ADDRESS, address)
    throttle.count_attempt(throttle.RESET_BY_EMAIL, email)
    user = User.objects.filter(email=email.replace("\x00", "").strip().lower()).first()
    if user is None or not user.is_active:
        return
    with transaction.atomic():
        if user.has_usable_password():
            start_reset(user)
        elif Invitation.objects.filter(user=user, revoked_at__isnull=True).exists():
            # Never accepted the invitation: what helps is a fresh one.
            _invite_again(user)


def _invite_again(user: User) -> None:
    if on_public():
        operators.mail_invitation(user)
    else:
        invitations.send_invitation(user, invited_by=user.email)


def start_reset(user: User) -> PasswordReset:
    """A fresh reset; publishes identity.password_reset_requested. Call inside a transaction."""
    reset = PasswordReset.objects.create(user=user)
    audit.record(actor=user.email, action="identity.password_reset_asked", subject=user.email)
    if on_public():
        operators.mail_reset(user, reset)
        return reset
    event = PasswordResetRequested(
        user_id=user.pk, email=user.email, person_name=user.name, reset_id=reset.pk
    )
    events.publish(event, stream_type="user", stream_id=user.pk, actor=user.email)
    return reset


def password_reset_url(*, reset_id: UUID) -> str:
    """The absolute link for the mail. Raises NotFound for an unknown reset."""
    reset = PasswordReset.objects.filter(pk=reset_id).first()
    if reset is None:
        raise NotFound(_("There is no such request."))
    return links.password_reset_url(reset.pk, reset.nonce)


def open_reset(token: str, *, lock: bool = False) -> PasswordReset:
    """The reset a link points at. Raises LinkRefused with the reason in `code`."""
    target = links.read_token(links.PASSWORD_RESET, token)
    rows = PasswordReset.objects.select_related("user")
    rows = rows.select_for_update(of=("self",)) if lock else rows
    reset = rows.filter(pk=target.id).first() if target else None
    if target is None or reset is None or not constant_time_compare(reset.nonce, target.nonce):
        raise LinkRefused(_("This link is not complete or was changed."), code="invalid")
    if reset.used_at is not None:
        raise LinkRefused(_("This link has already been used."), code="used")
    if not reset.is_open or not reset.user.is_active:
        raise LinkRefused(_("This link has expired."), code="expired")
    return reset


@transaction.atomic
def reset_password(*, token: str, password: str) -> User:
    """Choose a new password with the link.

    Raises LinkRefused for a link that cannot be used, Invalid for a weak password.
    """
    reset = open_reset(token, lock=True)
    passwords.set_password(reset.user, password)
    reset.used_at = timezone.now()
    reset.save(update_fields=["used_at"])
    throttle.forget(throttle.SIGN_IN_BY_EMAIL, reset.user.email)
    audit.record(actor=reset.user.email, action="identity.password_reset", subject=reset.user.email)
    return reset.user
