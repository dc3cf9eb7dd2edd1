"""What the other apps may ask of identity. All in the school that is open."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from apps.identity import roles as role_book
from apps.identity import selectors
from apps.identity.contracts import AuditInfo, TokenPair, UserInfo
from apps.identity.models import User
from apps.identity.services import accounts, audit, invitations, resets, tokens

STAFF_ROLES = role_book.STAFF_ROLES
SCHOOL_ROLES = role_book.SCHOOL_ROLES


def invite_user(*, email: str, name: str, roles: Sequence[str], invited_by: str) -> UserInfo:
    """A new account whose owner gets a link by mail; publishes identity.user_invited.

    Raises Invalid for a bad address or role, Conflict when the address has an account.
    """
    user = invitations.invite_user(email=email, name=name, roles=roles, invited_by=invited_by)
    return selectors.info(user)


def invitation_url(invitation_id: UUID) -> str:
    """The absolute link to set a first password. Raises NotFound."""
    return invitations.invitation_url(invitation_id=invitation_id)


def open_invitation_url(email: str) -> str:
    """The link with which the invited owner of this address sets a first password; "" when there
    is none, or it was used, withdrawn or has expired."""
    return invitations.open_invitation_url(email=email)


def password_reset_url(reset_id: UUID) -> str:
    """The absolute link to choose a new password. Raises NotFound."""
    return resets.password_reset_url(reset_id=reset_id)


def create_user(*, email: str, name: str, password: str, roles: Sequence[str]) -> UserInfo:
    """An account that can sign in at once. Raises Conflict when the address has one."""
    user = accounts.create_user(email=email, name=name, password=password, roles=roles)
    return selectors.info(user)


def add_role(*, user_id: UUID, role: str, actor: str) -> UserInfo:
    """Give one more role; having it already changes nothing. Raises NotFound."""
    return selectors.info(accounts.add_role(user_id=user_id, role=role, actor=actor))


def get_user(user_id: UUID) -> UserInfo:
    """Raises NotFound."""
    return selectors.info(selectors.get_person(user_id))


def find_user_by_email(email: str) -> UserInfo | None:
    user = User.objects.with_roles().filter(email=email.strip().lower()).first()
    return selectors.info(user) if user else None


def users_with_role(role: str) -> list[UserInfo]:
    """Accounts that hold the role and are not deactivated, by name."""
    rows = selectors.people(selectors.PeopleFilter(role=role)).filter(is_active=True)
    return selectors.infos(rows)


def count_by_role() -> dict[str, int]:
    """How many active accounts hold each role."""
    return selectors.count_by_role()


def count_accounts(roles: Iterable[str], *, before: datetime) -> int:
    """How many active accounts hold one of these roles and were made before that moment."""
    return selectors.count_accounts(roles, before=before)


def record_audit(*, actor: str, action: str, subject: str, detail: dict[str, Any]) -> None:
    """Append to the audit trail, in the caller's transaction, with the running trace id."""
    audit.record(actor=actor, action=action, subject=subject, detail=detail)


def audit_entries(
    *,
    prefixes: Iterable[str],
    actor: str = "",
    subject: str = "",
    since: datetime | None = None,
    before: datetime | None = None,
    below: UUID | None = None,
) -> Iterator[AuditInfo]:
    """The trail of some apps' actions ("fees."), newest first; read while the school is open.

    `actor`: part of who acted. `below`: only what is older than the entry of this id."""
    return audit.entries(
        prefixes=prefixes, actor=actor, subject=subject, since=since, before=before, below=below
    )


def issue_tokens(user_id: UUID, *, scope: str = "") -> TokenPair:
    """An API token pair for an account (tests, service set-up). Raises NotFound."""
    return tokens.issue_pair(user=selectors.get_person(user_id), scope=scope)
