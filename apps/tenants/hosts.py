"""From a host name to its school, for every request: an in-process map with a short life.

Each process forgets everything after HOST_LIFE seconds. A change of settings empties the map of
its own process at once and raises a shared version, which the others compare at most once in
VERSION_LIFE seconds, so that a suspension shows everywhere about a second later.
"""

from __future__ import annotations

import re
import threading
import time
from dataclasses import dataclass, field
from uuid import uuid4

from django.core.cache import cache
from django.db import transaction

from apps.tenants.models import School
from kernel.schools import in_public

HOST_LIFE = 30.0
VERSION_LIFE = 1.0
# Hosts are chosen by whoever sends the request: the map must not grow with them.
MAX_HOSTS = 20_000
VERSION_KEY = "tenants:hosts-version"
_HOST = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*")


@dataclass
class _HostMap:
    """What this process remembers. `expires` and `checked` are time.monotonic() seconds."""

    schools: dict[str, School | None] = field(default_factory=dict)
    version: str = ""
    expires: float = 0.0
    checked: float = 0.0
    generation: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def empty(self, now: float) -> None:
        with self.lock:
            self.schools = {}
            self.expires = now + HOST_LIFE
            self.generation += 1


_map = _HostMap()


def normalise_host(host: object) -> str:
    """Lower case, without port and final dot; "" for anything that cannot be a host name."""
    text = host if isinstance(host, str) else ""
    name = text.strip().lower().partition(":")[0].removesuffix(".")
    return name if len(name) <= 253 and _HOST.fullmatch(name) else ""


def find_school_by_host(host: object) -> School | None:
    """The school behind this Host header, whatever its status, or None. Never raises on odd hosts.

    The School is shared by the requests of this process: do not change it.
    """
    name = normalise_host(host)
    if not name:
        return None
    _refresh()
    remembered = _map.schools
    if name in remembered:
        return remembered[name]
    return _load(name)


def _load(name: str) -> School | None:
    generation = _map.generation
    with in_public():
        school = School.objects.filter(domains__domain=name).first()
    with _map.lock:
        # A change that came in while we read makes our answer too old to be remembered.
        if generation == _map.generation and len(_map.schools) < MAX_HOSTS:
            _map.schools[name] = school
    return school


def _refresh() -> None:
    now = time.monotonic()
    if now >= _map.expires:
        _map.empty(now)
    if now >= _map.checked + VERSION_LIFE:
        _map.checked = now
        version = _shared_version()
        if version != _map.version:
            _map.empty(now)
            _map.version = version


def _shared_version() -> str:
    try:
        with in_public():
            return str(cache.get(VERSION_KEY, ""))
    except Exception:  # the map's short life is the guarantee; a cache that is down must not
        return _map.version  # take every school down with it


def forget_hosts() -> None:
    """Make a change of schools or domains show: here at once, elsewhere after about a second.

    Call it inside the transaction of the change; it does its work again when that commits.
    """
    _map.empty(time.monotonic())
    transaction.on_commit(_announce, robust=True)


def _announce() -> None:
    _map.empty(time.monotonic())
    with in_public():
        cache.set(VERSION_KEY, uuid4().hex, timeout=None)
