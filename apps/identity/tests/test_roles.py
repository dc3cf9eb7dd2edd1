"""Roles, permissions and the collection of GRANTS."""

import pytest
from django.db import IntegrityError, connection, transaction

from apps.identity import roles
from apps.identity.apps import collect_grants
from apps.identity.hashers import Argon2Hasher
from apps.identity.models import User
from apps.identity.permissions import MANAGE_PEOPLE
from apps.identity.tests.factories import UserFactory
from kernel.access import Anonymous


@pytest.fixture
def _grants_put_back():
    yield
    roles.learn_grants(collect_grants())


def test_the_grants_of_every_app_are_collected_at_start():
    collected = collect_grants()

    assert collected["identity"][MANAGE_PEOPLE] == ("admin",)
    assert roles.may(["admin"], MANAGE_PEOPLE)
    assert not roles.may(["bursar", "office", "teacher", "guardian", "operator"], MANAGE_PEOPLE)


@pytest.mark.usefixtures("_grants_put_back")
def test_an_unknown_role_in_grants_fails_the_start_and_names_the_culprit():
    with pytest.raises(roles.UnknownRole, match=r"fees: fees.post .*'burser'"):
        roles.learn_grants({"fees": {"fees.post": ("admin", "burser")}})


@pytest.mark.usefixtures("_grants_put_back")
def test_a_string_instead_of_a_tuple_of_roles_fails_the_start():
    with pytest.raises(roles.UnknownRole, match="write a tuple"):
        roles.learn_grants({"fees": {"fees.post": "admin"}})


@pytest.mark.usefixtures("_grants_put_back")
def test_what_a_person_may_do_is_the_union_of_their_roles(school):
    roles.learn_grants({"a": {"a.one": ("bursar",), "a.two": ("office",), "a.three": ("admin",)}})
    user = UserFactory(roles=["bursar", "office"])

    assert [user.can(c) for c in ("a.one", "a.two", "a.three")] == [True, True, False]
    assert roles.codenames_of(user.roles) == {"a.one", "a.two"}


def test_a_deactivated_account_and_nobody_may_do_nothing(school):
    closed = UserFactory(roles=["admin"], is_active=False)

    assert closed.can(MANAGE_PEOPLE) is False
    assert Anonymous().can(MANAGE_PEOPLE) is False


def test_roles_cost_no_query_of_their_own(school, django_assert_num_queries):
    UserFactory(roles=["bursar", "office"])

    with django_assert_num_queries(1):
        user = User.objects.with_roles().get()
        assert user.roles == {"bursar", "office"}


def test_an_address_is_unique_whatever_its_case(school):
    UserFactory(email="ana@example.org")

    with pytest.raises(IntegrityError), transaction.atomic():
        UserFactory(email="ana@example.org")
    with pytest.raises(IntegrityError), transaction.atomic():
        UserFactory(email="Ana@Example.org")


def test_the_database_refuses_a_role_nobody_knows(school):
    with pytest.raises(IntegrityError), transaction.atomic():
        UserFactory(roles=["janitor"])


def test_passwords_are_argon2id_with_19_mib_two_passes_one_lane():
    encoded = Argon2Hasher().encode("correct horse battery", "somesaltsomesalt")

    assert encoded.startswith("argon2$argon2id$v=19$m=19456,t=2,p=1$")
    assert Argon2Hasher().verify("correct horse battery", encoded)
    assert not Argon2Hasher().verify("wrong", encoded)


def test_accounts_stand_on_no_table_of_django_auth(school):
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE tablename LIKE 'auth%%'")
        assert cursor.fetchall() == []
