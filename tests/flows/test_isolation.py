"""What one school's keys open at another's: nothing. What a stranger sees of people: nothing."""

from __future__ import annotations

import pytest

from tests.flows.browserless import Visitor
from tests.flows.running import RunningStack

pytestmark = pytest.mark.flow


def tokens(running: RunningStack, school: str, email: str) -> dict[str, str]:
    answer = Visitor(school).send(
        "POST", "/api/v1/token/", json={"email": email, "password": running.password}
    )
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def test_a_token_opens_its_own_school_only(running: RunningStack) -> None:
    pair = tokens(running, running.lincoln, "bursar@lincoln.example")
    bearer = {"Authorization": f"Bearer {pair['access']}"}
    path = "/api/v1/students/"
    assert Visitor(running.lincoln).send("GET", path, headers=bearer).status_code == 200
    for elsewhere in (running.sanmartin, running.platform):
        answer = Visitor(elsewhere).send("GET", path, headers=bearer)
        assert answer.status_code in (401, 403, 404), (elsewhere, answer.text)
        assert "Adams" not in answer.text
    refresh = {"refresh": pair["refresh"]}
    answer = Visitor(running.sanmartin).send("POST", "/api/v1/token/refresh/", json=refresh)
    assert answer.status_code == 401
    assert answer.headers["Content-Type"].startswith("application/problem+json")


def test_a_session_opens_its_own_school_only(running: RunningStack) -> None:
    bursar = Visitor(running.lincoln)
    bursar.sign_in("bursar@lincoln.example", running.password)
    cookies = bursar.session(running.lincoln.removeprefix("http://")).cookies
    intruder = Visitor(running.sanmartin)
    intruder.session(running.sanmartin.removeprefix("http://")).cookies.update(cookies)
    page = intruder.open("/portal/students/")
    assert "/sign-in/" in page.url
    # ... and the attempt has not ended the session at home.
    assert bursar.open("/portal/students/").path == "/portal/students/"


def test_forged_forwarding_headers_change_no_school(running: RunningStack) -> None:
    bursar = Visitor(running.lincoln)
    bursar.sign_in("bursar@lincoln.example", running.password)
    forged = {"X-Forwarded-Host": running.sanmartin.removeprefix("http://")}
    page = bursar.request("GET", "/portal/", headers=forged)
    assert "Lincoln Elementary" in page.text


def test_a_stranger_sees_the_school_and_no_person(running: RunningStack) -> None:
    students = running.rows("lincoln", "SELECT first_name, last_name FROM students_student")
    guardians = running.rows("lincoln", "SELECT name, email FROM students_guardian")
    stranger = Visitor(running.lincoln)
    seen = [stranger.open(path) for path in ("/", "/news/", "/calendar/", "/staff/", "/documents/")]
    post = next(link for link in seen[1].links("/news/") if not link.endswith("/news/"))
    seen.append(stranger.open(post))
    feed = stranger.open("/calendar.ics")
    assert feed.headers["Content-Type"].startswith("text/calendar")
    assert "Lincoln Elementary" in seen[0].text
    for page in seen:
        assert page.status == 200, page.url
        for first, last in students:
            assert f"{first} {last}" not in page.text
        for name, email in guardians:
            assert name not in page.text
            assert not email or email not in page.text


@pytest.mark.parametrize(
    "path",
    ["/portal/", "/portal/students/", "/portal/fees/", "/portal/payments/", "/portal/messages/"],
)
def test_a_stranger_is_asked_to_sign_in(running: RunningStack, path: str) -> None:
    page = Visitor(running.lincoln).open(path)
    assert page.path == "/sign-in/"


def test_the_second_school_speaks_its_own_language_and_currency(running: RunningStack) -> None:
    stranger = Visitor(running.sanmartin)
    home = stranger.open("/")
    assert home.headers["Content-Language"] == "es"
    assert 'lang="es"' in home.html
    assert "Noticias" in home.text
    bursar = Visitor(running.sanmartin)
    portal = bursar.sign_in("bursar@sanmartin.example", running.password)
    assert portal.path == "/portal/"
    assert "€" in portal.text
