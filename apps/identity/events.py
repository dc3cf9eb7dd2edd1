"""What happened to accounts. No secret ever goes into an event: links are made when mail is."""

from dataclasses import dataclass
from typing import Any, ClassVar
from uuid import UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class UserInvited:
    """Somebody may set a password; ask `facade.invitation_url` for the link."""

    name: ClassVar[str] = "identity.user_invited"
    version: ClassVar[int] = 1
    user_id: UUID
    email: str
    # `name` is the event's own; the person's name is stored under "person_name".
    person_name: str
    roles: tuple[str, ...]
    invitation_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class UserActivated:
    """An invited person has set a password."""

    name: ClassVar[str] = "identity.user_activated"
    version: ClassVar[int] = 1
    user_id: UUID
    email: str
    roles: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PasswordResetRequested:
    """Somebody asked for a new password; ask `facade.password_reset_url` for the link."""

    name: ClassVar[str] = "identity.password_reset_requested"
    version: ClassVar[int] = 1
    user_id: UUID
    email: str
    person_name: str
    reset_id: UUID


_USER = "01980f3a-0000-7000-8000-000000000001"
_LINK = "01980f3a-0000-7000-8000-000000000002"

SAMPLES: dict[tuple[str, int], dict[str, Any]] = {
    ("identity.user_invited", 1): {
        "user_id": _USER,
        "email": "ana@lincoln.example",
        "person_name": "Ana Ruiz",
        "roles": ["bursar"],
        "invitation_id": _LINK,
    },
    ("identity.user_activated", 1): {
        "user_id": _USER,
        "email": "ana@lincoln.example",
        "roles": ["bursar"],
    },
    ("identity.password_reset_requested", 1): {
        "user_id": _USER,
        "email": "ana@lincoln.example",
        "person_name": "Ana Ruiz",
        "reset_id": _LINK,
    },
}
