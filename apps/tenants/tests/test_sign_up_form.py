"""The form that asks for a school: what it suggests, refuses and limits."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from apps.tenants.models import SignUp
from apps.tenants.services import visitors
from apps.tenants.services.sign_ups import names, requests
from apps.tenants.tests.signing_up import FORM, SENT, START, path_in
from kernel.schools import in_public


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
