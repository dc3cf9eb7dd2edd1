"""From a host name to its school, for every request, or from its schema: an in-process map.

Before each look the process listens whether any school changed (apps/tenants/bells.py), and
forgets everything if one did: a change shows in the next request after its commit, in every
process. HOST_LIFE is the net below it, for a machine that cannot be reached by either bell.
"""

from __future__ import annotations

import re
import threading
import time
from dataclasses import dataclass, field

from django.db import transaction

from apps.tenants.bells import CounterBell, PostgresBell
from apps.tenants.models import School
from kernel.schools import in_public

HOST_LIFE = 30.0
# Hosts are chosen by whoever sends the request: the map must not grow with them.
MAX_HOSTS = 20_000
_HOST = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*")


@dataclass
class _HostMap:
    """What this process remembers. `expires` is a time.monotonic() second."""

    schools: dict[str, School | None] = field(default_factory=dict)
    expires: float = 0.0
    generation: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def empty(self, now: float) -> None:
        with self.lock:
            self.schools = {}
            self.expires = now + HOST_LIFE
            self.generation += 1


_map = _HostMap()
_counter, _postgres = CounterBell(), PostgresBell()
# The bells are read by one thread at a time (the development server has several).
_listening = threading.Lock()


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
    # A domain with an open challenge is not known to be the school's own yet.
    return _find(name, domains__domain=name, domains__challenge="") if name else None


def find_school_by_schema(schema_name: str) -> School | None:
    """The same by the name of its schema, which is no host's: none has an underscore."""
    return _find(schema_name, schema_name=schema_name)


def _find(name: str, **known_by: str) -> School | None:
    _listen()
    remembered = _map.schools
    if name in remembered:
        return remembered[name]
    return _load(name, known_by)


def _load(name: str, known_by: dict[str, str]) -> School | None:
    generation = _map.generation
    with in_public():
        school = School.objects.filter(**known_by).first()
    with _map.lock:
        # A change that came in while we read makes our answer too old to be remembered.
        # Names where nothing is take half of the room at most: schools always find a place.
        room = MAX_HOSTS // (1 if school else 2)
        if generation == _map.generation and len(_map.schools) < room:
            _map.schools[name] = school
    return school


def _listen() -> None:
    now = time.monotonic()
    with _listening:
        # Both are read, always: a bell that is not read goes on ringing.
        changed = [_counter.has_rung(), _postgres.has_rung()]
    if any(changed) or now >= _map.expires:
        _map.empty(now)


def forget_hosts() -> None:
    """Make a change of schools or domains show, in this process inside the transaction already.

    Call it inside the transaction of the change; when that commits, all processes of this machine
    know at once, and those of others by the database's own word.
    """
    _map.empty(time.monotonic())
    transaction.on_commit(_announce, robust=True)


def _announce() -> None:
    _map.empty(time.monotonic())
    with _listening:
        _counter.ring()
