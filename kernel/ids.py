"""Keys made by the application, ordered by time."""

from uuid import UUID

from uuid_utils import compat


def uuid7() -> UUID:
    """A new time-ordered UUID (RFC 9562, version 7)."""
    return compat.uuid7()
