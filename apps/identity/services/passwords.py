"""Checking and changing passwords."""

from collections.abc import Iterable

from django.contrib.auth.hashers import make_password
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.identity.models import PasswordReset, RefreshToken, User
from apps.identity.services import audit
from kernel.errors import Invalid


def check_strength(password: str, user: User | None = None) -> None:
    """Raises Invalid, with every reason in one message, for a password that is too weak."""
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise Invalid(" ".join(error.messages), code="weak_password", field="password") from None


def matches(user: User | None, password: str) -> bool:
    """Whether the password is right. Takes the same time when there is no such account."""
    if user is None:
        make_password(password)
        return False
    return bool(user.check_password(password))


def set_password(user: User, password: str) -> None:
    """Store a new password and end everything signed in with the old one.

    Sessions and access tokens end because their hash covers the password; refresh tokens and
    open resets are closed here. Call inside a transaction.
    """
    check_strength(password, user)
    user.set_password(password)
    user.save(update_fields=["password"])
    revoke_refresh_tokens([user])
    PasswordReset.objects.filter(user=user, used_at__isnull=True).update(used_at=timezone.now())


def revoke_refresh_tokens(users: Iterable[User]) -> None:
    open_tokens = RefreshToken.objects.filter(user__in=list(users), revoked_at__isnull=True)
    open_tokens.update(revoked_at=timezone.now())


@transaction.atomic
def change_password(*, user: User, current: str, new: str) -> None:
    """Raises Invalid when the current password is wrong or the new one weak or the same."""
    if not matches(user, current):
        raise Invalid(_("That is not your current password."), field="current")
    if current == new:
        raise Invalid(_("Choose a password that differs from the current one."), field="new")
    set_password(user, new)
    audit.record(actor=user.email, action="identity.password_changed", subject=user.email)
