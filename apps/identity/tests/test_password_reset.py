"""Forgotten passwords."""

from datetime import timedelta

import pytest
from django.utils import timezone

from apps.identity import facade as identity
from apps.identity.models import Invitation, PasswordReset, RefreshToken, User
from apps.identity.services import resets, tokens
from apps.identity.services.throttle import TooManyAttempts
from apps.identity.tests.factories import InvitationFactory, UserFactory
from kernel.schools import in_public

NEW = "a fine long phrase"


def path_of(school, reset):
    url = identity.password_reset_url(reset.pk)
    assert url.startswith("http://lincoln.testserver/password/reset/")
    return url.split(school.primary_host)[1]


def test_the_answer_is_the_same_whoever_asks(school, anonymous):
    UserFactory(email="ana@example.org")
    UserFactory(email="closed@example.org", is_active=False)
    pages = set()
    for email in ("ana@example.org", "closed@example.org", "nobody@example.org"):
        response = anonymous().post("/password/forgotten/", {"email": email}, follow=True)
        pages.add((response.redirect_chain[0], response.content.count(b"If there is an account")))

    assert pages == {(("/password/sent/", 302), 1)}
    assert [reset.user.email for reset in PasswordReset.objects.all()] == ["ana@example.org"]


def test_asking_publishes_an_event_without_the_secret(school, drain, monkeypatch):
    from apps.events import facade as events

    heard = []
    real = events.publish
    monkeypatch.setattr(
        events, "publish", lambda event, **o: (heard.append(event), real(event, **o))[1]
    )
    user = UserFactory(email="ana@example.org", name="Ana Ruiz")

    resets.request_reset(email="ANA@example.org ", address="192.0.2.1")

    [event], reset = heard, PasswordReset.objects.get()
    assert (event.user_id, event.email, event.person_name, event.reset_id) == (
        user.pk,
        "ana@example.org",
        "Ana Ruiz",
        reset.pk,
    )
    assert reset.nonce not in repr(event)


def test_who_never_accepted_gets_a_fresh_invitation_instead(school):
    waiting = InvitationFactory(user__email="bea@example.org")

    resets.request_reset(email="bea@example.org", address="192.0.2.1")

    assert PasswordReset.objects.count() == 0
    assert Invitation.objects.filter(user=waiting.user, revoked_at=None).get().pk != waiting.pk


def test_whose_invitation_was_withdrawn_gets_nothing(school):
    waiting = InvitationFactory(user__email="bea@example.org", revoked_at=timezone.now())

    resets.request_reset(email="bea@example.org", address="192.0.2.1")

    assert (PasswordReset.objects.count(), Invitation.objects.get()) == (0, waiting)


def test_asking_is_limited_for_known_and_unknown_alike(school, anonymous):
    UserFactory(email="ana@example.org")
    for email in ("ana@example.org", "nobody@example.org"):
        statuses = [
            anonymous().post("/password/forgotten/", {"email": email}).status_code for _ in range(6)
        ]
        assert statuses == [302] * 5 + [429]
    assert PasswordReset.objects.count() == 5


def test_asking_is_limited_by_address(school):
    for number in range(50):
        resets.request_reset(email=f"p{number}@example.org", address="192.0.2.1")
    with pytest.raises(TooManyAttempts):
        resets.request_reset(email="another@example.org", address="192.0.2.1")


def test_the_link_sets_a_password_signs_in_and_ends_the_rest(school, anonymous, client_for):
    elsewhere = client_for("bursar", email="ana@example.org")
    user = User.objects.get(email="ana@example.org")
    pair = tokens.issue_pair(user=user)
    older, reset = PasswordReset.objects.create(user=user), PasswordReset.objects.create(user=user)
    client, path = anonymous(), path_of(school, reset)

    assert "ana@example.org" in client.get(path).content.decode()
    response = client.post(path, {"password": NEW, "again": NEW})

    assert response["Location"] == "/portal/"
    assert client.get("/account/").status_code == 200
    assert elsewhere.get("/account/").status_code == 302
    assert RefreshToken.objects.filter(revoked_at=None).count() == 0
    with pytest.raises(tokens.TokenRefused):
        tokens.user_of_access_token(pair.access.encode())
    for spent in (reset, older):
        assert anonymous().get(path_of(school, spent)).status_code == 410


def test_an_expired_or_tampered_link_offers_a_new_one(school, anonymous):
    reset = PasswordReset.objects.create(
        user=UserFactory(), expires_at=timezone.now() - timedelta(seconds=1)
    )
    path = path_of(school, reset)
    for dead in (path, path[:-3] + "/", "/password/reset/x/"):
        response = anonymous().post(dead, {"password": NEW, "again": NEW})
        assert response.status_code == 410
        assert "/password/forgotten/" in response.content.decode()
    assert not User.objects.get().check_password(NEW)


def test_a_weak_password_keeps_the_link_open(school, anonymous):
    reset = PasswordReset.objects.create(user=UserFactory())

    response = anonymous().post(path_of(school, reset), {"password": "short", "again": "short"})

    assert response.status_code == 200
    assert "too short" in response.content.decode()
    reset.refresh_from_db()
    assert reset.used_at is None


def test_an_operator_who_lost_the_first_link_is_mailed_another(
    db, mailbox, published, django_capture_on_commit_callbacks
):
    from django.test import Client

    from apps.identity.services import operators

    with in_public():
        made = operators.create_operator(email="ops@example.org", name="Olga", password=None)
    client = Client(headers={"host": "testserver"})
    with django_capture_on_commit_callbacks(execute=True):
        client.post("/password/forgotten/", {"email": "ops@example.org"})

    [mail] = mailbox
    link = next(line for line in mail.body.splitlines() if line.startswith("http"))
    assert client.get(link.removeprefix("http://testserver")).status_code == 200
    assert client.get(made.link.removeprefix("http://testserver")).status_code == 410
    with in_public():  # nobody delivers a school's news on the platform
        assert published("identity.user_invited") == []


def test_a_mail_server_that_is_down_tells_a_stranger_nothing(
    operator_client, monkeypatch, django_capture_on_commit_callbacks
):
    from django.test import Client

    def down(*args, **kwargs):
        raise OSError("no route to host")

    monkeypatch.setattr("apps.identity.services.operators.send_mail", down)
    client = Client(headers={"host": "testserver"})
    with django_capture_on_commit_callbacks(execute=True):
        known = client.post("/password/forgotten/", {"email": "operator@example.org"})
        unknown = client.post("/password/forgotten/", {"email": "nobody@example.org"})

    assert (known.status_code, known["Location"]) == (unknown.status_code, unknown["Location"])


def test_an_operator_s_mail_goes_out_without_a_school(
    operator_client, mailbox, django_capture_on_commit_callbacks
):
    from django.test import Client

    client = Client(headers={"host": "testserver"})
    with django_capture_on_commit_callbacks(execute=True):
        response = client.post("/password/forgotten/", {"email": "operator@example.org"})

    assert response.status_code == 302
    [mail] = mailbox
    assert mail.to == ["operator@example.org"]
    assert "http://testserver/password/reset/" in mail.body
