"""Operators, provisioning, demo accounts, the facade, frozen events."""

import io

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from apps.identity import demo, provisioning
from apps.identity import facade as identity
from apps.identity.models import Invitation, RoleAssignment, User
from apps.identity.tests.factories import UserFactory
from apps.tenants.contracts import ProvisioningContext
from kernel.errors import Conflict, NotFound
from kernel.ids import uuid7
from kernel.schools import in_public


def create_operator(monkeypatch, *arguments, password=None):
    out = io.StringIO()
    if password is not None:
        monkeypatch.setattr("sys.stdin", io.StringIO(password + "\n"))
        arguments = (*arguments, "--password-stdin")
    call_command("create_operator", *arguments, stdout=out)
    return out.getvalue()


def test_an_operator_with_a_password_signs_in_on_the_platform(db, monkeypatch):
    said = create_operator(
        monkeypatch, "--email=Ops@example.org", "--name=Olga", password="a fine long phrase"
    )
    client = Client(headers={"host": "testserver"})
    response = client.post(
        "/sign-in/", {"email": "ops@example.org", "password": "a fine long phrase"}
    )

    assert said == "Operator ops@example.org created.\n"
    assert response["Location"] == "/operator/"


def test_an_operator_without_one_gets_a_link_that_works_once(db, monkeypatch):
    said = create_operator(monkeypatch, "--email=ops@example.org", "--name=Olga")
    link = said.splitlines()[-1]
    path = link.removeprefix("http://testserver")
    client = Client(headers={"host": "testserver"})

    assert client.get(path).status_code == 200
    response = client.post(path, {"password": "a fine long phrase", "again": "a fine long phrase"})
    assert response["Location"] == "/operator/"
    assert client.get(path).status_code == 410


@pytest.mark.parametrize(
    ("email", "name", "password", "said"),
    [
        ("nonsense", "Olga", None, "“nonsense” is not an e-mail address."),
        ("ops@example.org", " ", None, "An operator needs a name."),
        ("ops@example.org", "Olga", "short", "too short"),
        ("taken@example.org", "Olga", None, "already has an account"),
    ],
)
def test_a_refused_operator_is_one_clear_line_and_exit_code_2(
    db, monkeypatch, email, name, password, said
):
    with in_public():
        identity.create_user(
            email="taken@example.org", name="T", password="x" * 12, roles=["operator"]
        )

    with pytest.raises(CommandError, match=said) as refused:
        create_operator(monkeypatch, f"--email={email}", f"--name={name}", password=password)

    assert refused.value.returncode == 2
    with in_public():
        assert User.objects.get().email == "taken@example.org"


def test_operators_are_not_made_inside_a_school(school):
    from apps.identity.services import operators

    with pytest.raises(Conflict):
        operators.create_operator(email="ops@example.org", name="Olga", password=None)


def test_a_new_school_s_admin_is_invited(school):
    from apps.tenants import facade as tenants

    context = ProvisioningContext(
        school=tenants.current_school_info(), admin_email="head@lincoln.example", admin_name=""
    )

    provisioning.invite_first_admin(context)

    user = User.objects.get()
    assert (user.email, user.name, user.roles) == ("head@lincoln.example", "head", {"admin"})
    assert Invitation.objects.get().user == user


def test_demo_accounts_are_made_once_and_can_sign_in(school, anonymous):
    emails = demo.create_staff("a fine long phrase")
    assert demo.create_staff("a fine long phrase") == emails
    demo.create_guardian_user("pat@example.org", "Pat Reed", "a fine long phrase")
    again = demo.create_guardian_user("pat@example.org", "Pat Reed", "a fine long phrase")

    assert emails == {
        role: f"{role}@lincoln.example" for role in ("admin", "bursar", "office", "teacher")
    }
    assert (User.objects.count(), RoleAssignment.objects.count()) == (5, 5)
    assert again.roles == ("guardian",)
    for email in (*emails.values(), "pat@example.org"):
        response = anonymous().post("/sign-in/", {"email": email, "password": "a fine long phrase"})
        assert response.status_code == 302


def test_the_facade_answers_with_plain_data(school, django_assert_num_queries):
    ana = UserFactory(name="Ana", email="ana@example.org", roles=["admin", "bursar"])
    UserFactory(name="Bea", roles=["bursar"])
    UserFactory(name="Cal", roles=["bursar"], is_active=False)

    assert identity.get_user(ana.pk).roles == ("admin", "bursar")
    assert identity.find_user_by_email(" ANA@example.org").id == ana.pk
    assert identity.find_user_by_email("nobody@example.org") is None
    assert identity.count_by_role() == {
        "admin": 1,
        "bursar": 2,
        "office": 0,
        "teacher": 0,
        "guardian": 0,
        "operator": 0,
    }
    with django_assert_num_queries(1):
        assert [user.name for user in identity.users_with_role("bursar")] == ["Ana", "Bea"]
    with pytest.raises(NotFound):
        identity.get_user(uuid7())
