"""How every outbox stands, for the operator console, without asking every school on each view.

Dead letters and receipts lie in the schools, and only a school may read its own. So each school
counts itself every ten minutes and leaves the numbers in the cache, where one call reads those of
all. Each minute it is the turn of a tenth of the schools: wake-ups do not queue up behind the
messages of all of them. What is lost with the cache is back within ten minutes.
"""

from collections.abc import Iterable

from django.core.cache import cache

from apps.events.contracts import OutboxCount
from apps.events.selectors.outbox import get_count
from apps.events.selectors.schemas import PUBLIC, opened, schemas_with_outbox, tenant_id_of

TURNS = 10
MINUTE = 60
# Three turns missed: then no count is better than an old one.
KEPT_SECONDS = 3 * TURNS * MINUTE


def whose_turn(now: float) -> list[str]:
    """The schemas that count themselves in the minute of `now` (seconds since the epoch)."""
    turn = int(now // MINUTE) % TURNS
    return [name for name in schemas_with_outbox() if tenant_id_of(name) % TURNS == turn]


def look(schema_name: str) -> OutboxCount:
    """One outbox as it stands now."""
    with opened(schema_name):
        return get_count()


def count(schema_name: str) -> OutboxCount:
    """Look at one outbox, and remember the numbers for `counted`."""
    counted_now = look(schema_name)
    # Among the platform's keys: there one call finds those of all schools.
    with opened(PUBLIC):
        cache.set(_key(schema_name), counted_now, timeout=KEPT_SECONDS)
    return counted_now


def counted(schema_names: Iterable[str]) -> dict[str, OutboxCount]:
    """The last counts, by schema; without those that have not been counted for half an hour."""
    keys = {_key(name): name for name in schema_names}
    with opened(PUBLIC):
        found = cache.get_many(keys)
    return {keys[key]: value for key, value in found.items() if isinstance(value, OutboxCount)}


def _key(schema_name: str) -> str:
    # The number goes up when OutboxCount changes: one release must not read the other's.
    return f"events:counted:1:{schema_name}"
