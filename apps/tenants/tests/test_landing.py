"""The landing page: prices, and the way to a school one knows."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.test import Client

from apps.tenants.services import visitors


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
