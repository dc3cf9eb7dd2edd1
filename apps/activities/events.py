"""What the activities app tells the others."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class SignupConfirmed:
    """A student has a place. A fee (minor units) is due when it is above zero."""

    name: ClassVar[str] = "activities.signup_confirmed"
    version: ClassVar[int] = 1
    signup_id: UUID
    activity_id: UUID
    activity_title: str
    starts_at: datetime
    student_id: UUID
    fee_minor: int
    currency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SignupWaitlisted:
    """The activity is full: a student waits for a place. Nothing is due."""

    name: ClassVar[str] = "activities.signup_waitlisted"
    version: ClassVar[int] = 1
    signup_id: UUID
    activity_id: UUID
    activity_title: str
    starts_at: datetime
    student_id: UUID
    fee_minor: int
    currency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SignupPromoted:
    """A student who waited has a place now; like `signup_confirmed`, a fee may be due."""

    name: ClassVar[str] = "activities.signup_promoted"
    version: ClassVar[int] = 1
    signup_id: UUID
    activity_id: UUID
    activity_title: str
    starts_at: datetime
    student_id: UUID
    fee_minor: int
    currency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SignupCancelled:
    """A student no longer takes part or waits. `was_confirmed` says which of the two it was."""

    name: ClassVar[str] = "activities.signup_cancelled"
    version: ClassVar[int] = 1
    signup_id: UUID
    activity_id: UUID
    activity_title: str
    starts_at: datetime
    student_id: UUID
    fee_minor: int
    currency: str
    was_confirmed: bool


_SAMPLE = {
    "signup_id": "0198f3a0-0000-7000-8000-000000000001",
    "activity_id": "0198f3a0-0000-7000-8000-000000000002",
    "activity_title": "Chess club",
    "starts_at": "2026-11-05T15:00:00+00:00",
    "student_id": "0198f3a0-0000-7000-8000-000000000003",
    "fee_minor": 2500,
    "currency": "USD",
}
SAMPLES: dict[tuple[str, int], dict[str, Any]] = {
    ("activities.signup_confirmed", 1): dict(_SAMPLE),
    ("activities.signup_waitlisted", 1): dict(_SAMPLE),
    ("activities.signup_promoted", 1): dict(_SAMPLE),
    ("activities.signup_cancelled", 1): {**_SAMPLE, "was_confirmed": True},
}
