"""Killing provisioning and migrating at every step, by SIGKILL, and looking at what is left."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from django.apps import apps

from apps.tenants import facade as tenants
from apps.tenants.models import Domain, OperatorAction, School, SpareSchool
from apps.tenants.services import provision, steps
from apps.tenants.services.schemas import crew, spares, template
from apps.tenants.services.schemas.cleaning import clean_half_made
from apps.tenants.services.schemas.migrating import migrate_schools
from apps.tenants.services.schemas.versions import current_version
from apps.tenants.tests.schemas.conftest import WriteMigration
from apps.tenants.tests.schemas.killing import die, dying_after, killed
from kernel.schools import in_school

Owner = psycopg.Connection[Any]
Arrange = Callable[[pytest.MonkeyPatch], None]
STEPS = len(steps._registered)
PLAIN = len(steps.steps_in_order(after_opening=False))

pytestmark = pytest.mark.django_db(transaction=True)


def after(module: Any, name: str) -> Arrange:
    return lambda patch: patch.setattr(module, name, dying_after(getattr(module, name)))


def before(module: Any, name: str) -> Arrange:
    return lambda patch: patch.setattr(module, name, die)


def after_step(number: int, *, after_opening: bool) -> Arrange:
    """After the work of the app's step with that number."""

    def arrange(patch: pytest.MonkeyPatch) -> None:
        chosen = steps.steps_in_order(after_opening=after_opening)[number]
        dying = steps.Step(chosen.title, dying_after(chosen.run), after_opening)
        known = [dying if step is chosen else step for step in steps._registered]
        patch.setattr(steps, "_registered", known)

    return arrange


# Before the commit that makes the school; then after it.
NOTHING: dict[str, Arrange] = {
    "the schema is made": before(spares, "make_school_role"),
    "the role is made": after(spares, "make_school_role"),
    "the tables are made": after(spares, "fill"),
    "the spare is in stock": after(spares, "make_spare"),
    "the lock is taken": after(provision, "_alone"),
    "the spare is claimed": after(spares, "claim_spare"),
    "the school is written": after(provision, "_claim"),
    **{f"step {n} ran": after_step(n, after_opening=False) for n in range(PLAIN)},
    "the school is active": after(provision, "_activate"),
}
FINISHED: dict[str, Arrange] = {
    "the school is committed": before(provision, "_follow_up"),
    **{f"late step {n} ran": after_step(n, after_opening=True) for n in range(STEPS - PLAIN)},
}


def order(slug: str) -> dict[str, str]:
    return {"name": f"School {slug}", "slug": slug, "admin_email": f"head@{slug}.example"}


def assert_nothing_hangs_about(owner: Owner) -> None:
    """Each schema is a school or a spare and has its role; each domain leads to a school."""
    query = "SELECT nspname FROM pg_namespace WHERE nspname ~ '^t_[0-9]+$'"
    schemas = {row[0] for row in owner.execute(query).fetchall()}
    schools = set(School.objects.values_list("schema_name", flat=True))
    stock = {f"t_{spare:06d}" for spare in SpareSchool.objects.values_list("id", flat=True)}
    assert schemas == schools | stock
    assert not schools & stock
    roles = {row[0] for row in owner.execute("SELECT rolname FROM pg_roles").fetchall()}
    assert schemas <= roles
    assert set(Domain.objects.values_list("tenant_id", flat=True)) == set(
        School.objects.values_list("id", flat=True)
    )
    assert not School.objects.exclude(status="active").exists()
    assert set(SpareSchool.objects.values_list("schema_version", flat=True)) <= {current_version()}


def invitations(schema_name: str) -> int:
    with in_school(schema_name):
        return apps.get_model("identity", "Invitation").objects.count()


def test_provisioning_killed_at_any_step_leaves_nothing_or_a_finished_school(owner: Owner) -> None:
    spares.drop_all()
    for number, (point, arrange) in enumerate((NOTHING | FINISHED).items()):
        slug = f"killed-{number}"

        # when the process is killed there
        assert killed(lambda s=slug: tenants.provision_school(**order(s)), arrange), point

        # then at once, before anybody cleans up, there is nothing or all of it
        assert School.objects.filter(slug=slug).exists() == (point in FINISHED), point
        assert_nothing_hangs_about(owner)
        assert clean_half_made(age=timedelta(0)) == 0, point

        # and the next run ends with a finished school, with one invitation
        done = tenants.provision_school(**order(slug))
        assert done.already == (point in FINISHED), point
        assert invitations(done.school.schema_name) == 1, point
        assert OperatorAction.objects.filter(school_id=done.school.id).count() == 1, point
        assert_nothing_hangs_about(owner)
        spares.drop_all()


def test_a_migration_run_killed_half_way_is_simply_started_again(
    owner: Owner, shelf: str, versions: Callable[[], dict[str, str]]
) -> None:
    def after_three(patch: pytest.MonkeyPatch) -> None:
        done: list[int] = []

        def travel(session: Any, school_id: int, passage: Any, real: Any = crew.travel) -> None:
            if len(done) == 3:
                die()
            real(session, school_id, passage)
            done.append(school_id)

        patch.setattr(crew, "travel", travel)

    assert killed(lambda: migrate_schools(actor="test", workers=1), after_three)
    assert sum(version == current_version() for version in versions().values()) == 3

    report = migrate_schools(actor="test")

    assert (report.ok, report.migrated) == (True, 3)
    assert set(versions().values()) == {current_version()}


@pytest.mark.parametrize("point", ["_keep", "_store", "_record_squashes"])
def test_a_recording_killed_at_any_step_is_gone_on_with(
    owner: Owner, shelf: str, write_migration: WriteMigration, point: str
) -> None:
    # given one migration in a transaction and one outside, where row and script can fall apart
    write_migration(
        "9002_index",
        'AddIndexConcurrently("shelf", models.Index(fields=["label"], name="shelf_label")),',
        after=shelf,
        atomic=False,
    )
    arrange = before(template, point)
    assert killed(lambda: migrate_schools(actor="test"), arrange)

    report = migrate_schools(actor="test")

    assert report.ok
    assert migrate_schools(actor="test").migrated == 0
    assert_nothing_hangs_about(owner)


def test_what_older_releases_left_half_made_is_cleaned_up(owner: Owner) -> None:
    # given a school in the making that nobody makes, a schema without a school, and a spare that
    # was never finished
    owner.execute("UPDATE public.tenants_school SET status = 'provisioning' WHERE id = 2")
    owner.execute("CREATE SCHEMA t_000900")
    owner.execute("CREATE TABLE t_000900.rest (id int)")
    owner.execute("UPDATE public.tenants_spareschool SET schema_version = '' WHERE id = 101")

    # when its time has not come, nothing happens to it
    assert clean_half_made() == 0
    assert School.objects.filter(pk=2).exists()

    assert clean_half_made(age=timedelta(0)) == 4

    assert not School.objects.filter(pk=2).exists()
    assert_nothing_hangs_about(owner)
    query = "SELECT 1 FROM pg_namespace WHERE nspname IN ('t_000900', 't_000002', 't_000101')"
    assert owner.execute(query).fetchone() is None


def test_a_school_that_somebody_is_making_is_left_alone(owner: Owner) -> None:
    owner.execute("UPDATE public.tenants_school SET status = 'provisioning' WHERE id = 2")
    key = provision.lock_name("sanmartin")
    owner.execute("SELECT pg_advisory_lock(hashtextextended(%s, 0))", [key])

    assert clean_half_made(age=timedelta(0)) == 0
    assert School.objects.filter(pk=2).exists()
