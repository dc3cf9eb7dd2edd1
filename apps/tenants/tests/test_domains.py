"""The host names of a school: which can be had, and when one leads to the school."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from django.test import Client

from apps.tenants import facade as tenants
from apps.tenants.models import Domain, OperatorAction, School
from apps.tenants.services import reach
from apps.tenants.services.domains import (
    add_domain,
    check_domain,
    check_domain_name,
    make_primary,
    remove_domain,
)
from apps.tenants.tests.factories import SchoolFactory
from kernel.errors import Conflict, Invalid, NotFound, Unavailable

OWN = "www.riverside.example"


def add(domain: str = OWN, **more: Any) -> Domain:
    return add_domain(**{"school_id": 1, "domain": domain, "actor": "olive", **more})


def check(domain: str = OWN, school_id: int = 1) -> Domain:
    return check_domain(school_id=school_id, domain=domain, actor="olive")


@pytest.fixture
def reaches_us(monkeypatch: pytest.MonkeyPatch) -> None:
    """The network leads every domain here: requests go to this process's own views."""

    def ask(domain: str, path: str) -> tuple[int, str]:
        answer = Client(headers={"host": domain}).get(path)
        return answer.status_code, answer.content.decode()

    monkeypatch.setattr(reach, "_ask", ask)


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("www.riverside.example", "www.riverside.example"),
        (" WWW.Riverside.EXAMPLE. ", "www.riverside.example"),
        ("colegio-niños.example", "xn--colegio-nios-jhb.example"),
        ("学校.example", "xn--48s290a.example"),
        ("a.b.c.d.example", "a.b.c.d.example"),
        ("lincoln.testserver", "lincoln.testserver"),
    ],
)
def test_domains_as_dns_has_them(typed: str, name: str) -> None:
    assert check_domain_name(typed, slug="lincoln") == name


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "riverside",
        "http://riverside.example",
        "riverside.example/",
        "riverside.example:8000",
        "-a.example",
        "a..example",
        "127.0.0.1",
        "::1",
        "[::1]",
        "a b.example",
        "*.riverside.example",
        "x" * 64 + ".example",
        ".".join(["abcdefgh"] * 32) + ".example",
        "riverside.example\n",
        "a\x00b.example",
        "under_score.example",
        "💥.example",
        # the platform's own
        "testserver",
        "sanmartin.testserver",
        "www.testserver",
        "a.lincoln.testserver",
    ],
)
def test_what_cannot_be_a_schools_domain(db: None, typed: str) -> None:
    if typed.endswith("\n"):
        assert add(typed).domain == "riverside.example", "spaces around it do not matter"
        return
    with pytest.raises(Invalid) as refused:
        add(typed)

    assert refused.value.field == "domain"
    assert Domain.objects.filter(tenant=1).count() == 1


def test_until_it_is_checked_it_leads_nowhere(db: None, published: Callable[..., Any]) -> None:
    row = add()

    assert row.challenge
    assert tenants.find_school_by_host(OWN) is None
    assert Client(headers={"host": OWN}).get("/").status_code == 404
    assert published("tenants.domain_added") == []


def test_checked_it_leads_to_the_school(
    db: None, reaches_us: None, published: Callable[..., Any]
) -> None:
    add()
    assert tenants.find_school_by_host(OWN) is None

    assert check().challenge == ""

    assert tenants.find_school_by_host(OWN) == School.objects.get(pk=1)
    assert published("tenants.domain_added") == [
        {"school_id": 1, "domain": OWN, "is_primary": False}
    ]
    actions = OperatorAction.objects.filter(school_id=1).order_by("at")
    assert [(a.action, a.detail["domain"]) for a in actions] == [
        ("domain.added", OWN),
        ("domain.checked", OWN),
    ]
    assert check().challenge == "", "once more asks nobody"


def test_adding_once_more_changes_nothing(db: None) -> None:
    first = add()

    assert add().challenge == first.challenge
    assert OperatorAction.objects.filter(school_id=1).count() == 1


def test_one_that_the_operator_vouches_for_is_not_asked(db: None) -> None:
    add()
    row = add(trusted=True)

    assert row.challenge == ""
    assert tenants.find_school_by_host(OWN) is not None
    assert OperatorAction.objects.filter(detail__vouched_for=True).count() == 1


def test_the_schools_own_short_name_needs_no_check(db: None) -> None:
    Domain.objects.filter(tenant=1).update(domain="www.riverside.example")

    assert add("lincoln.testserver").challenge == ""


@pytest.mark.parametrize("waiting", [True, False])
def test_another_schools_domain_cannot_be_had(db: None, waiting: bool) -> None:
    add(school_id=2, trusted=not waiting)

    with pytest.raises(Conflict) as refused:
        add()

    assert refused.value.code == "domain_taken"
    assert "Martín" not in str(refused.value)


def test_a_domain_that_another_school_noted_is_not_ours_to_check(
    db: None, reaches_us: None
) -> None:
    add(school_id=2)

    with pytest.raises(NotFound):
        check()


def test_the_primary_one_is_the_schools_address(db: None, reaches_us: None) -> None:
    add()
    with pytest.raises(Conflict, match="check it first"):
        make_primary(school_id=1, domain=OWN, actor="olive")
    check()

    make_primary(school_id=1, domain=OWN, actor="olive")

    school = School.objects.get(pk=1)
    assert school.primary_host == OWN
    primary = Domain.objects.filter(tenant=1, is_primary=True).values_list("domain", flat=True)
    assert list(primary) == [OWN]
    found = tenants.find_school_by_host("lincoln.testserver")
    assert found is not None
    assert found.primary_host == OWN


def test_removed_it_leads_nowhere_at_once(
    db: None, reaches_us: None, published: Callable[..., Any]
) -> None:
    add()
    check()
    assert tenants.find_school_by_host(OWN) is not None

    remove_domain(school_id=1, domain=OWN.upper(), actor="olive")

    assert tenants.find_school_by_host(OWN) is None
    assert published("tenants.domain_removed") == [{"school_id": 1, "domain": OWN}]


def test_the_primary_one_cannot_be_removed(db: None) -> None:
    with pytest.raises(Conflict, match="primary"):
        remove_domain(school_id=1, domain="lincoln.testserver", actor="olive")
    with pytest.raises(NotFound):
        remove_domain(school_id=1, domain="nobodys.example", actor="olive")
    with pytest.raises(NotFound):
        remove_domain(school_id=1, domain="sanmartin.testserver", actor="olive")


def test_a_school_that_is_being_deleted_gets_no_new_address(db: None) -> None:
    School.objects.filter(pk=1).update(status="deleting")

    with pytest.raises(Conflict):
        add()


# The question over the network ------------------------------------------------------------------


@pytest.fixture
def server(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """A server on loopback to which every name leads; answers with what is put in."""
    says: dict[str, Any] = {"status": 200, "body": b"", "asked": []}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            says["asked"].append((self.headers["Host"], self.path))
            self.send_response(says["status"])
            self.send_header("Location", "https://elsewhere.example/")
            self.end_headers()
            self.wfile.write(says["body"])

        def log_message(self, *args: Any) -> None:
            pass

    running = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    settings.PUBLIC_PORT = f":{running.server_port}"
    settings.DOMAINS_MAY_BE_PRIVATE = True
    _names_lead_to(monkeypatch, "127.0.0.1")
    yield says
    running.shutdown()
    thread.join()
    running.server_close()


def _names_lead_to(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    def look_up(host: str, port: int, *_args: Any, **_more: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    monkeypatch.setattr(reach.socket, "getaddrinfo", look_up)


def test_the_domain_is_asked_as_a_visitor_would(server: dict[str, Any], settings: Any) -> None:
    server["body"] = reach.answer_to(OWN, "word").encode()

    reach.check_reaches_us(OWN, "word")

    assert server["asked"] == [(f"{OWN}{settings.PUBLIC_PORT}", "/.well-known/homeroom/word")]


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, b"word"),
        (200, b""),
        (200, b"\xff\xfe"),
        (200, b"x" * 10_000),
        (404, b"right"),
        (301, b"right"),
        (503, b""),
    ],
)
def test_any_other_answer_is_not_ours(server: dict[str, Any], status: int, body: bytes) -> None:
    right = reach.answer_to(OWN, "word").encode()
    server.update(status=status, body=right if body == b"right" else body)

    with pytest.raises(Unavailable) as refused:
        reach.check_reaches_us(OWN, "word")

    assert refused.value.code == "leads_elsewhere"


def test_the_answer_of_one_domain_is_no_good_for_another(server: dict[str, Any]) -> None:
    server["body"] = reach.answer_to("other.example", "word").encode()

    with pytest.raises(Unavailable):
        reach.check_reaches_us(OWN, "word")


@pytest.mark.parametrize(
    "address", ["127.0.0.1", "10.0.0.5", "192.168.1.1", "169.254.169.254", "0.0.0.0"]
)
def test_our_own_network_is_not_asked(
    server: dict[str, Any], settings: Any, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    settings.DOMAINS_MAY_BE_PRIVATE = False
    _names_lead_to(monkeypatch, address)

    with pytest.raises(Unavailable, match="not a public address"):
        reach.check_reaches_us(OWN, "word")

    assert server["asked"] == []


def test_a_domain_without_dns_and_one_that_does_not_answer(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.DOMAINS_MAY_BE_PRIVATE = True
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        settings.PUBLIC_PORT = f":{probe.getsockname()[1]}"
        _names_lead_to(monkeypatch, "127.0.0.1")
        with pytest.raises(Unavailable, match="does not answer on port"):
            reach.check_reaches_us(OWN, "word")

    def nothing(*_args: Any, **_more: Any) -> list[Any]:
        raise socket.gaierror("no such name")

    monkeypatch.setattr(reach.socket, "getaddrinfo", nothing)
    with pytest.raises(Unavailable, match="no DNS record"):
        reach.check_reaches_us(OWN, "word")


def test_the_challenge_is_answered_on_its_own_host_only(db: None) -> None:
    row = add()
    path = f"/.well-known/homeroom/{row.challenge}"

    right = Client(headers={"host": OWN}).get(path)

    assert (right.status_code, right.content.decode()) == (200, reach.answer_to(OWN, row.challenge))
    assert right.headers["Cache-Control"] == "no-store"
    assert Client(headers={"host": "lincoln.testserver"}).get(path).status_code == 404
    assert Client(headers={"host": OWN}).get("/.well-known/homeroom/").status_code == 404
    assert Client(headers={"host": OWN}).get("/.well-known/homeroom/x%00y").status_code == 404
    assert Client(headers={"host": "no such host"}).get(path).status_code == 404


def test_the_challenge_needs_no_tls(db: None, settings: Any) -> None:
    settings.SECURE_SSL_REDIRECT = True
    row = add()

    answer = Client(headers={"host": OWN}).get(f"/.well-known/homeroom/{row.challenge}")

    assert answer.status_code == 200


def test_a_school_is_found_by_what_an_operator_types(db: None) -> None:
    from apps.tenants.selectors import find_school

    SchoolFactory(slug="riverside", host="riverside.example")
    add("www.lincoln.example", trusted=True)

    for text in ("lincoln", "LINCOLN", " t_000001 ", "lincoln.testserver", "www.lincoln.example"):
        assert find_school(text).id == 1
    assert find_school("http://lincoln.testserver:8000/portal/").id == 1
    assert find_school("riverside").slug == "riverside"
    for text in ("", "nobody", "Lincoln Elementary", "t_1", "x\x1b[31m"):
        with pytest.raises(NotFound) as refused:
            find_school(text)
        assert "\x1b" not in str(refused.value)
