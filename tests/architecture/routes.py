"""Every route of both hosts, from the URLconfs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from django.urls import URLPattern, URLResolver

SCHOOL, PLATFORM = "config.urls_school", "config.urls_platform"


@dataclass(frozen=True)
class Route:
    urlconf: str
    path: str
    callback: Any

    @property
    def is_api(self) -> bool:
        return hasattr(self.callback, "cls")

    def __str__(self) -> str:
        return f"{self.urlconf.removeprefix('config.urls_')}:{self.path}"


def all_routes() -> list[Route]:
    return [
        Route(urlconf, path, callback)
        for urlconf in (SCHOOL, PLATFORM)
        for path, callback in _walk(import_module(urlconf).urlpatterns, "/")
    ]


def _walk(patterns: list[Any], prefix: str) -> Iterator[tuple[str, Any]]:
    for pattern in patterns:
        path = prefix + str(pattern.pattern).lstrip("^").rstrip("$")
        if isinstance(pattern, URLResolver):
            yield from _walk(pattern.url_patterns, path)
        elif isinstance(pattern, URLPattern):
            yield path, pattern.callback
