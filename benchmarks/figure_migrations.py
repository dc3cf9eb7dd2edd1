"""One migration in every school, and a run that finds nothing to do.

The migration adds two columns and an index and alters a column. Peer: stock migrate_schemas in
this process (its standard executor), measured over 40 of the schools and extrapolated to all.
"""

from __future__ import annotations

import importlib
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.db import connection
from django.test import override_settings
from django_tenants.migration_executors.standard import StandardExecutor

from apps.tenants.models import School
from apps.tenants.services.schemas.migrating import migrate_schools
from apps.website import migrations as real
from benchmarks.harness import Result, judge, seconds
from benchmarks.schools import many_schools
from kernel.owner import owning
from kernel.schools import in_public

STOCK_SCHOOLS, ROUNDS = 40, 3
OPTIONS = {"database": "default", "verbosity": 0, "interactive": False, "run_syncdb": False}
OPTIONS |= {"fake": False, "fake_initial": False, "plan": False, "check_unapplied": False}
OPTIONS |= {
    "force_color": False,
    "no_color": True,
    "prune": False,
    "app_label": None,
    "migration_name": None,
    "skip_checks": True,
}
MIGRATION = """
from django.db import migrations, models

class Migration(migrations.Migration):
    dependencies = [("website", "{after}")]
    operations = [
        migrations.AddField("newspost", "bench_{n}", models.IntegerField(null=True)),
        migrations.AddField("newspost", "note_{n}", models.TextField(db_default="", default="")),
        migrations.AddIndex("newspost", models.Index(fields=["bench_{n}"], name="bench_{n}")),
        migrations.AlterField("newspost", "title", models.CharField(max_length={length})),
    ]
"""


class Planted:
    """Migrations of website that exist only here."""

    def __init__(self, folder: Path) -> None:
        self.package = folder / "website_of_bench"
        self.package.mkdir()
        (self.package / "__init__.py").write_text(f"__path__.append({real.__path__[0]!r})\n")
        self.last = max(path.stem for path in Path(real.__path__[0]).glob("0*.py"))
        self.count = 0

    def one_more(self) -> None:
        self.count += 1
        name = f"9{self.count:03d}_bench"
        text = MIGRATION.format(after=self.last, n=self.count, length=150 + self.count)
        (self.package / f"{name}.py").write_text(text)
        self.last = name
        importlib.invalidate_caches()


@contextmanager
def planting() -> Iterator[Planted]:
    with tempfile.TemporaryDirectory() as folder:
        planted = Planted(Path(folder))
        sys.path.insert(0, folder)
        try:
            with override_settings(MIGRATION_MODULES={"website": planted.package.name}):
                yield planted
        finally:
            sys.path.remove(folder)


def ours() -> float:
    """Seconds for all schools."""
    connection.set_schema_to_public()

    def run() -> None:
        report = migrate_schools(actor="bench")
        if not report.ok:
            raise RuntimeError(report.failures[0].reason)

    return seconds(run)


def stock(count: int) -> float:
    """Seconds for all schools, extrapolated from some."""
    with in_public():
        schools = School.objects.order_by("-id")[:STOCK_SCHOOLS]
        names = list(schools.values_list("schema_name", flat=True))
    with owning():
        executor = StandardExecutor((), dict(OPTIONS))
        return seconds(lambda: executor.run_migrations(tenants=list(names))) / len(names) * count


def measure() -> list[Result]:
    migrated: tuple[list[float], list[float]] = [], []
    idle: tuple[list[float], list[float]] = [], []
    with many_schools() as count, planting() as planted:
        ours()
        for _round in range(ROUNDS):
            planted.one_more()
            migrated[0].append(ours())
            idle[0].append(ours())
            planted.one_more()
            migrated[1].append(stock(count))
            idle[1].append(stock(count))
            ours()  # the schools that stock left out
    peer = f"stock migrate_schemas, extrapolated from {STOCK_SCHOOLS}"
    return [
        judge(
            f"one migration in {count:,} schools",
            ours=migrated[0],
            peer=migrated[1],
            peer_name=peer,
            unit="s",
            goal=100,
        ),
        judge(
            f"nothing to migrate in {count:,} schools",
            ours=idle[0],
            peer=idle[1],
            peer_name=peer,
            unit="s",
            goal=300,
        ),
    ]
