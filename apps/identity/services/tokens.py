"""Access tokens (stateless, minutes) and refresh tokens (one row each, used once)."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from rest_framework_simplejwt.exceptions import TokenError
from rest_framework_simplejwt.tokens import Token

from apps.identity.contracts import TokenPair
from apps.identity.models import RefreshToken, User, current_schema
from apps.identity.services import audit
from kernel.errors import DomainError, Invalid

SCOPES = ("read", "write")
FULL_SCOPE = "read write"
ACCESS_LIFE = timedelta(minutes=15)
REFRESH_LIFE = timedelta(days=14)


class TokenRefused(DomainError):
    """The token is not good here: forged, expired, used, revoked, or another school's."""

    status = 401
    code = "token_refused"

    def __init__(self) -> None:
        super().__init__(_("This token is not valid. Please sign in again."))


class SchoolToken(Token):
    """A signed token of one school. simplejwt signs and checks signature, algorithm and expiry;
    the claims are ours: tenant, roles, scope, sub, jti, token_use."""

    def verify_token_type(self) -> None:
        if self.payload.get("token_use") != self.token_type:
            raise TokenError("wrong use")
        if self.payload.get("tenant") != current_schema():
            raise TokenError("another school's token")


class SchoolAccessToken(SchoolToken):
    token_type = "access"  # noqa: S105  a claim, not a secret
    lifetime = ACCESS_LIFE


class SchoolRefreshToken(SchoolToken):
    token_type = "refresh"  # noqa: S105  a claim, not a secret
    lifetime = REFRESH_LIFE


def clean_scope(scope: str) -> str:
    """Words of SCOPES in their usual order; nothing means all. Raises Invalid for others."""
    words = set(scope.split())
    unknown = sorted(words - set(SCOPES))
    if unknown:
        message = _("Unknown scope “%(scope)s”. Use read or write.") % {"scope": unknown[0][:40]}
        raise Invalid(message, code="invalid_scope", field="scope")
    return " ".join(word for word in SCOPES if word in words) or FULL_SCOPE


def session_mark(user: User) -> str:
    """Changes with the password, so that a new password ends access tokens at once."""
    return user.get_session_auth_hash()[:16]


def make_access_token(user: User, scope: str = FULL_SCOPE) -> str:
    claims = {
        "sub": str(user.pk),
        "tenant": current_schema(),
        "roles": sorted(user.roles),
        "scope": scope,
        "token_use": "access",
        "mark": session_mark(user),
    }
    return _signed(SchoolAccessToken(), claims)


def _signed(token: SchoolToken, claims: dict[str, Any]) -> str:
    for claim, value in claims.items():
        token[claim] = value
    return str(token)


def issue_pair(*, user: User, scope: str = "", family: UUID | None = None) -> TokenPair:
    """An access token and a refresh token of a new family, or of the family being rotated."""
    wanted = clean_scope(scope)
    if family is None:
        forget_expired(user)
    row = RefreshToken(user=user, scope=wanted, expires_at=timezone.now() + REFRESH_LIFE)
    if family is not None:
        row.family = family
    row.save(force_insert=True)
    claims = {
        "sub": str(user.pk),
        "tenant": current_schema(),
        "token_use": "refresh",
        "jti": str(row.jti),
    }
    return TokenPair(
        access=make_access_token(user, wanted),
        refresh=_signed(SchoolRefreshToken(), claims),
        expires_in=int(ACCESS_LIFE.total_seconds()),
        scope=wanted,
    )


def forget_expired(user: User) -> None:
    """Rows past their life cannot be used and prove nothing any more."""
    RefreshToken.objects.filter(user=user, expires_at__lt=timezone.now()).delete()


def rotate(*, refresh: str) -> TokenPair:
    """Exchange a refresh token for a new pair; it works exactly once.

    A second use means that a copy is about, so the whole family ends. Raises TokenRefused.
    """
    jti = refresh_jti(refresh)
    pair = _rotate_once(jti)
    if pair is None:
        # Outside the transaction above: the refusal must not roll this back.
        revoke_family_of(jti, reason="reused")
        raise TokenRefused
    return pair


@transaction.atomic
def _rotate_once(jti: UUID) -> TokenPair | None:
    """One conditional UPDATE decides: of concurrent uses the database lets one through.

    The new row is inserted in the same transaction, so a loser, which waited for this row's
    lock, sees the new row when it ends the family.
    """
    now = timezone.now()
    # No join here: it would become a subquery, which PostgreSQL does not check again after
    # waiting for the lock.
    unused = RefreshToken.objects.filter(
        jti=jti, used_at__isnull=True, revoked_at__isnull=True, expires_at__gt=now
    )
    if not unused.update(used_at=now):
        return None
    row = RefreshToken.objects.get(jti=jti)
    user = User.objects.with_roles().filter(pk=row.user_id, is_active=True).first()
    return issue_pair(user=user, scope=row.scope, family=row.family) if user else None


def refresh_jti(refresh: str) -> UUID:
    """The row a refresh token names. Raises TokenRefused for anything but a good token."""
    try:
        return UUID(str(SchoolRefreshToken(refresh.encode())["jti"]))  # type: ignore[arg-type]
    except (TokenError, ValueError, KeyError, UnicodeEncodeError):
        raise TokenRefused from None


@transaction.atomic
def revoke_family_of(jti: UUID, *, reason: str) -> int:
    """End every token that descends from the same sign-in; returns how many were still open."""
    row = RefreshToken.objects.select_related("user").filter(jti=jti).first()
    if row is None:
        return 0
    siblings = RefreshToken.objects.filter(family=row.family, revoked_at__isnull=True)
    ended = siblings.update(revoked_at=timezone.now())
    if ended:
        detail = {"reason": reason, "tokens": ended}
        audit.record(
            actor=row.user.email,
            action="identity.tokens_revoked",
            subject=row.user.email,
            detail=detail,
        )
    return ended


def revoke(*, refresh: str) -> None:
    """Sign a client out. A token that is no longer good is as signed out as can be (RFC 7009)."""
    try:
        jti = refresh_jti(refresh)
    except TokenRefused:
        return
    revoke_family_of(jti, reason="signed_out")


def user_of_access_token(raw_token: bytes) -> tuple[User, SchoolAccessToken]:
    """The active account an access token stands for. Raises TokenRefused."""
    try:
        token = SchoolAccessToken(raw_token)  # type: ignore[arg-type]
        user_id = UUID(str(token["sub"]))
    except (TokenError, ValueError, KeyError):
        raise TokenRefused from None
    user = User.objects.with_roles().filter(pk=user_id, is_active=True).first()
    if user is None or token.get("mark") != session_mark(user):
        raise TokenRefused
    return user, token
