"""Inviting somebody, and every end of the link."""

from datetime import timedelta
from uuid import UUID

import pytest
from django.core import signing
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from apps.events import facade as events
from apps.identity import facade as identity
from apps.identity.models import AuditEntry, Invitation, User
from apps.identity.services import accounts, invitations, links
from apps.identity.tests.factories import PASSWORD, InvitationFactory, InvitedUserFactory
from kernel.errors import Conflict, Invalid, NotFound

NEW = "a fine long phrase"
ROW_ID = UUID("019a0c5e-7d10-7000-8000-000000000001")


def path_of(school, invitation):
    url = identity.invitation_url(invitation.pk)
    assert url.startswith("http://lincoln.testserver/invitation/")
    return url.split(school.primary_host)[1]


def accept(client, path, password=NEW, again=None):
    return client.post(path, {"password": password, "again": again or password})


@pytest.fixture
def published(monkeypatch):
    """What was handed to the outbox, as event objects."""
    heard = []
    real = events.publish

    def listen(event, **options):
        heard.append(event)
        return real(event, **options)

    monkeypatch.setattr(events, "publish", listen)
    return heard


def test_an_invitation_makes_a_waiting_account_and_says_so(school, published):
    info = identity.invite_user(
        email=" Bea@Example.org", name="Bea Lang", roles=["office", "bursar"], invited_by="a@x.org"
    )

    assert (info.email, info.status, info.roles) == (
        "bea@example.org",
        "invited",
        ("bursar", "office"),
    )
    [event] = published
    invitation = Invitation.objects.get()
    assert (event.user_id, event.email, event.person_name) == (info.id, info.email, "Bea Lang")
    assert (event.invitation_id, event.roles) == (invitation.pk, ("bursar", "office"))
    assert invitation.nonce not in repr(event)
    assert AuditEntry.objects.get().detail == {"roles": ["bursar", "office"]}


@pytest.mark.parametrize(
    ("email", "roles", "field"),
    [
        ("not an address", ["office"], "email"),
        ("", ["office"], "email"),
        ("bea@example.org", [], "roles"),
        ("bea@example.org", ["operator"], "roles"),
        ("bea@example.org", ["janitor"], "roles"),
    ],
)
def test_a_bad_invitation_leaves_nothing_behind(school, published, email, roles, field):
    with pytest.raises(Invalid) as refused:
        identity.invite_user(email=email, name="Bea", roles=roles, invited_by="a@x.org")

    assert refused.value.field == field
    assert (User.objects.count(), Invitation.objects.count(), published) == (0, 0, [])


def test_an_address_is_invited_once(school):
    identity.invite_user(email="bea@example.org", name="", roles=["office"], invited_by="a")

    with pytest.raises(Conflict, match=r"bea@example\.org already has an account here"):
        identity.invite_user(email="BEA@example.org", name="", roles=["admin"], invited_by="a")


def test_the_link_sets_a_password_and_signs_in(school, anonymous, published):
    invitation = InvitationFactory(user__email="bea@example.org", user__roles=["bursar"])
    client, path = anonymous(), path_of(school, invitation)

    page = client.get(path).content.decode()
    assert school.name in page
    assert "bea@example.org" in page
    response = accept(client, path)

    assert (response.status_code, response["Location"]) == (302, "/portal/")
    assert client.get("/account/").status_code == 200
    [event] = published
    assert (event.email, event.roles) == ("bea@example.org", ("bursar",))
    assert User.objects.get().check_password(NEW)
    actions = set(AuditEntry.objects.values_list("action", flat=True))
    assert "identity.invitation_accepted" in actions


def test_opening_the_link_twice_is_fine_using_it_twice_is_not(school, anonymous):
    invitation = InvitationFactory()
    client, path = anonymous(), path_of(school, invitation)
    client.get(path)
    client.get(path)
    accept(client, path)

    response = accept(anonymous(), path, "somebody else's phrase")

    assert response.status_code == 410
    assert "already been used" in response.content.decode()
    assert "/sign-in/" in response.content.decode()
    assert User.objects.get().check_password(NEW)


@pytest.mark.parametrize(
    ("password", "again", "said"),
    [
        ("short", None, "too short"),
        ("1234567890123", None, "entirely numeric"),
        ("bea@example.org", None, "too similar"),
        (NEW, "a fine long phrasf", "not the same"),
        ("", "", "required"),
    ],
)
def test_a_weak_password_keeps_the_link_open(school, anonymous, password, again, said):
    invitation = InvitationFactory(user__email="bea@example.org")

    response = anonymous().post(
        path_of(school, invitation), {"password": password, "again": again or password}
    )

    assert response.status_code == 200
    assert said in response.content.decode()
    invitation.refresh_from_db()
    assert invitation.accepted_at is None
    assert not User.objects.get().has_usable_password()


def test_an_expired_link_says_what_to_do(school, anonymous):
    invitation = InvitationFactory(expires_at=timezone.now() - timedelta(seconds=1))

    response = accept(anonymous(), path_of(school, invitation))

    assert response.status_code == 410
    assert "has expired" in response.content.decode()
    assert "send the invitation again" in response.content.decode()
    assert not User.objects.get().has_usable_password()


def test_a_withdrawn_link_and_a_closed_account_are_refused(school, anonymous):
    invitation = InvitationFactory()
    path = path_of(school, invitation)
    invitations.revoke_invitation(user_id=invitation.user_id, actor="a@x.org")
    assert "withdrawn or replaced" in anonymous().get(path).content.decode()

    other = InvitationFactory()
    path = path_of(school, other)
    User.objects.filter(pk=other.user_id).update(is_active=False)
    assert accept(anonymous(), path).status_code == 410


def test_sending_again_makes_the_older_link_useless(school, anonymous, published):
    invitation = InvitationFactory()
    old = path_of(school, invitation)

    invitations.resend_invitation(user_id=invitation.user_id, actor="a@x.org")

    [event] = published
    new = identity.invitation_url(event.invitation_id).split(school.primary_host)[1]
    assert anonymous().get(old).status_code == 410
    assert accept(anonymous(), new).status_code == 302


def test_who_has_a_password_is_not_invited_again(school, anonymous):
    invitation = InvitationFactory()
    accept(anonymous(), path_of(school, invitation))

    with pytest.raises(Conflict, match="already set a password"):
        invitations.resend_invitation(user_id=invitation.user_id, actor="a@x.org")
    with pytest.raises(Conflict, match="no open invitation"):
        invitations.revoke_invitation(user_id=invitation.user_id, actor="a@x.org")


@pytest.mark.parametrize(
    "spoil",
    [
        lambda token: token[:-1],
        lambda token: token[:-1] + ("A" if token[-1] != "A" else "B"),
        lambda token: "x",
        lambda token: "a:b:c",
        lambda token: signing.dumps(["ff", "x"], salt="something else"),
    ],
)
def test_a_tampered_link_is_refused_kindly(school, anonymous, spoil):
    invitation = InvitationFactory()
    token = links.make_token(links.INVITATION, invitation.pk, invitation.nonce)

    response = anonymous().get(f"/invitation/{spoil(token)}/")

    assert response.status_code == 410
    assert "not complete or was changed" in response.content.decode()


def test_a_guessed_nonce_and_a_foreign_purpose_are_refused(school):
    invitation = InvitationFactory()
    guessed = links.make_token(links.INVITATION, invitation.pk, "guess")
    other_purpose = links.make_token(links.PASSWORD_RESET, invitation.pk, invitation.nonce)

    for token in (guessed, other_purpose):
        with pytest.raises(invitations.LinkRefused) as refused:
            invitations.open_invitation(token)
        assert refused.value.code == "invalid"


def test_an_unknown_invitation_has_no_link(school):
    from kernel.ids import uuid7

    with pytest.raises(NotFound):
        identity.invitation_url(uuid7())


def test_an_invited_guardian_lands_with_the_family(school, anonymous):
    invitation = InvitationFactory(user__roles=["guardian"])

    assert accept(anonymous(), path_of(school, invitation))["Location"] == "/family/"


def test_an_invited_admin_is_no_way_back_in(school):
    """The last admin who can sign in stays, even if another one is invited."""
    from apps.identity.tests.factories import UserFactory

    InvitedUserFactory(roles=["admin"])
    last = UserFactory(roles=["admin"], password=PASSWORD)

    with pytest.raises(Conflict, match="only administrator"):
        accounts.deactivate(user_id=last.pk, actor="operator@platform.example")


@given(position=st.integers(0, 10_000), letter=st.sampled_from("ABCxyz019-_:"))
def test_no_changed_letter_makes_another_good_link(position, letter):
    token = links.make_token(links.INVITATION, ROW_ID, "nonce")
    at = position % len(token)
    changed = token[:at] + letter + token[at + 1 :]

    target = links.read_token(links.INVITATION, changed)

    assert target == ((ROW_ID, "nonce") if changed == token else None)


@given(st.text(max_size=200))
def test_no_made_up_text_is_a_link(text):
    assert links.read_token(links.INVITATION, text) is None
