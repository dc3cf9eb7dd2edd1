"""The edge: trace ids, health, hosts, permissions, sizes, problem details."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory

from config.gateway import bodies, correlation
from config.gateway.address import client_address
from config.gateway.people import PermissionMiddleware, declared_permission
from config.logs import configure, loggable, without_links
from kernel.access import PUBLIC, Anonymous, access

TRACE = "0af7651916cd43dd8448eb211c80319c"


@pytest.mark.parametrize(
    ("header", "kept"),
    [
        (f"00-{TRACE}-b7ad6b7169203331-01", True),
        (f"00-{'0' * 32}-b7ad6b7169203331-01", False),
        ("garbage\r\nX: y", False),
        ("", False),
    ],
)
def test_trace_id_is_taken_from_a_valid_traceparent_only(header: str, kept: bool) -> None:
    trace_id = correlation.trace_id_of(header)
    assert (trace_id == TRACE) is kept
    assert len(trace_id) == 32


def test_the_answer_names_the_trace_id(anonymous: Callable[..., Client]) -> None:
    response = anonymous().get("/", headers={"traceparent": f"00-{TRACE}-b7ad6b7169203331-01"})
    assert response.headers["X-Request-ID"] == TRACE


@pytest.mark.parametrize(
    "path",
    [
        "/family/l/SECRET/",
        "/invitation/SECRET/",
        "/password/reset/SECRET/x",
        "/start/confirm/SECRET:1:x/",
        "/start/school/SECRET:1:x/",
    ],
)
def test_one_time_links_stay_out_of_the_log(path: str) -> None:
    assert "SECRET" not in loggable(path)
    assert loggable("/portal/fees/") == "/portal/fees/"


def test_an_error_report_holds_no_one_time_link() -> None:
    report = {
        "request": {"url": "https://lincoln.example/family/l/SECRET/", "method": "GET"},
        "breadcrumbs": {"values": [{"message": "Gone: /invitation/SECRET/", "level": 3}]},
    }
    assert without_links(report) == {
        "request": {"url": "https://lincoln.example/family/l/[token]/", "method": "GET"},
        "breadcrumbs": {"values": [{"message": "Gone: /invitation/[token]/", "level": 3}]},
    }


@pytest.mark.parametrize("as_json", [True, False])
def test_no_line_of_the_log_holds_a_one_time_link(
    anonymous: Callable[..., Client], settings: Any, capsys: Any, as_json: bool
) -> None:
    settings.LOG_JSON, settings.LOG_LEVEL = as_json, "INFO"
    before = logging.getLogger().handlers
    try:
        configure({})
        anonymous().get("/invitation/SECRET/")  # Django writes "Gone: <path>" of its own accord
        lines = capsys.readouterr().err
    finally:
        logging.getLogger().handlers = before
    assert "Gone: /invitation/[token]/" in lines
    assert "SECRET" not in lines


@pytest.mark.parametrize(
    ("forwarded", "proxies", "address"),
    [
        ("203.0.113.9", 1, "203.0.113.9"),
        ("1.2.3.4, 203.0.113.9", 1, "203.0.113.9"),  # the client's own claim is not believed
        ("203.0.113.9, 10.0.0.1", 2, "203.0.113.9"),
        ("203.0.113.9", 2, ""),
        ("not-an-address", 1, ""),
        ("", 1, ""),
    ],
)
def test_client_address_behind_proxies(forwarded: str, proxies: int, address: str) -> None:
    assert client_address(forwarded, proxies) == address


def test_health_answers_on_any_host(db: None) -> None:
    client = Client(headers={"host": "10.0.0.7"})
    assert client.get("/livez").content == b"ok"
    ready = client.get("/readyz")
    assert ready.status_code == 200
    assert ready.json() == {
        "ready": True,
        "checks": {"database": "ok", "migrations": "ok", "redis": "ok"},
    }


def test_readiness_comes_back_after_postgresql_did(db: None) -> None:
    client = Client()
    assert client.get("/readyz").status_code == 200
    with connection.cursor() as cursor:  # what a restart does to every connection
        # All are of one login, on the platform's side of which this connection stands.
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND usename = session_user"
            " AND pid <> pg_backend_pid()"
        )
    assert client.get("/readyz").status_code == 200


def test_readiness_says_which_part_is_away(db: None, settings: Any) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    response = Client().get("/readyz")
    assert response.status_code == 503
    assert response.json()["checks"]["redis"] == "ConnectionError"


@pytest.mark.parametrize("host", ["nobody.testserver", "evil.example", "lincoln.testserver.evil"])
def test_an_unknown_host_is_nobodys(db: None, host: str) -> None:
    response = Client(headers={"host": host}).get("/")
    assert response.status_code == 404
    assert b"Lincoln" not in response.content


def test_forwarded_host_is_not_believed(anonymous: Callable[..., Client]) -> None:
    page = anonymous().get("/", headers={"x-forwarded-host": "sanmartin.testserver"})
    assert b"Lincoln" in page.content
    assert "San Martín".encode() not in page.content


def test_the_school_speaks_its_language(
    anonymous: Callable[..., Client], other_school: Any
) -> None:
    assert anonymous().get("/").headers["Content-Language"] == "en"
    assert anonymous(other_school).get("/").headers["Content-Language"] == "es"


def test_a_view_without_permission_is_refused() -> None:
    def forgotten(request: HttpRequest) -> HttpResponse:
        return HttpResponse()

    @access(PUBLIC)
    def declared(request: HttpRequest) -> HttpResponse:
        return HttpResponse()

    request = RequestFactory().get("/")
    request.user = Anonymous()
    gate = PermissionMiddleware(lambda _: HttpResponse())
    assert declared_permission(declared) == PUBLIC
    assert gate.process_view(request, declared, (), {}) is None
    with pytest.raises(PermissionDenied):
        gate.process_view(request, forgotten, (), {})


def test_a_stranger_is_sent_to_sign_in_and_back(anonymous: Callable[..., Client]) -> None:
    response = anonymous().get("/portal/?a=1")
    assert response.status_code == 302
    assert response.url == "/sign-in/?next=/portal/%3Fa%3D1"


def test_a_session_of_another_school_counts_for_nothing(
    client_for: Callable[..., Client], other_school: Any
) -> None:
    client = client_for("admin")
    assert client.get("/portal/").status_code == 200
    response = client.get("/portal/", headers={"host": "sanmartin.testserver"})
    assert response.status_code == 302
    assert response.url.startswith("/sign-in/")


@pytest.mark.parametrize("length", ["abc", "", "-5", None])
def test_odd_content_lengths_are_no_error(length: str | None) -> None:
    request = RequestFactory().get("/")
    request.META["CONTENT_LENGTH"] = length
    assert bodies.content_length(request) == 0


def test_a_huge_upload_gets_a_clear_answer(
    client_for: Callable[..., Client], settings: Any
) -> None:
    settings.UPLOAD_MAX_BYTES = 1000
    response = client_for("admin").post("/portal/", {"file": "x" * 2000})
    assert response.status_code == 413
    assert "larger than" in response.content.decode()


PROBLEM = "application/problem+json"


def test_api_errors_are_problem_details(
    api_for: Callable[..., Any], anonymous: Callable[..., Client]
) -> None:
    api = api_for("admin")
    missing = api.get("/api/v1/nothing-here/")
    wrong_method = api.delete("/api/v1/students/")
    no_token = anonymous().get("/api/v1/students/")
    no_json = api.post("/api/v1/students/", "{", content_type="application/json")
    deep_json = api.post("/api/v1/students/", "[" * 5000, content_type="application/json")
    for response, status in (
        (missing, 404),
        (wrong_method, 405),
        (no_token, 401),
        (no_json, 400),
        (deep_json, 400),
    ):
        assert response.status_code == status
        assert response.headers["Content-Type"].startswith(PROBLEM)
        body = response.json()
        assert body["status"] == status
        assert body["title"]
        assert body["detail"]
    assert "Bearer" in no_token.headers["WWW-Authenticate"]


def test_the_api_document_is_open_and_has_refusals(anonymous: Callable[..., Client]) -> None:
    document = anonymous().get("/api/schema/", headers={"accept": "application/json"})
    assert document.status_code == 200
    schema = document.json()
    assert schema["openapi"].startswith("3.1")
    refusal = schema["paths"]["/api/v1/students/"]["get"]["responses"]["401"]
    assert PROBLEM in refusal["content"]
    assert anonymous().get("/api/docs/").status_code == 200
    assert anonymous().options("/api/docs/").status_code == 405


def test_pages_carry_a_strict_policy(anonymous: Callable[..., Client]) -> None:
    policy = anonymous().get("/").headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy


def test_nothing_is_at_an_address_with_a_nul(anonymous: Callable[..., Client]) -> None:
    client = anonymous()
    assert client.post("/hooks/payments/a%00b/", b"{}", content_type="text/json").status_code == 404
    assert client.get("/family/l/a%00b/").status_code == 404


def test_a_closed_school_tells_machines_in_their_language(
    school: Any, anonymous: Callable[..., Client]
) -> None:
    from django_tenants.utils import get_tenant_model

    school_client = anonymous()
    connection.set_schema_to_public()
    get_tenant_model().objects.filter(pk=school.pk).update(status="suspended")
    response = school_client.get("/api/v1/students/")
    assert response.status_code == 503
    assert response.headers["Content-Type"].startswith(PROBLEM)
    page = school_client.get("/")
    assert page.status_code == 503
    assert page.headers["Content-Type"].startswith("text/html")
