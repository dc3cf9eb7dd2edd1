"""Django's door to our accounts: sessions name this backend and load their user through it."""

from typing import Any
from uuid import UUID

from django.contrib.auth.backends import BaseBackend
from django.http import HttpRequest

from apps.identity.models import User
from apps.identity.services import sign_in, throttle

PATH = "apps.identity.backends.EmailBackend"


class EmailBackend(BaseBackend):
    """E-mail and password of an account of the open schema."""

    def authenticate(
        self,
        request: HttpRequest | None,
        email: str | None = None,
        password: str | None = None,
        **kwargs: Any,
    ) -> User | None:
        """The account, or None; attempts are throttled like those of the sign-in page."""
        typed = email or kwargs.get(User.USERNAME_FIELD) or kwargs.get("username")
        if not typed or password is None:
            return None
        address = request.META.get("REMOTE_ADDR", "") if request else ""
        try:
            return sign_in.check_credentials(email=typed, password=password, address=address)
        except (sign_in.WrongCredentials, throttle.TooManyAttempts):
            return None

    def get_user(self, user_id: UUID) -> User | None:
        """The session's account with its roles, in one statement; None once deactivated."""
        return User.objects.with_roles().filter(pk=user_id, is_active=True).first()
