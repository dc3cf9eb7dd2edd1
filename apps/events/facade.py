"""What other apps use: publish and hear events, keep an aggregate's history as events."""

from apps.events.contracts import Delivery, StoredEvent
from apps.events.services.draining import drain
from apps.events.services.errors import (
    PublishOutsideTransaction,
    RegistryError,
    UnknownEvent,
    VersionConflict,
)
from apps.events.services.publishing import publish
from apps.events.services.registry import handles, isolated_registry
from apps.events.services.store import append, load

__all__ = [
    "Delivery",
    "PublishOutsideTransaction",
    "RegistryError",
    "StoredEvent",
    "UnknownEvent",
    "VersionConflict",
    "append",
    "drain",
    "handles",
    "isolated_registry",
    "load",
    "publish",
]
