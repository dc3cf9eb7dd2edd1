"""Other backends in the place of Django's default connection, for figures beside a peer."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.db import connections


@contextmanager
def as_default(backend: Any) -> Iterator[Any]:
    before = connections["default"]
    connections["default"] = backend
    try:
        yield backend
    finally:
        connections["default"] = before


def apps_own(backend: type, **changes: Any) -> Any:
    """A connection of the app's login to the database that Django works in now."""
    return backend({**connections["default"].settings_dict, **changes}, alias="default")


def owners(backend: type, path: str = "", **changes: Any) -> Any:
    """A backend that knows no roles has to sign in as whoever may read every school."""
    owner: Any = settings.OWNER_DATABASE
    parts = {**connections["default"].settings_dict, **owner}
    parts["NAME"] = connections["default"].settings_dict["NAME"]
    options = {"options": f"-c search_path={path}"} if path else {}
    parts["OPTIONS"] = {**owner["OPTIONS"], **options}
    return backend({**parts, **changes}, alias="default")
