"""From the form over the link in the mail to a school of one's own."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from apps.tenants.models import School, SignUp, Subscription
from apps.tenants.services.plans.metering import measured_schools
from apps.tenants.services.sign_ups import letters, opening
from apps.tenants.tests.signing_up import FORM, SENT, START, the_request
from kernel.errors import Conflict, Unavailable
from kernel.schools import in_public


def test_nothing_is_made_before_the_link_is_followed(
    stranger: Client, deliver: Callable[[], int], mailbox: list[Any]
) -> None:
    answer = stranger.post(START, FORM)
    deliver()

    assert answer.headers["Location"] == SENT
    assert "24 hours" in stranger.get(SENT).content.decode()
    assert the_request().status == "pending"
    assert not School.objects.filter(slug="riverside-school").exists()
    (mail,) = mailbox
    assert mail.to == ["jo@example.org"]
    assert "riverside-school.testserver" in mail.body
    assert "24 hours" in mail.body


def test_opening_the_link_shows_a_button_and_changes_nothing(stranger: Client, link: str) -> None:
    page = stranger.get(link)

    assert page.status_code == 200
    assert "Open Riverside School?" in page.content.decode()
    assert "Plan Basic: $39.00 a month, after 30 days free." in page.content.decode()
    assert the_request().status == "pending"


def test_the_button_opens_the_school_with_its_trial_and_leads_to_a_password(
    stranger: Client, link: str, deliver: Callable[[], int], mailbox: list[Any]
) -> None:
    answer = stranger.post(link)
    page = stranger.get(answer.headers["Location"])
    text = page.content.decode()

    school = School.objects.get(slug="riverside-school")
    assert school.status == "active"
    assert (school.admin_email, school.time_zone) == ("jo@example.org", "America/Chicago")
    with in_public():
        mine = Subscription.objects.get(school_id=school.id)
    assert mine.plan.code == "basic"
    assert mine.trial_until == mine.starts_on + timedelta(days=30)
    invitation = re.search(r'http://riverside-school\.testserver(/invitation/[^"]+)', text)
    assert invitation is not None
    site = Client(headers={"host": "riverside-school.testserver"})
    words = {"password": "a long and good one", "again": "a long and good one"}
    assert site.get(invitation[1]).status_code == 200
    entered = site.post(invitation[1], words)
    assert entered.headers["Location"] == "/portal/"
    # The way in is closed once a password is chosen.
    assert "/invitation/" not in stranger.get(answer.headers["Location"]).content.decode()
    # What the outbox does afterwards finds it done.
    deliver()
    assert School.objects.filter(slug="riverside-school").count() == 1
    assert school.id in {one.id for one in measured_schools()}


def test_the_link_works_once(stranger: Client, link: str) -> None:
    stranger.post(link)

    again = stranger.post(link)

    assert again.status_code == 410
    assert "already been used" in again.content.decode()
    assert stranger.get(link).status_code == 410


def test_a_link_expires(stranger: Client, link: str) -> None:
    with in_public():
        SignUp.objects.update(expires_at=timezone.now())

    assert stranger.get(link).status_code == 410
    assert "has expired" in stranger.post(link).content.decode()


@pytest.mark.parametrize("token", ["x", "x:y:z", "WyJhIl0:1:2"])
def test_a_made_up_link_is_refused(stranger: Client, token: str) -> None:
    assert stranger.get(f"/start/confirm/{token}/").status_code == 410
    assert stranger.get(f"/start/school/{token}/").status_code == 410


def test_a_confirmation_link_does_not_show_progress_nor_the_reverse(
    stranger: Client, link: str
) -> None:
    token = link.rstrip("/").rsplit("/", 1)[1]

    assert stranger.get(f"/start/school/{token}/").status_code == 410


def test_the_way_in_is_open_for_an_hour(stranger: Client, link: str) -> None:
    progress = stranger.post(link).headers["Location"]
    with in_public():
        SignUp.objects.update(confirmed_at=timezone.now() - timedelta(hours=2))

    text = stranger.get(progress).content.decode()

    assert "/invitation/" not in text
    assert "/sign-in/" in text


def test_without_a_place_the_page_waits_and_a_worker_opens_the_school(
    stranger: Client, link: str, deliver: Callable[[], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "has_owner", lambda: False)
    monkeypatch.setattr(opening, "count_ready", lambda: 0)

    progress = stranger.post(link).headers["Location"]
    text = stranger.get(progress).content.decode()
    assert "Opening Riverside School" in text
    assert 'http-equiv="refresh"' in text
    assert 'data-poll="2"' in text
    deliver()

    assert "Riverside School is open" in stranger.get(progress).content.decode()


def test_a_failed_try_is_repeated_and_then_given_up(
    stranger: Client, link: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(**_: Any) -> Any:
        raise Unavailable("The keeper is away")

    monkeypatch.setattr(opening, "provision_school", fail)
    progress = stranger.post(link).headers["Location"]
    asked = the_request()

    for _turn in range(opening.MOST_TRIES - 2):
        with pytest.raises(Unavailable):
            opening.open_school(sign_up_id=asked.id)
    assert opening.open_school(sign_up_id=asked.id).status == "failed"

    assert "could not be opened" in stranger.get(progress).content.decode()
    assert "keeper" not in stranger.get(progress).content.decode()


def test_a_name_that_was_taken_meanwhile_ends_the_request(
    stranger: Client, link: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(**_: Any) -> Any:
        raise Conflict("taken")

    monkeypatch.setattr(opening, "provision_school", refuse)

    progress = stranger.post(link).headers["Location"]

    assert the_request().status == "failed"
    assert "sign up again with another" in stranger.get(progress).content.decode()


def test_a_plan_that_was_withdrawn_meanwhile_leaves_the_choice_to_the_operator(
    stranger: Client, link: str
) -> None:
    from apps.tenants.services.plans.catalogue import offered_plan, withdraw_plan

    withdraw_plan(plan_id=offered_plan(code="basic", currency="USD").id, actor="op")

    stranger.post(link)

    assert the_request().status == "done"
    with in_public():
        assert not Subscription.objects.exists()


def test_switched_off_there_is_no_way_in(stranger: Client, link: str, settings: Any) -> None:
    settings.SIGN_UP_OPEN = False

    for path in (START, "/start/name/?slug=abc"):
        assert stranger.get(path).status_code == 404
    assert stranger.post(START, FORM).status_code == 404
    assert stranger.post(link).status_code == 404
    text = stranger.get("/").content.decode()
    assert "/start/" not in text
    assert "Your operator opens a school" in text


def test_confirmed_or_expired_requests_are_not_written_to(stranger: Client, db: None) -> None:
    stranger.post(START, FORM)
    with in_public():
        SignUp.objects.update(status="confirmed")

    assert letters.send_confirmation(sign_up_id=the_request().id) is False


def test_old_requests_are_tidied_away(stranger: Client, link: str) -> None:
    with in_public():
        SignUp.objects.update(expires_at=timezone.now())
    assert opening.tidy_sign_ups() == 1
    assert the_request().status == "expired"

    with in_public():
        SignUp.objects.update(created_at=timezone.now() - timedelta(days=31))
    opening.tidy_sign_ups()

    with in_public():
        assert not SignUp.objects.exists()


def test_the_mail_and_the_page_speak_the_language_that_was_chosen(
    stranger: Client, deliver: Callable[[], int], mailbox: list[Any]
) -> None:
    stranger.post(START, {**FORM, "language": "es", "currency": "EUR"})
    deliver()

    assert 'lang="es"' in mailbox[0].alternatives[0][0]
