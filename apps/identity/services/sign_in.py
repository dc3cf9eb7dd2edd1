"""Checking who somebody is."""

from django.utils.translation import gettext as _

from apps.identity.models import User
from apps.identity.services import audit, passwords, throttle
from kernel.errors import DomainError


class WrongCredentials(DomainError):
    """No such account, wrong password, closed or never activated: the same answer for all."""

    status = 401
    code = "wrong_credentials"

    def __init__(self) -> None:
        super().__init__(_("E-mail or password is wrong. Please try again."))


def check_credentials(*, email: str, password: str, address: str) -> User:
    """The active account of the open school with this e-mail and password, roles fetched.

    `address` is the caller's IP address. Counts the attempt before the password is hashed.
    Raises TooManyAttempts or WrongCredentials.
    """
    typed = email.replace("\x00", "").strip().lower()
    throttle.count_attempt(throttle.SIGN_IN_BY_ADDRESS, address)
    throttle.count_attempt(throttle.SIGN_IN_BY_EMAIL, typed)
    user = User.objects.with_roles().filter(email=typed, is_active=True).first()
    if not passwords.matches(user, password) or user is None:
        raise WrongCredentials
    throttle.forget(throttle.SIGN_IN_BY_EMAIL, typed)
    throttle.give_back(throttle.SIGN_IN_BY_ADDRESS, address)
    throttle.sweep()
    audit.record(actor=user.email, action="identity.signed_in", subject=user.email)
    return user
