"""What depends on the host: the primary address, TLS for subdomains, cookies."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from django.apps import apps
from django.conf import settings as django_settings
from django.test import Client

from apps.tenants import facade as tenants
from kernel.schools import in_public

OWN = "www.lincoln.example"


@pytest.fixture
def own_domain(db: None) -> Any:
    """Lincoln's own domain is its primary address."""
    with in_public():
        school = apps.get_model("tenants", "School").objects.get(pk=1)
        domain = apps.get_model("tenants", "Domain").objects.create(
            domain=OWN, tenant=school, is_primary=True
        )
        tenants.forget_hosts()
    return domain


def on(host: str) -> Client:
    return Client(headers={"host": host})


@pytest.mark.parametrize("path", ["/", "/news/?page=2", "/sign-in/?next=/portal/", "/portal/"])
def test_reading_on_another_address_leads_to_the_primary_one(own_domain: Any, path: str) -> None:
    answer = on("lincoln.testserver").get(path)

    assert answer.status_code == 301
    assert answer.headers["Location"] == f"http://{OWN}{path}"
    assert answer.headers["Cache-Control"] == "max-age=3600"
    assert on("lincoln.testserver").head(path).status_code == 301


def test_it_leads_to_the_school_and_nowhere_else(own_domain: Any) -> None:
    answer = on("lincoln.testserver").get("//evil.example/%2e%2e")

    assert answer.headers["Location"].startswith(f"http://{OWN}/")


def test_the_primary_address_answers_itself(own_domain: Any) -> None:
    assert on(OWN).get("/sign-in/").status_code == 200
    assert on(f"{OWN}:8000").get("/sign-in/").status_code == 200
    assert on(OWN.upper()).get("/sign-in/").status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("post", "/sign-in/", 200),
        ("get", "/api/v1/school/", 401),
        ("get", "/theme.css", 200),
        ("post", "/hooks/payments/nobody/", 404),
        ("get", "/hooks/payments/nobody/", 405),
        # where a payment began before the address changed; this browser has no session there
        ("get", f"/family/payments/{UUID(int=7)}/", 403),
    ],
)
def test_what_is_sent_or_machine_read_stays(
    own_domain: Any, method: str, path: str, status: int
) -> None:
    answer = getattr(on("lincoln.testserver"), method)(path)

    assert answer.status_code == status
    assert OWN not in answer.headers.get("Location", "")


def test_a_closed_school_says_so_on_every_address(own_domain: Any) -> None:
    with in_public():
        apps.get_model("tenants", "School").objects.filter(pk=1).update(status="suspended")
        tenants.forget_hosts()

    assert on("lincoln.testserver").get("/").status_code == 503
    assert on(OWN).get("/").status_code == 503


@pytest.mark.parametrize(
    ("host", "value"),
    [
        ("testserver", "max-age=600; includeSubDomains; preload"),
        ("lincoln.testserver", "max-age=600; includeSubDomains; preload"),
        (OWN, "max-age=600"),
        ("not-known-yet.example", "max-age=600"),
        ("nottestserver", "max-age=600"),
    ],
)
@pytest.mark.parametrize("path", ["/", "/static/css/base.css"])
def test_tls_is_demanded_for_our_own_subdomains_only(
    own_domain: Any, settings: Any, host: str, value: str, path: str
) -> None:
    settings.SECURE_HSTS_SECONDS = 600
    settings.SECURE_HSTS_INCLUDE_SUBDOMAINS = settings.SECURE_HSTS_PRELOAD = True

    answer = on(host).get(path, secure=True)

    assert answer.headers["Strict-Transport-Security"] == value


def test_cookies_belong_to_one_host(own_domain: Any) -> None:
    page = on(OWN).get("/sign-in/")

    assert page.cookies
    assert [morsel["domain"] for morsel in page.cookies.values()] == [""] * len(page.cookies)
    assert django_settings.SESSION_COOKIE_DOMAIN is None
    assert django_settings.CSRF_COOKIE_DOMAIN is None
