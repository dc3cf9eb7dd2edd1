"""Who calls the API: a token of this school, or a browser signed in on this school's host."""

from typing import Any

from rest_framework import exceptions
from rest_framework.authentication import (
    BaseAuthentication,
    SessionAuthentication,
    get_authorization_header,
)
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request

from apps.identity.models import User
from apps.identity.services import tokens
from apps.identity.services.tokens import SchoolAccessToken

SCHEME = b"bearer"


class SchoolJWTAuthentication(BaseAuthentication):
    """`Authorization: Bearer <access token>`.

    The tenant claim must be the host's school: users of two schools can have the same key, so a
    good signature alone would open the wrong school's door. A token whose scope lacks "write"
    may only read.
    """

    def authenticate(self, request: Request) -> tuple[User, SchoolAccessToken] | None:
        raw_token = bearer_token(request)
        if raw_token is None:
            return None
        try:
            user, token = tokens.user_of_access_token(raw_token)
        except tokens.TokenRefused as error:
            raise exceptions.AuthenticationFailed(str(error), code=error.code) from None
        check_scope(request, token)
        return user, token

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="api"'


def bearer_token(request: Request) -> bytes | None:
    """The token of the header; None when the caller does not try to use one."""
    parts = get_authorization_header(request).split()
    if not parts or parts[0].lower() != SCHEME:
        return None
    if len(parts) != 2:
        raise exceptions.AuthenticationFailed("Write the header as: Bearer <token>.")
    return bytes(parts[1])


def check_scope(request: Request, token: SchoolAccessToken) -> None:
    needed = "read" if request.method in SAFE_METHODS else "write"
    if needed not in str(token.get("scope", "")).split():
        raise exceptions.PermissionDenied(f"The token's scope does not include {needed}.")


class SchoolSessionAuthentication(SessionAuthentication):
    """The portal's own pages call the API with their session; unsafe methods need the CSRF token.

    The gateway has already refused a session of another school.
    """

    def authenticate(self, request: Request) -> tuple[Any, None] | None:
        user = request._request.user
        if not user.is_authenticated:
            return None
        self.enforce_csrf(request)
        return user, None
