"""Signed one-time links: /invitation/<token>/ and /password/reset/<token>/.

A token holds the row's id and nonce, signed for one purpose and one schema: a school's link says
nothing on another school's host. Expiry and use are read from the row, never from the token.
"""

from typing import NamedTuple
from uuid import UUID

from django.core import signing
from django.urls import reverse

from apps.identity.models import current_schema
from kernel.schools import on_public, platform_url, school_url

INVITATION = "invitation"
PASSWORD_RESET = "password-reset"  # noqa: S105  a purpose, not a secret


class LinkTarget(NamedTuple):
    id: UUID
    nonce: str


def _salt(purpose: str) -> str:
    return f"homeroom.identity.{purpose}.{current_schema()}"


def make_token(purpose: str, row_id: UUID, nonce: str) -> str:
    return signing.dumps([row_id.hex, nonce], salt=_salt(purpose))


def read_token(purpose: str, token: str) -> LinkTarget | None:
    """What the token points at, or None when it is not one of ours, of this school, for this."""
    try:
        row_id, nonce = signing.loads(token, salt=_salt(purpose))
        return LinkTarget(UUID(row_id), str(nonce))
    except (signing.BadSignature, ValueError, TypeError, AttributeError):
        return None


def absolute(path: str) -> str:
    """On the open school's host, or on the platform's for operators."""
    return platform_url(path) if on_public() else school_url(path)


def invitation_url(invitation_id: UUID, nonce: str) -> str:
    token = make_token(INVITATION, invitation_id, nonce)
    return absolute(reverse("account:invitation", kwargs={"token": token}))


def password_reset_url(reset_id: UUID, nonce: str) -> str:
    token = make_token(PASSWORD_RESET, reset_id, nonce)
    return absolute(reverse("account:password_reset", kwargs={"token": token}))
