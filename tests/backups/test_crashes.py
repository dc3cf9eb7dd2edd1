"""A backup or a restore that is killed leaves nothing half: the process really gets a SIGKILL."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from apps.tenants.models import Backup, School, SideSchema
from apps.tenants.services.backup import candidates, retention
from apps.tenants.services.backup import shelf as shelves
from apps.tenants.services.backup.restoring import restore_in_place
from apps.tenants.services.backup.schedule import backup_health
from apps.tenants.services.backup.sources import Source, find_source
from apps.tenants.services.backup.take import take_backup
from apps.tenants.tests.schemas.killing import die, killed
from kernel.errors import Unavailable
from kernel.schools import in_public
from tests.backups.conftest import all_counts, schemas

pytestmark = pytest.mark.django_db(transaction=True)
TAKE, CANDIDATES = "apps.tenants.services.backup.take", "apps.tenants.services.backup.candidates"
RESTORING = "apps.tenants.services.backup.restoring"
LOADING, LOADERS = "apps.tenants.services.backup.loading", "apps.tenants.services.backup.loaders"
SWAPPING = "apps.tenants.services.backup.swapping"


def kill_at(module: str, name: str, work: Callable[[], Any]) -> None:
    """Do the work in a process of its own and kill it where it comes to module.name."""
    assert killed(work, lambda patch: patch.setattr(f"{module}.{name}", die)), "not killed"


def take() -> None:
    take_backup(school_id=1, actor="x")


def restore(source: Source) -> None:
    restore_in_place(source=find_source(source.name), school_id=1, actor="x")


@pytest.mark.parametrize("place", ["_write_table", "_write_files", "positions_of"])
def test_a_killed_backup_leaves_nothing_that_looks_like_one(
    place: str, committed_school: School, back_up: Callable[[], Source], shelf: Path
) -> None:
    kill_at(TAKE, place, take)
    assert list(shelves.keys()) == []
    # The next one is not in its way, and the killed one is told as failed in time.
    good = back_up()
    assert list(shelves.keys()) == [good.name]
    with in_public():
        Backup.objects.filter(state="running").update(started_at="2026-01-01T00:00Z")
    retention.prune_backups()
    with in_public():
        assert [row.key for row in Backup.objects.all() if row.is_good] == [good.name]
        assert not Backup.objects.filter(state="running").exists()
    assert not list(shelf.rglob("*.part"))


@pytest.mark.parametrize(
    "place",
    [
        (CANDIDATES, "build"),
        (CANDIDATES, "load"),
        (LOADERS, "_copy_in"),
        (LOADING, "_compare"),
        (CANDIDATES, "_check_books"),
        (CANDIDATES, "run_hooks"),
        (RESTORING, "_swap_in"),
        (SWAPPING, "grant_existing"),
        (SWAPPING, "_note"),
    ],
    ids=lambda place: place[1],
)
def test_a_killed_restore_changes_nothing(
    place: tuple[str, str], committed_school: School, back_up: Callable[[], Source]
) -> None:
    # Given a restore that is killed at this place
    source = back_up()
    before, rows = schemas(), all_counts()
    kill_at(*place, lambda: restore(source))
    # Then the school is what it was, and the next tidying leaves no trace
    assert all_counts() == rows
    candidates.remove_abandoned()
    assert schemas() == before
    with in_public():
        assert not SideSchema.objects.exists()
    # and the restore can be done again at once.
    restore(source)


def test_a_restore_killed_after_the_change_is_done(
    committed_school: School, back_up: Callable[[], Source]
) -> None:
    source = back_up()
    kill_at(RESTORING, "_done", lambda: restore(source))
    candidates.remove_abandoned()
    with in_public():
        assert SideSchema.objects.filter(purpose="kept", school_id=1).count() == 1
    assert all_counts()["django_migrations"] > 10


def test_a_candidate_in_the_making_is_left_alone(committed_school: School, shelf: Path) -> None:
    from apps.tenants.services.backup.locks import lock_name
    from kernel.owner import owner_lock

    with in_public():
        SideSchema.objects.create(
            schema_name="t_000777", purpose="candidate", drop_after="2026-01-01T00:00Z"
        )
    with owner_lock(lock_name("t_000777")):
        assert candidates.remove_abandoned() == 0
    assert candidates.remove_abandoned() == 1


class FullDisk:
    """A file on a disk that has room for one more kilobyte."""

    def __init__(self, file: Any) -> None:
        self.file, self.left = file, 1024

    def write(self, data: bytes) -> int:
        self.left -= len(data)
        if self.left < 0:
            raise OSError(28, "No space left on device")
        return int(self.file.write(data))

    def __getattr__(self, name: str) -> Any:
        return getattr(self.file, name)

    def __enter__(self) -> FullDisk:
        return self

    def __exit__(self, *details: Any) -> None:
        self.file.close()


def test_a_full_disk_is_told_and_leaves_nothing(
    committed_school: School, shelf: Path, monkeypatch: pytest.MonkeyPatch, published: Any
) -> None:
    ordinary = open
    monkeypatch.setattr(shelves, "open", lambda *args: FullDisk(ordinary(*args)), raising=False)
    with pytest.raises(Unavailable, match="No space left"):
        take_backup(school_id=1, actor="beat")
    assert not [path for path in shelf.rglob("*") if path.is_file()]
    with in_public():
        row = Backup.objects.get()
        assert (row.state, "No space left" in row.error) == ("failed", True)
        assert [event["reason"] for event in published("tenants.backup_failed")] == [row.error]
    assert backup_health().failed == (1,)
