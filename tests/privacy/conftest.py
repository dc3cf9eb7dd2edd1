"""A family with rows in every app, and how to ask for its people."""

from __future__ import annotations

from typing import Any

import pytest

from apps.fees.services import links
from apps.fees.tests import factories as make
from apps.identity import facade as identity
from apps.students.models import Guardian
from apps.students.services import students as student_services

EMAIL = "maria@example.org"
PASSWORD = "correct horse battery"


@pytest.fixture
def maria(school: Any, drain: Any) -> make.Family:
    """Maria Lopez with an account and a link, one child who has left, a bill and its payment."""
    room = make.make_class()
    family = make.make_family(room, name="Maria Lopez", email=EMAIL, phone="555 0101")
    user = identity.create_user(
        email=EMAIL, name="Maria Lopez", password=PASSWORD, roles=["guardian"]
    )
    Guardian.objects.filter(pk=family.guardian.pk).update(user_id=user.id)
    make.bill(room)
    drain()
    links.family_link_path(guardian_id=family.guardian.pk)
    invoice = make.owed(family.child)[0]
    make.pay(family, [(invoice.id, invoice.balance_minor)])
    drain()
    student_services.withdraw_student(student_id=family.child.pk, actor="office@example.org")
    drain()
    return family


@pytest.fixture
def person_of() -> Any:
    """person_of(guardian=…), person_of(student=…), person_of(email=…): the one person meant."""
    from apps.tenants.facade import privacy

    def find(**which: Any) -> privacy.Person:
        return privacy.find_person(
            privacy.PersonQuery(**{key: str(value) for key, value in which.items()})
        )

    return find


@pytest.fixture
def where_is(school: Any) -> Any:
    """where_is("maria"): the tables of the open school that hold the text in any column, with how
    many rows of each."""
    from django.db import connection

    def look(text: str) -> dict[str, int]:
        found = {}
        with connection.cursor() as cursor:
            for table in sorted(connection.introspection.table_names()):
                cursor.execute(
                    f'SELECT count(*) FROM "{table}" AS whole WHERE whole::text ILIKE %s',
                    [f"%{text}%"],
                )
                if count := cursor.fetchone()[0]:
                    found[table] = count
        return found

    return look
