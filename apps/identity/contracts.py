"""What identity tells the others. Standard library only."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class UserInfo:
    """An account of the open school. `status` is active, invited or deactivated."""

    id: UUID
    email: str
    name: str
    roles: tuple[str, ...]
    is_active: bool
    language: str = ""
    status: str = "active"


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenPair:
    """A short-lived access token and the single-use refresh token that follows it."""

    access: str
    refresh: str
    expires_in: int  # seconds the access token lives
    scope: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditInfo:
    """One entry of the audit trail. `words` and `details` are for people, in their language."""

    id: UUID
    at: datetime
    actor: str
    action: str
    subject: str
    words: str
    details: tuple[tuple[str, str], ...]
    trace_id: str
