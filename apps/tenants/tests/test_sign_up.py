"""From the landing page to a school of one's own."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from apps.events import facade as events
from apps.tenants.models import School, SignUp, Subscription
from apps.tenants.services import visitors
from apps.tenants.services.plans.metering import measured_schools
from apps.tenants.services.sign_ups import letters, names, opening, requests
from kernel.errors import Conflict, Unavailable
from kernel.schools import in_public

START, SENT = "/start/", "/start/sent/"
FORM = {
    "plan_code": "basic",
    "school_name": "Riverside School",
    "slug": "",
    "admin_name": "Jo Lee",
    "admin_email": "jo@example.org",
    "currency": "USD",
    "language": "en",
    "time_zone": "America/Chicago",
    "website": "",
}


@pytest.fixture
def stranger(db: None) -> Client:
    return Client(headers={"host": "testserver"})


@pytest.fixture
def deliver(db: None) -> Callable[[], int]:
    return lambda: events.drain("public")


@pytest.fixture
def link(stranger: Client, deliver: Callable[[], int], mailbox: list[Any]) -> str:
    """The path in the mail to whoever sent the form."""
    stranger.post(START, FORM)
    deliver()
    return path_in(mailbox[-1])


def path_in(mail: Any) -> str:
    found = re.search(r"http://testserver(/start/confirm/\S+)", mail.body)
    assert found is not None, mail.body
    return found[1]


def the_request(slug: str = "riverside-school") -> SignUp:
    with in_public():
        return SignUp.objects.filter(slug=slug).order_by("-created_at")[0]


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


def test_the_answer_is_the_same_for_an_address_that_is_known(
    stranger: Client, deliver: Callable[[], int], mailbox: list[Any]
) -> None:
    answers = []
    for number in range(1, 5):
        answer = stranger.post(START, {**FORM, "slug": f"riverside-{number}"})
        answers.append((answer.status_code, answer.headers["Location"]))
    deliver()

    assert set(answers) == {(302, SENT)}
    # Three may wait at a time; the fourth is silently not written to.
    assert len(mailbox) == requests.MOST_OPEN


def test_asking_again_for_the_same_name_makes_the_older_link_useless(
    stranger: Client, link: str, deliver: Callable[[], int], mailbox: list[Any]
) -> None:
    stranger.post(START, FORM)
    deliver()

    assert stranger.get(link).status_code == 410
    assert stranger.get(path_in(mailbox[-1])).status_code == 200


def test_a_name_is_kept_for_whoever_asked_first(stranger: Client, link: str) -> None:
    answer = stranger.post(START, {**FORM, "admin_email": "else@example.org"})

    assert answer.status_code == 422
    assert "becomes free within 24 hours" in answer.content.decode()
    with in_public():
        SignUp.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert stranger.post(START, {**FORM, "admin_email": "else@example.org"}).status_code == 302


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"school_name": ""}, "school_name"),
        ({"school_name": "Win at http://spam.example/now"}, "school_name"),
        ({"admin_name": "write to a@spam.example"}, "admin_name"),
        ({"school_name": "cheap.example"}, "school_name"),
        ({"school_name": "Win at CHEAP.COM"}, "school_name"),
        ({"school_name": "Win at cheap.example, now"}, "school_name"),
        ({"school_name": "Win at Cheap.Com/now"}, "school_name"),
        ({"slug": "lincoln"}, "slug"),
        ({"slug": "www"}, "slug"),
        ({"slug": "no good"}, "slug"),
        ({"school_name": "中文学校"}, "slug"),
        ({"admin_name": ""}, "admin_name"),
        ({"admin_email": "jo"}, "admin_email"),
        ({"plan_code": "gold"}, "plan_code"),
        ({"currency": "BTC"}, "currency"),
        ({"language": "tlh"}, "language"),
        ({"time_zone": "Mars/Base"}, "time_zone"),
    ],
)
def test_a_bad_field_is_shown_and_nothing_is_noted(
    stranger: Client, change: dict[str, str], field: str
) -> None:
    answer = stranger.post(START, {**FORM, **change})

    assert answer.status_code == 422
    assert list(answer.context["form"].errors) == [field]
    with in_public():
        assert not SignUp.objects.exists()


def test_a_taken_name_comes_with_a_free_one(stranger: Client) -> None:
    text = stranger.post(START, {**FORM, "slug": "lincoln"}).content.decode()

    assert "“lincoln-school” is free" in text
    assert names.look_at("lincoln-school").is_free


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("school_name=Riverside+School&slug=", "riverside-school.testserver"),
        ("school_name=x&slug=lincoln", "belongs to another school"),
        ("slug=www", "reserved"),
        ("slug=%00", ""),
        ("", ""),
    ],
)
def test_the_name_is_looked_at_while_typing(stranger: Client, query: str, says: str) -> None:
    answer = stranger.get(f"/start/name/?{query}")

    assert answer.status_code == 200
    assert says in answer.content.decode()


def test_a_program_that_fills_every_field_gets_nothing(
    stranger: Client, deliver: Callable[[], int], mailbox: list[Any]
) -> None:
    answer = stranger.post(START, {**FORM, "website": "http://spam.example"})
    deliver()

    assert answer.headers["Location"] == SENT
    assert mailbox == []


def test_there_is_a_limit_by_address_and_by_mail(
    stranger: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    few = visitors.Limit("few", 2, timedelta(hours=1))
    monkeypatch.setattr(visitors, "SIGN_UP_BY_ADDRESS", few)

    for expected in (302, 302, 429):
        assert stranger.post(START, FORM).status_code == expected

    other = Client(headers={"host": "testserver"}, REMOTE_ADDR="203.0.113.9")
    assert other.post(START, FORM).status_code == 302
    monkeypatch.setattr(visitors, "SIGN_UP_BY_EMAIL", visitors.Limit("mail", 0, timedelta(hours=1)))
    assert other.post(START, FORM).status_code == 429


def test_all_addresses_of_one_ipv6_line_count_as_one(db: None) -> None:
    few = visitors.Limit("few", 1, timedelta(hours=1))
    visitors.count(few, "2001:db8:1:2::1")
    visitors.count(few, "2001:db8:1:3::1")

    with pytest.raises(visitors.TooMany):
        visitors.count(few, "2001:db8:1:2:ffff::9")
    visitors.count(few, "::ffff:192.0.2.1")
    visitors.count(few, "::ffff:192.0.2.2")


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


@pytest.mark.parametrize(
    ("browser", "currency", "zone"),
    [
        ("es-MX,es;q=0.9", "MXN", "America/Mexico_City"),
        ("de-DE", "EUR", "Europe/Berlin"),
        ("en-GB,en;q=0.8", "GBP", "Europe/London"),
        ("en", "USD", "America/New_York"),
        ("fr-FR", "EUR", "Europe/Paris"),
        ("xx-YY;;;,,-", "USD", "UTC"),
    ],
)
def test_the_form_starts_with_what_the_browser_suggests(
    stranger: Client, browser: str, currency: str, zone: str
) -> None:
    page = stranger.get(START, headers={"accept-language": browser})

    initial = page.context["form"].initial
    assert initial["currency"] == currency
    assert initial["time_zone"] == zone


def test_the_landing_page_shows_the_prices_that_are_sold(stranger: Client) -> None:
    text = stranger.get("/", headers={"accept-language": "en-US"}).content.decode()

    for part in ("$39.00", "$119.00", "250 students included", "Start with Plus", "30 days free"):
        assert part in text
    assert (
        "39,00"
        in stranger.get(
            "/", headers={"accept-language": "es-ES", "cookie": "language=es"}
        ).content.decode()
    )


def test_the_landing_page_loads_nothing_from_elsewhere(stranger: Client) -> None:
    text = stranger.get("/").content.decode()

    assert not re.search(r'(?:src|href)="(?:https?:)?//', text)


@pytest.mark.parametrize(
    "text", ["lincoln", "Lincoln Elementary", "LINCOLN.testserver", "http://lincoln.testserver/x"]
)
def test_a_school_is_found_by_its_full_name_or_address(stranger: Client, text: str) -> None:
    page = stranger.get("/find/", {"q": text}).content.decode()

    assert "http://lincoln.testserver/sign-in/" in page


@pytest.mark.parametrize("text", ["linc", "", "%", "elementary", "\x00"])
def test_half_a_name_finds_nothing(stranger: Client, text: str) -> None:
    page = stranger.get("/find/", {"q": text})

    assert page.status_code == 200
    assert "/sign-in/" not in page.content.decode().split("<main", 1)[1]


def test_looking_for_schools_has_a_limit(stranger: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(visitors, "FIND_BY_ADDRESS", visitors.Limit("f", 1, timedelta(hours=1)))

    assert stranger.get("/find/?q=a").status_code == 200
    assert stranger.get("/find/?q=a").status_code == 429


@pytest.fixture(autouse=True)
def _language(settings: Any) -> Iterator[None]:
    from django.utils import translation

    yield
    translation.deactivate()
