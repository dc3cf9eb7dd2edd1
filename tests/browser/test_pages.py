"""Each main page at both widths: accessible, no sideways scrolling, nothing in the console."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.browser.conftest import DESK, PHONE
from tests.browser.eyes import Watched
from tests.flows.families import Billed
from tests.flows.running import RunningStack

pytestmark = pytest.mark.browser

People = Callable[..., Watched]
WIDTHS = pytest.mark.parametrize("width", [DESK, PHONE])

PUBLIC = {
    "public-home": "/", "news": "/news/", "calendar": "/calendar/", "staff": "/staff/",
    "documents": "/documents/", "sign-in": "/sign-in/", "forgotten": "/password/forgotten/",
    "family-way-in": "/family/", "not-found": "/no-such-page/",
}  # fmt: skip
ADMIN = {
    "portal-home": "/portal/", "people": "/portal/people/", "invite": "/portal/people/invite/",
    "settings": "/portal/settings/", "website": "/portal/website/",
    "website-news": "/portal/website/news/", "website-news-new": "/portal/website/news/new/",
    "website-pages": "/portal/website/pages/", "website-staff": "/portal/website/staff/",
    "website-documents": "/portal/website/documents/", "activities": "/portal/activities/",
    "account": "/account/", "student-add": "/portal/students/add/",
    "accounts-of-gateways": "/portal/payments/accounts/",
}  # fmt: skip
BURSAR = {
    "students": "/portal/students/", "classes": "/portal/students/classes/",
    "guardians": "/portal/students/guardians/",
    "import": "/portal/students/import/", "fees": "/portal/fees/", "fee-new": "/portal/fees/new/",
    "bill": "/portal/fees/bill/", "runs": "/portal/fees/runs/",
    "invoices": "/portal/fees/invoices/", "payments": "/portal/payments/",
    "disputes": "/portal/payments/disputes/", "messages": "/portal/messages/",
}  # fmt: skip
# The first page that a list leads to.
DETAILS = {
    "student": ("/portal/students/", "tbody th a"),
    "class": ("/portal/students/classes/", "tbody th a"),
    "guardian": ("/portal/students/guardians/", "tbody th a"),
    "import-done": ("/portal/students/import/", "tbody th a"),
    "run": ("/portal/fees/runs/", "tbody th a"),
    "invoice": ("/portal/fees/invoices/", "tbody th a"),
    "payment": ("/portal/payments/", "tbody th a"),
    "dispute": ("/portal/payments/disputes/", "tbody th a"),
    "message": ("/portal/messages/", "tbody a"),
}


def look_at_all(somebody: Watched, school: str, pages: dict[str, str]) -> list[str]:
    problems: list[str] = []
    for name, path in pages.items():
        answer = somebody.open(school + path)
        expected = {"not-found": 404, "family-way-in": 403}.get(name, 200)
        if answer.status != expected:
            problems.append(f"{name}: {answer.status} on {path}")
        problems += somebody.look(name)
    return problems


@WIDTHS
def test_public_pages(running: RunningStack, person: People, width: int) -> None:
    stranger = person(width)
    problems = look_at_all(stranger, running.lincoln, PUBLIC)
    stranger.open(f"{running.lincoln}/news/")
    stranger.page.locator("main article a, main .card a, main h2 a").first.click()
    problems += stranger.look("news-post")
    stranger.open(running.platform)
    problems += stranger.look("platform-landing")
    assert problems == []


@WIDTHS
def test_pages_of_the_administrator(running: RunningStack, person: People, width: int) -> None:
    admin = person(width)
    admin.sign_in(running.lincoln, "admin@lincoln.example")
    assert look_at_all(admin, running.lincoln, ADMIN) == []


@WIDTHS
def test_pages_of_the_bursar(running: RunningStack, person: People, width: int) -> None:
    bursar = person(width)
    bursar.sign_in(running.lincoln, "bursar@lincoln.example")
    problems = look_at_all(bursar, running.lincoln, BURSAR)
    for name, (path, link) in DETAILS.items():
        bursar.open(running.lincoln + path)
        bursar.open(running.lincoln + bursar.page.locator(link).first.get_attribute("href"))
        problems += bursar.look(name)
    assert problems == []


@WIDTHS
def test_ledger_refund_and_counter_pages(billed: Billed, person: People, width: int) -> None:
    family = billed.next_family()
    family.visitor.press(family.start_paying(), "Pay 2")
    billed.eventually(lambda: family.owed() == 0)
    bursar = person(width)
    bursar.sign_in(billed.school.address, "bursar@brook.example")
    ledger = f"{billed.school.address}/portal/fees/students/{family.student_id()}/"
    bursar.open(ledger)
    problems = bursar.look("ledger")
    bursar.press("Refund")
    problems += bursar.look("refund")
    bursar.page.locator("[name=reason]").fill("Moved away")
    bursar.press("Go on")
    problems += bursar.look("refund-confirm")
    bursar.open(ledger)
    bursar.press("Record a payment")
    problems += bursar.look("record-payment")
    assert problems == []


@WIDTHS
def test_pages_of_a_saved_card(billed: Billed, person: People, width: int) -> None:
    family = billed.next_family()
    parent = person(width)
    parent.open(family.link)
    parent.page.locator("#choose summary").click()
    parent.page.locator("#choose [name=invoices]").first.uncheck()
    parent.page.locator("#choose [name=keep_card]").check()
    parent.press("Pay what I chose")
    parent.press("Pay ")
    parent.page.get_by_role("heading", name="Paid:").wait_for()
    parent.open(f"{billed.school.address}/family/")
    problems = parent.look("family-with-card")
    parent.press("with Visa")
    problems += parent.look("family-pay-with-card")
    parent.press("Charge $")
    parent.page.get_by_role("heading", name="Paid:").wait_for()
    problems += parent.look("family-charged")
    assert family.owed() == 0
    parent.open(f"{billed.school.address}/family/cards/")
    parent.page.get_by_text("Turn automatic payment on").click()
    problems += parent.look("family-cards")
    parent.page.get_by_label("I allow").check()
    parent.press("Turn it on")
    problems += parent.look("family-autopay")
    parent.press("Turn automatic payment off")
    parent.page.get_by_text("No card is charged any more").wait_for()
    assert problems == []


@WIDTHS
def test_operator_console(running: RunningStack, person: People, width: int) -> None:
    operator = person(width)
    operator.sign_in(running.platform, "operator@homeroom.example")
    pages = {
        "operator": "/operator/", "operator-schools": "/operator/schools/",
        "operator-new": "/operator/schools/new/", "operator-work": "/operator/operations/",
        "operator-plans": "/operator/plans/", "operator-invoices": "/operator/invoices/",
        "operator-sign-ups": "/operator/sign-ups/", "operator-events": "/operator/events/",
        "operator-events-platform": "/operator/events/platform/",
    }  # fmt: skip
    problems = look_at_all(operator, running.platform, pages)
    operator.open(f"{running.platform}/operator/schools/")
    operator.page.locator("tbody th a").first.click()
    school = urlsplit(operator.page.url).path
    problems += operator.look("operator-school")
    parts = ("history", "operations", "plan", "backups", "domains", "events", "suspend", "delete")
    pages = {f"operator-school-{part}": f"{school}{part}/" for part in parts}
    problems += look_at_all(operator, running.platform, pages)
    operator.open(f"{running.platform}/mailbox/")
    problems += operator.look("mailbox")
    assert problems == []


@WIDTHS
def test_a_parent_with_an_account(running: RunningStack, person: People, width: int) -> None:
    parent = person(width)
    parent.sign_in(running.lincoln, "parent@lincoln.example")
    pages = {
        "family-signed-in": "/family/", "family-history": "/family/history/",
        "family-activities": "/family/activities/", "family-autopay-on": "/family/cards/",
    }  # fmt: skip
    assert look_at_all(parent, running.lincoln, pages) == []


@WIDTHS
def test_the_second_school(running: RunningStack, person: People, width: int) -> None:
    """Longer words, another currency: nothing may break out of its box."""
    bursar = person(width)
    bursar.sign_in(running.sanmartin, "bursar@sanmartin.example")
    pages = {f"es-{name}": path for name, path in {
        "home": "/", "portal": "/portal/", "students": "/portal/students/", "fees": "/portal/fees/",
        "import": "/portal/students/import/", "payments": "/portal/payments/",
    }.items()}  # fmt: skip
    problems = look_at_all(bursar, running.sanmartin, pages)
    assert bursar.page.locator("html").get_attribute("lang") == "es"
    assert problems == []


def test_dark_pages_are_readable_too(running: RunningStack, person: People) -> None:
    bursar: Any = person(DESK, color_scheme="dark")
    bursar.sign_in(running.lincoln, "bursar@lincoln.example")
    pages = {"dark-portal": "/portal/", "dark-students": "/portal/students/",
             "dark-fees": "/portal/fees/", "dark-site": "/"}  # fmt: skip
    assert look_at_all(bursar, running.lincoln, pages) == []
