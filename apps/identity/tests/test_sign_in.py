"""Signing in and out with a browser, and how sessions end."""

from datetime import timedelta

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone

from apps.identity.models import AuditEntry, SignInAttempt, User
from apps.identity.services import accounts, sign_in, throttle
from apps.identity.tests.factories import PASSWORD, InvitedUserFactory, UserFactory

WRONG = "E-mail or password is wrong."


def post(client, email, password=PASSWORD, **more):
    return client.post("/sign-in/", {"email": email, "password": password, **more})


@pytest.mark.parametrize(
    ("roles", "home"),
    [
        (["admin"], "/portal/"),
        (["bursar"], "/portal/"),
        (["office"], "/portal/"),
        (["teacher"], "/portal/"),
        (["teacher", "guardian"], "/portal/"),
        (["guardian"], "/family/"),
    ],
)
def test_signing_in_leads_to_the_page_of_the_role(school, anonymous, roles, home):
    UserFactory(email="ana@example.org", roles=roles)

    response = post(anonymous(), " Ana@Example.org ")

    assert (response.status_code, response["Location"]) == (302, home)


def test_an_operator_lands_on_the_console(db, operator_client):
    response = operator_client.get("/sign-in/")

    assert (response.status_code, response["Location"]) == (302, "/operator/")


def test_signing_in_changes_the_session_key_and_writes_the_audit_trail(school, anonymous):
    user = UserFactory(email="ana@example.org")
    client = anonymous()
    client.get("/sign-in/")
    before = client.cookies.get(settings.SESSION_COOKIE_NAME)

    post(client, user.email)

    after = client.cookies[settings.SESSION_COOKIE_NAME].value
    assert after not in {"", before.value if before else ""}
    assert client.session["schema"] == school.schema_name
    user.refresh_from_db()
    assert timezone.now() - user.last_login < timedelta(minutes=1)
    entry = AuditEntry.objects.get(action="identity.signed_in")
    assert (entry.actor, len(entry.trace_id)) == ("ana@example.org", 32)


def test_every_refusal_looks_the_same(school, anonymous):
    UserFactory(email="ana@example.org")
    UserFactory(email="closed@example.org", is_active=False)
    InvitedUserFactory(email="invited@example.org")
    attempts = [
        ("ana@example.org", "wrong password"),
        ("closed@example.org", PASSWORD),
        ("invited@example.org", PASSWORD),
        ("nobody@example.org", PASSWORD),
        ("not an address", PASSWORD),
        ("nul\x00@example.org", PASSWORD),
    ]
    for email, password in attempts:
        client = anonymous()
        response = post(client, email, password)

        assert response.status_code == 200
        assert client.get("/account/").status_code == 302
        if "\x00" not in email:
            assert WRONG in response.content.decode()


def test_an_unknown_address_is_hashed_for_too(school, monkeypatch):
    hashed = []
    monkeypatch.setattr("apps.identity.services.passwords.make_password", hashed.append)

    with pytest.raises(sign_in.WrongCredentials):
        sign_in.check_credentials(email="nobody@example.org", password="x", address="192.0.2.1")

    assert hashed == ["x"]


@pytest.mark.parametrize(
    ("wanted", "lands"),
    [
        ("/portal/people/?q=a", "/portal/people/?q=a"),
        ("https://evil.example/", "/portal/"),
        ("//evil.example/", "/portal/"),
        ("/\\evil.example/", "/portal/"),
        ("javascript:alert(1)", "/portal/"),
        ("account", "/portal/"),  # no path: a redirect would look for a view of that name
        ("http://sanmartin.testserver/portal/", "/portal/"),
        ("", "/portal/"),
    ],
)
def test_next_stays_on_this_host(school, anonymous, wanted, lands):
    UserFactory(email="ana@example.org")

    response = post(anonymous(), "ana@example.org", next=wanted)

    assert response["Location"] == lands


def test_next_survives_a_wrong_password_and_is_not_shown_when_foreign(school, anonymous):
    kept = anonymous().post("/sign-in/?next=/portal/fees/", {"email": "a", "password": "b"})
    dropped = anonymous().get("/sign-in/?next=https://evil.example/")

    assert 'name="next" value="/portal/fees/"' in kept.content.decode()
    assert "evil.example" not in dropped.content.decode().split("<main")[1].split("</main")[0]


def test_a_page_behind_sign_in_comes_back_after_it(school, anonymous):
    UserFactory(email="ana@example.org", roles=["admin"])
    client = anonymous()

    asked = client.get("/portal/people/")
    response = client.post(asked["Location"], {"email": "ana@example.org", "password": PASSWORD})

    assert response["Location"] == "/portal/people/"


def test_the_tenth_wrong_password_is_the_last_for_a_while(school, anonymous, monkeypatch):
    UserFactory(email="ana@example.org")
    client = anonymous()
    for _ in range(10):
        assert post(client, "ana@example.org", "wrong").status_code == 200
    monkeypatch.setattr(
        "apps.identity.services.passwords.matches", lambda *a: pytest.fail("was hashed")
    )

    response = post(client, "ana@example.org", PASSWORD)

    assert response.status_code == 429
    assert "Too many attempts" in response.content.decode()
    assert "15 minutes" in response.content.decode()


def test_the_wait_is_the_same_for_an_address_without_an_account(school, anonymous):
    client = anonymous()
    statuses = [post(client, "nobody@example.org", "wrong").status_code for _ in range(11)]

    assert statuses == [200] * 10 + [429]


def test_the_limit_ends_with_its_window(school):
    for _ in range(10):
        throttle.count_attempt(throttle.SIGN_IN_BY_EMAIL, "ana@example.org")
    with pytest.raises(throttle.TooManyAttempts) as refused:
        throttle.count_attempt(throttle.SIGN_IN_BY_EMAIL, "ANA@example.org ")
    assert 0 < refused.value.retry_after <= 900

    SignInAttempt.objects.update(window_started_at=timezone.now() - timedelta(minutes=15))
    throttle.count_attempt(throttle.SIGN_IN_BY_EMAIL, "ana@example.org")

    assert SignInAttempt.objects.get().count == 1


def test_many_addresses_from_one_place_are_stopped_too(school):
    for number in range(100):
        with pytest.raises(sign_in.WrongCredentials):
            sign_in.check_credentials(
                email=f"p{number}@example.org", password="x", address="192.0.2.7"
            )
    with pytest.raises(throttle.TooManyAttempts):
        sign_in.check_credentials(email="new@example.org", password="x", address="192.0.2.7")


def test_a_good_sign_in_gives_its_attempt_back(school):
    UserFactory(email="ana@example.org")
    for _ in range(3):
        sign_in.check_credentials(email="ana@example.org", password=PASSWORD, address="192.0.2.7")

    counter = SignInAttempt.objects.get()
    assert (counter.key.split(":")[1], counter.count) == ("address", 0)


def test_a_foreign_form_does_not_sign_anybody_in(school):
    UserFactory(email="ana@example.org")
    client = Client(enforce_csrf_checks=True, headers={"host": school.primary_host})

    assert post(client, "ana@example.org").status_code == 403
    assert client.get("/account/").status_code == 302


def test_signing_in_brings_ones_language_along(school, anonymous):
    UserFactory(email="ana@example.org", language="es")
    client = anonymous()

    post(client, "ana@example.org")

    assert 'lang="es"' in client.get("/account/").content.decode()


def test_the_account_page_works_on_the_platform_too(operator_client):
    response = operator_client.post("/account/", {"name": "Olga", "language": ""}, follow=True)

    assert response.status_code == 200
    assert "Olga" in response.content.decode()


def test_old_counters_are_swept(school):
    throttle.count_attempt(throttle.SIGN_IN_BY_EMAIL, "ana@example.org")
    throttle.count_attempt(throttle.SIGN_IN_BY_EMAIL, "bea@example.org")
    SignInAttempt.objects.filter(
        key=throttle.key_for(throttle.SIGN_IN_BY_EMAIL, "ana@example.org")
    ).update(window_started_at=timezone.now() - timedelta(days=2))

    assert throttle.sweep() == 1
    assert SignInAttempt.objects.count() == 1


def test_signing_out_needs_a_post_and_ends_the_session(client_for):
    client = client_for("teacher")

    assert client.get("/sign-out/").status_code == 405
    assert client.get("/account/").status_code == 200
    assert client.post("/sign-out/")["Location"] == "/sign-in/"
    assert client.get("/account/").status_code == 302


def test_a_new_password_ends_every_other_session(school, anonymous):
    UserFactory(email="ana@example.org")
    here, elsewhere = anonymous(), anonymous()
    post(here, "ana@example.org")
    post(elsewhere, "ana@example.org")

    response = here.post(
        "/account/password/",
        {"current": PASSWORD, "password": "another fine phrase", "again": "another fine phrase"},
    )

    assert response["Location"] == "/account/"
    assert here.get("/account/").status_code == 200
    assert elsewhere.get("/account/").status_code == 302


@pytest.mark.parametrize(
    ("current", "password", "again", "said"),
    [
        ("wrong", "another fine phrase", "another fine phrase", "not your current password"),
        (PASSWORD, "another fine phrase", "another fine phrasf", "not the same"),
        (PASSWORD, "short", "short", "too short"),
        (PASSWORD, "password123", "password123", "too common"),
        (PASSWORD, PASSWORD, PASSWORD, "differs from the current"),
    ],
)
def test_a_bad_new_password_changes_nothing(client_for, current, password, again, said):
    client = client_for("teacher")

    response = client.post(
        "/account/password/", {"current": current, "password": password, "again": again}
    )

    assert said in response.content.decode()
    assert client.get("/account/").status_code == 200


def test_a_deactivated_person_is_out_at_once(school, client_for):
    client = client_for("teacher")

    accounts.deactivate(user_id=client.user.pk, actor="admin@example.org")

    assert client.get("/account/").status_code == 302


def test_one_changes_ones_own_name_and_language(school, client_for):
    client = client_for("teacher")

    response = client.post("/account/", {"name": " Ana Ruiz ", "language": "es"}, follow=True)

    user = User.objects.get(pk=client.user.pk)
    assert (user.name, user.language) == ("Ana Ruiz", "es")
    assert client.cookies["language"].value == "es"
    assert 'lang="es"' in response.content.decode()


def test_a_language_that_does_not_ship_is_refused(school, client_for):
    client = client_for("teacher")

    response = client.post("/account/", {"name": "Ana", "language": "xx"})

    assert response.status_code == 200
    assert User.objects.get(pk=client.user.pk).language == ""


def test_the_account_page_needs_somebody(school, anonymous):
    assert anonymous().get("/account/")["Location"] == "/sign-in/?next=/account/"
    assert anonymous().post("/account/password/", {})["Location"].startswith("/sign-in/")
