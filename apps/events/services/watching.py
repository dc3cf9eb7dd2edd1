"""Beat's own look for work: the guarantee, which must not travel by the broker it makes up for.

It wakes workers for what no ring brought to one, and calls an attendant where there is none. While
the broker is away whoever looks also does the work, slower than workers would, but at once.
"""

import threading
from contextlib import suppress

import structlog
from django.db import close_old_connections, connection

from apps.events.selectors.schemas import schema_name_of
from apps.events.services import attending, sweeping
from apps.events.services.draining import take_turn
from apps.events.services.options import options
from apps.events.services.wakeup import breaker

log = structlog.get_logger(__name__)


def watch(stop: threading.Event) -> None:
    """Look every `look_every` seconds until told to stop. For a thread of its own; never raises."""
    while not stop.wait(options().look_every):
        try:
            close_old_connections()
            look()
        except Exception:
            # The database is away, say. It is asked again in a moment, on another connection.
            log.exception("outbox.look_failed")
            with suppress(Exception):
                connection.close()


def look() -> int:
    """Wake a worker for every lane with due work. When the broker does not answer, drain them
    here. Returns how many lanes that were."""
    attending.call()
    if not breaker.is_open:
        sweeping.sweep()
    return _stand_in() if breaker.is_open else 0


def _stand_in() -> int:
    lanes = sweeping.lanes_to_drain()
    for tenant_id, lane in lanes:
        # A short turn: the schools behind this one have no worker either.
        take_turn(schema_name_of(tenant_id), lane, budget=options().stand_in_budget)
    return len(lanes)
