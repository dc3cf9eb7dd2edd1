"""A real backup, taken before somebody was erased, does not bring them back."""

from __future__ import annotations

from apps.students.models import Guardian
from apps.students.tests.factories import GuardianFactory
from apps.tenants.facade import privacy
from apps.tenants.services.backup.restoring import restore_in_place, undo_restore
from kernel.schools import in_school
from tests.backups.conftest import back_up, shelf  # noqa: F401 - fixtures


def test_a_restored_school_forgets_again(committed_school, back_up, person_of):  # noqa: F811
    schema = committed_school.schema_name
    kept = GuardianFactory(name="Juan Ruiz", email="juan@example.org")
    guardian = GuardianFactory(name="Passing By", email="by@example.org")
    backup = back_up()
    with in_school(schema):
        person = person_of(guardian=guardian.pk)
        privacy.erase_person(person, actor="admin@example.org", reason="asked")

    restore_in_place(source=backup, school_id=committed_school.id, actor="operator")

    with in_school(schema):
        assert [row.pk for row in Guardian.objects.filter(name="Juan Ruiz")] == [kept.pk]
        assert not Guardian.objects.filter(email="by@example.org").exists()
        assert not Guardian.objects.filter(name="Passing By").exists()


def test_undoing_a_restore_forgets_again(committed_school, back_up, person_of):  # noqa: F811
    schema = committed_school.schema_name
    GuardianFactory(name="Juan Ruiz", email="juan@example.org")
    guardian = GuardianFactory(name="Passing By", email="by@example.org")
    restore_in_place(source=back_up(), school_id=committed_school.id, actor="operator")
    with in_school(schema):
        person = person_of(guardian=guardian.pk)
        privacy.erase_person(person, actor="admin@example.org", reason="asked")

    undo_restore(school_id=committed_school.id, actor="operator")

    with in_school(schema):
        assert Guardian.objects.filter(name="Juan Ruiz").exists()
        assert not Guardian.objects.filter(email="by@example.org").exists()
