"""What can go wrong, by name."""

from uuid import UUID

from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext as _

from kernel.errors import Conflict


class PublishOutsideTransaction(RuntimeError):
    """An event was published with no transaction open: it could outlive or miss its change."""


class PublishedWhileReplaying(RuntimeError):
    """Code that a replay runs wanted to tell the world something."""


class RegistryError(ImproperlyConfigured):
    """The events and handlers of the installed apps do not fit together; start refuses."""


class UnknownEvent(LookupError):
    """The event's type, or this version of it, is not known to the running code."""


class VersionConflict(Conflict):
    """Someone else appended to the stream first."""

    def __init__(self, stream_id: UUID, expected_version: int, actual_version: int | None) -> None:
        super().__init__(
            _("Someone else changed this at the same moment. Please look again and retry."),
            code="version_conflict",
        )
        self.stream_id = stream_id
        self.expected_version = expected_version
        self.actual_version = actual_version
