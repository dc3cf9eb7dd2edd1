"""When an erasure is refused, that it is all or nothing, and what remembers it."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from apps.fees.services import links
from apps.fees.tests import factories as make
from apps.identity import facade as identity
from apps.payments.models import Payment
from apps.students.models import Guardian, Guardianship
from apps.students.tests.factories import GuardianFactory
from apps.tenants.facade import privacy
from apps.tenants.models import Erasure
from apps.tenants.services.privacy import registry
from kernel.schools import in_public

REASON = "asked by letter"
ADMIN = "admin@example.org"


def erase(person: Any) -> Any:
    return privacy.erase_person(person, actor=ADMIN, reason=REASON)


def texts(rows: Any) -> str:
    return " | ".join(row.what for row in rows)


def refusals(person: Any) -> str:
    return " ".join(privacy.preview_erasure(person).refusals)


def test_a_family_that_owes_is_refused(school, person_of, drain, where_is):
    room = make.make_class()
    family = make.make_family(room, name="Maria Lopez")
    make.bill(room)
    drain()
    person = person_of(guardian=family.guardian.pk)

    with pytest.raises(privacy.ErasureRefused) as refusal:
        erase(person)

    assert "$450.00 is still owed" in str(refusal.value)
    assert Guardian.objects.filter(pk=family.guardian.pk, name="Maria Lopez").exists()


def test_credit_is_paid_back_first(maria, person_of, drain):
    make.capture(maria.guardian, 2500)
    drain()

    assert "$25.00 of credit" in refusals(person_of(guardian=maria.guardian.pk))


def test_a_payment_under_way_is_waited_for(maria, person_of):
    Payment.objects.update(is_open=True)

    assert "A payment is under way" in refusals(person_of(guardian=maria.guardian.pk))


def test_an_enrolled_student_and_the_only_guardian_are_refused(school, person_of):
    family = make.make_family(make.make_class(), name="Maria Lopez")

    assert "withdraw the student first" in refusals(person_of(student=family.child.pk))
    assert "only guardian" in refusals(person_of(guardian=family.guardian.pk))


def test_a_second_guardian_makes_it_possible(school, person_of):
    family = make.make_family(make.make_class(), name="Maria Lopez")
    father = GuardianFactory(name="Juan Ruiz")
    Guardianship.objects.create(student=family.child, guardian=father, contact_order=2)

    assert refusals(person_of(guardian=family.guardian.pk)) == ""


def test_staff_who_work_here_and_the_last_admin_are_refused(school, person_of):
    admin = identity.create_user(
        email=ADMIN, name="Only Admin", password="correct horse battery", roles=["admin"]
    )

    found = refusals(person_of(user=admin.id))

    assert "deactivate it first" in found
    assert "only administrator" in found


def test_news_on_its_way_is_delivered_first(maria, person_of):
    links.send_link(guardian_id=maria.guardian.pk, actor="office")

    assert "still being delivered" in refusals(person_of(guardian=maria.guardian.pk))


def test_a_reason_is_needed(maria, person_of):
    from kernel.errors import Invalid

    with pytest.raises(Invalid):
        privacy.erase_person(person_of(guardian=maria.guardian.pk), actor=ADMIN, reason=" ")


# All or nothing, and shown first


def test_one_app_that_fails_leaves_everything(maria, person_of, monkeypatch, where_is):
    before = where_is("maria")

    def fail(work: Any) -> None:
        raise RuntimeError("disk full")

    fail.__module__ = "apps.events.privacy"
    monkeypatch.setattr(registry.REGISTRY, "erasers", [*registry.REGISTRY.erasers, fail])
    with pytest.raises(RuntimeError), transaction.atomic():
        erase(person_of(guardian=maria.guardian.pk))

    assert where_is("maria") == before
    with in_public():
        assert not Erasure.objects.exists()


def test_a_preview_says_what_happens_and_changes_nothing(maria, person_of, where_is, published):
    person = person_of(guardian=maria.guardian.pk)
    before = where_is("maria")

    preview = privacy.preview_erasure(person)

    assert where_is("maria") == before
    assert published("students.person_erased") == []
    done = erase(person)
    assert (preview.gone, texts(preview.kept)) == (done.gone, texts(done.kept))


def test_the_erasure_is_remembered_without_a_name_and_told_by_keys(maria, person_of, published):
    person = person_of(guardian=maria.guardian.pk)

    result = erase(person)

    with in_public():
        row = Erasure.objects.get(pk=result.erasure_id)
    whole = json.dumps([row.person_ids, row.fingerprints, row.gone, row.kept]).lower()
    assert "maria" not in whole
    assert row.person_ids == [str(key) for key in person.ids]
    assert (row.actor, row.reason) == (ADMIN, REASON)
    told = published("students.person_erased")
    assert told == [
        {
            "kind": "guardian",
            "student_ids": [],
            "guardian_ids": [str(maria.guardian.pk)],
            "user_ids": [str(key) for key in person.user_ids],
        }
    ]


def test_who_was_erased_is_not_found_again(maria, person_of):
    from kernel.errors import NotFound

    erase(person_of(guardian=maria.guardian.pk))

    with pytest.raises(NotFound, match="erased already"):
        person_of(guardian=maria.guardian.pk)


def test_a_restored_backup_does_not_bring_the_person_back(maria, person_of, where_is):
    taken_at = timezone.now()
    erase(person_of(guardian=maria.guardian.pk))
    Guardian.objects.filter(pk=maria.guardian.pk).update(
        name="Maria Lopez", email="maria@example.org", search_text="maria lopez"
    )

    assert privacy.reapply_erasures(since=taken_at) == 1

    assert where_is("maria@example.org") == {}
    assert privacy.reapply_erasures(since=taken_at) == 0
    assert privacy.reapply_erasures(since=timezone.now() + timedelta(days=1)) == 0


# The trail in the database


@pytest.mark.parametrize(
    "change",
    [
        "action = 'nothing'",
        "at = now()",
        "subject = 'somebody else'",
        "actor = 'erased-123'",
        "detail = '{}'",
        """detail = '{"email": "x"}'""",
    ],
)
def test_the_database_lets_nothing_but_a_pseudonym_into_the_trail(school, change):
    identity.record_audit(actor="a@b.c", action="x.y", subject="S", detail={"email": "a@b.c"})

    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"UPDATE identity_auditentry SET {change}")
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("DELETE FROM identity_auditentry")
