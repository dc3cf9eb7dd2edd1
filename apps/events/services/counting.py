"""How every outbox stands, for the operator console, without asking every school on each view.

Dead letters and receipts lie in the schools, and only a school may read its own. So each school
counts itself every ten minutes and leaves the numbers in the cache, where one call reads those of
all. Each minute it is the turn of a tenth of the schools: wake-ups do not queue up behind the
messages of all of them. What is lost with the cache is back within ten minutes.

Other apps have figures of theirs counted along (`count_also`): how many of something wait for a
person, over all schools.
"""

from collections import Counter
from collections.abc import Callable, Iterable

from django.core.cache import cache

from apps.events.contracts import OutboxCount
from apps.events.selectors.outbox import get_count
from apps.events.selectors.schemas import PUBLIC, opened, schemas_with_outbox, tenant_id_of

TURNS = 10
MINUTE = 60
# Three turns missed: then no count is better than an old one.
KEPT_SECONDS = 3 * TURNS * MINUTE
# Name -> what it says, and how the open school counts it. Filled while the apps are loaded.
_FIGURES: dict[str, tuple[str, Callable[[], int]]] = {}


def count_also(name: str, text: str, figure: Callable[[], int]) -> None:
    """Have `figure` counted in every school; it must be cheap. `text` says what it is."""
    _FIGURES[name] = (text, figure)


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
    figures = {} if schema_name == PUBLIC else _figures(schema_name)
    # Among the platform's keys: there one call finds those of all schools.
    with opened(PUBLIC):
        cache.set(_key(schema_name), counted_now, timeout=KEPT_SECONDS)
        cache.set(_figures_key(schema_name), figures, timeout=KEPT_SECONDS)
    return counted_now


def _figures(schema_name: str) -> dict[str, int]:
    with opened(schema_name):
        return {name: figure() for name, (_text, figure) in _FIGURES.items()}


def summed(schema_names: Iterable[str]) -> dict[str, tuple[str, int]]:
    """Name -> what it says, and the sum of the last counts of these schools."""
    with opened(PUBLIC):
        found = cache.get_many([_figures_key(name) for name in schema_names])
    total: Counter[str] = Counter()
    for figures in found.values():
        total.update(figures)
    return {name: (text, total[name]) for name, (text, _figure) in _FIGURES.items()}


def counted(schema_names: Iterable[str]) -> dict[str, OutboxCount]:
    """The last counts, by schema; without those that have not been counted for half an hour."""
    keys = {_key(name): name for name in schema_names}
    with opened(PUBLIC):
        found = cache.get_many(keys)
    return {keys[key]: value for key, value in found.items() if isinstance(value, OutboxCount)}


def _figures_key(schema_name: str) -> str:
    return f"events:figures:1:{schema_name}"


def _key(schema_name: str) -> str:
    # The number goes up when OutboxCount changes: one release must not read the other's.
    return f"events:counted:1:{schema_name}"
