"""Nothing that one school gave opens another: same keys, same e-mail, same password."""

import pytest
from django.conf import settings
from django.contrib.sessions.models import Session
from django.test import Client

from apps.identity.models import Invitation, User
from apps.identity.services import tokens
from apps.identity.tests.factories import InvitationFactory, UserFactory
from kernel.ids import uuid7


@pytest.fixture
def twins(school, in_other_school):
    """The same person in both schools: same key, e-mail and password hash."""
    here = UserFactory(email="ana@example.org", roles=["admin"])
    with in_other_school():
        there = UserFactory(id=here.pk, email=here.email, name="Twin", password="", roles=["admin"])
        User.objects.filter(pk=there.pk).update(password=here.password)
    return here


def test_a_session_cookie_of_one_school_is_nothing_on_the_other(twins, client_for, other_school):
    ours = client_for("teacher")
    theirs = Client(headers={"host": other_school.primary_host})
    theirs.cookies[settings.SESSION_COOKIE_NAME] = ours.cookies[settings.SESSION_COOKIE_NAME].value

    assert ours.get("/account/").status_code == 200
    assert theirs.get("/account/").status_code == 302


@pytest.mark.parametrize("forged_schema", [None, "of the other school"])
def test_a_copied_session_row_does_not_sign_the_twin_in(
    twins, client_for, school, other_school, in_other_school, forged_schema
):
    ours = client_for("admin", email="x@example.org")
    session = ours.session
    session["_auth_user_id"] = str(twins.pk)
    session["_auth_user_hash"] = twins.get_session_auth_hash()
    if forged_schema:
        session["schema"] = other_school.schema_name
    session.save()
    row = Session.objects.get(pk=session.session_key)
    with in_other_school():
        Session.objects.create(
            session_key=row.pk, session_data=row.session_data, expire_date=row.expire_date
        )
    theirs = Client(headers={"host": other_school.primary_host})
    theirs.cookies[settings.SESSION_COOKIE_NAME] = row.pk

    assert theirs.get("/account/").status_code == 302


def test_a_token_of_one_school_is_refused_on_the_other_host(twins, api, school, other_school):
    pair = tokens.issue_pair(user=twins)

    ours = api(school, pair.access).get("/api/v1/me/")
    theirs = api(other_school, pair.access).get("/api/v1/me/")

    assert (ours.status_code, ours.json()["email"]) == (200, "ana@example.org")
    assert theirs.status_code == 401
    assert theirs["WWW-Authenticate"].startswith("Bearer")
    assert theirs["Content-Type"] == "application/problem+json"


def test_a_refresh_token_of_one_school_is_refused_on_the_other(twins, api, school, other_school):
    pair = tokens.issue_pair(user=twins)

    theirs = api(other_school).post("/api/v1/token/refresh/", {"refresh": pair.refresh})
    ours = api(school).post("/api/v1/token/refresh/", {"refresh": pair.refresh})

    assert (theirs.status_code, ours.status_code) == (401, 200)


def test_a_forwarded_host_does_not_choose_the_school(twins, school, other_school):
    pair = tokens.issue_pair(user=twins)
    client = Client(
        headers={
            "host": other_school.primary_host,
            "x-forwarded-host": school.primary_host,
            "authorization": f"Bearer {pair.access}",
        }
    )

    assert client.get("/api/v1/me/").status_code == 401


def test_an_invitation_of_one_school_says_nothing_on_the_other(
    school, other_school, in_other_school
):
    invitation = InvitationFactory(user__email="bea@example.org")
    from apps.identity import facade as identity

    path = identity.invitation_url(invitation.pk).split(school.primary_host)[1]
    with in_other_school():
        twin = UserFactory(id=invitation.user_id, email="bea@example.org", password="!")
        Invitation.objects.create(id=invitation.pk, user=twin, nonce=invitation.nonce)

    assert Client(headers={"host": school.primary_host}).get(path).status_code == 200
    refused = Client(headers={"host": other_school.primary_host}).get(path)
    assert refused.status_code == 410
    assert "bea@example.org" not in refused.content.decode()


def test_a_school_s_people_cannot_sign_in_on_the_platform(twins, db):
    client = Client(headers={"host": settings.PLATFORM_DOMAIN})

    response = client.post(
        "/sign-in/", {"email": "ana@example.org", "password": "correct horse battery"}
    )

    assert response.status_code == 200
    assert client.get("/account/").status_code == 302


def test_an_admin_does_not_see_the_other_school_s_people(client_for, other_school, in_other_school):
    with in_other_school():
        stranger = UserFactory(name="Only Over There")
    client = client_for("admin")

    assert "Only Over There" not in client.get("/portal/people/").content.decode()
    assert client.get(f"/portal/people/{stranger.pk}/").status_code == 404
    assert client.post(f"/portal/people/{stranger.pk}/deactivate/").status_code == 404
    with in_other_school():
        assert User.objects.get(pk=stranger.pk).is_active
    assert client.get(f"/portal/people/{uuid7()}/").status_code == 404
