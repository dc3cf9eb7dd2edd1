"""A replay from its beginning, or from where it stood, to its end."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from multiprocessing import get_context
from threading import Thread

from django.utils.translation import gettext as _

from apps.events.services.projections import Projection, find_projection
from apps.events.services.replay import comparing, ground
from apps.events.services.replay.comparing import Difference
from apps.events.services.replay.folding import fold_share
from apps.events.services.replay.ground import Choice, Ground, Session, Share
from kernel.errors import Conflict
from kernel.owner import owner_lock
from kernel.schools import connection

Progress = Callable[[int, int, str], None]
_LOOK = 0.2  # seconds between two looks at how far the shares are


@dataclass(slots=True)
class Replayed:
    """What came out. `resumed`: part of it had been done by a run that did not end."""

    projection: str
    events: int = 0
    seconds: float = 0.0
    resumed: bool = False
    differences: list[Difference] = field(default_factory=list)
    put_right: int = 0

    @property
    def left(self) -> int:
        """Differences that are still there."""
        return len(self.differences) - self.put_right


def replay(
    *,
    school: str,
    projection: str,
    choice: Choice,
    dry_run: bool,
    workers: int,
    restart: bool = False,
    progress: Progress,
) -> Replayed:
    """Work the projection's tables out anew from the events of one school, given by its schema's
    name, compare, and put the tables right unless it is a `dry_run`.

    Nothing is published, so nobody is written to and no gateway is called. Raises NotFound for an
    unknown projection, Conflict while another replay of the school is under way or was left
    unfinished, and Unavailable without DATABASE_OWNER_URL.
    """
    found, place = find_projection(projection), Ground(school)
    started = time.perf_counter()
    with _alone(school) as session:
        result = Replayed(projection, resumed=_begin(session, place, found, choice, restart))
        _fold(session, place, found, choice, workers, progress)
        result.events = ground.progress(session, place)[1]
        progress(0, 0, _("comparing"))
        _compare(session, place, found, choice, dry_run, result)
        ground.clear(session, place)
    result.seconds = round(time.perf_counter() - started, 3)
    return result


@contextmanager
def _alone(school: str) -> Iterator[Session]:
    """The owner's session, if nobody else replays in this school; until it closes."""
    with owner_lock(f"events.replay:{school}") as session:
        if session is None:
            raise Conflict(_("A replay of this school is under way."), code="replay_under_way")
        yield session


def _begin(
    session: Session, place: Ground, projection: Projection, choice: Choice, restart: bool
) -> bool:
    """Make the ground ready; True when it was, and part of the work is done."""
    if restart:
        ground.clear(session, place)
    if not ground.exists(session, place):
        with session.transaction():
            ground.prepare(session, place, projection, choice)
        return False
    if not ground.is_same(session, place, projection, choice):
        message = _("Another replay was not finished. Give its options to go on, or --restart.")
        raise Conflict(message, code="replay_unfinished")
    return True


def _fold(
    session: Session,
    place: Ground,
    projection: Projection,
    choice: Choice,
    workers: int,
    progress: Progress,
) -> None:
    left = ground.shares(session, place)
    if workers < 2 or len(left) < 2:
        for share in left:
            progress(*ground.progress(session, place), projection.name)
            fold_share(place.school, projection, share, everything=choice.is_everything)
        return
    # Forked: beginning anew, each would take two seconds to load what is here already.
    with ProcessPoolExecutor(workers, get_context("fork"), _settle_in, (os.getpid(),)) as pool:
        work = partial(_fold_elsewhere, place.school, projection.name, choice.is_everything)
        futures = [pool.submit(work, share) for share in left]
        _watch(futures, lambda: progress(*ground.progress(session, place), projection.name))


def _watch(futures: Sequence[Future[None]], report: Callable[[], None]) -> None:
    try:
        while not all(future.done() for future in futures):
            report()
            time.sleep(_LOOK)
        for future in futures:
            future.result()
    except BaseException:
        for future in futures:
            future.cancel()
        raise


def _settle_in(parent: int) -> None:
    """In a forked process. The parent's connection stays the parent's: psycopg closes none that
    another process has opened."""
    connection.connection = None
    connection.search_path_set_schemas = None
    Thread(target=_die_with, args=(parent,), daemon=True).start()


def _die_with(parent: int) -> None:
    """Of a parent that was killed the forked process has the sockets still: with them the lock
    would stay taken, and nobody would give it work any more."""
    while os.getppid() == parent:
        time.sleep(_LOOK)
    os._exit(1)


def _fold_elsewhere(school: str, name: str, everything: bool, share: Share) -> None:
    fold_share(school, find_projection(name), share, everything=everything)


def _compare(
    session: Session,
    place: Ground,
    projection: Projection,
    choice: Choice,
    dry_run: bool,
    result: Replayed,
) -> None:
    streams = comparing.suspects(session, place, projection, everything=choice.is_everything)
    look = comparing.look_again if dry_run else comparing.put_right
    for difference in look(session, place, projection, streams):
        result.differences.append(difference)
        result.put_right += difference.can_be_put_right and not dry_run
