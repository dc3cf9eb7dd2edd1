"""What a page does under the fingers: keyboard, double clicks, waiting, dialogs, no script."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.browser.conftest import DESK, PHONE
from tests.browser.eyes import Watched
from tests.flows.families import OWED, Billed, Family, dollars
from tests.flows.letters import link_in
from tests.flows.running import RunningStack

pytestmark = pytest.mark.browser

People = Callable[..., Watched]
RING = """() => {
  const style = getComputedStyle(document.activeElement);
  const ring = parseFloat(style.outlineWidth) > 0 && style.outlineStyle !== 'none';
  return ring || style.boxShadow !== 'none';
}"""
FOCUS = "() => document.activeElement.id || document.activeElement.tagName"


@pytest.mark.parametrize("path", ["/", "/portal/", "/family/"])
def test_the_first_tab_skips_to_the_content(
    running: RunningStack, person: People, path: str
) -> None:
    somebody = person(DESK)
    somebody.sign_in(running.lincoln, "admin@lincoln.example")
    somebody.open(running.lincoln + path)
    page = somebody.page
    page.keyboard.press("Tab")
    skip = page.locator(".skip-link")
    assert skip.evaluate("one => one === document.activeElement")
    box = skip.bounding_box()
    assert box["y"] >= 0
    assert page.evaluate(RING)
    page.keyboard.press("Enter")
    assert page.evaluate(FOCUS) == "main"


def test_focus_is_visible_on_everything_one_can_reach(
    running: RunningStack, person: People
) -> None:
    somebody = person(DESK)
    somebody.sign_in(running.lincoln, "bursar@lincoln.example")
    somebody.open(f"{running.lincoln}/portal/students/")
    without_ring = []
    for _ in range(30):
        somebody.page.keyboard.press("Tab")
        if not somebody.page.evaluate(RING):
            without_ring.append(somebody.page.evaluate("document.activeElement.outerHTML")[:120])
    assert without_ring == []


def test_the_menu_on_a_phone_opens_and_closes(running: RunningStack, person: People) -> None:
    bursar = person(PHONE)
    bursar.sign_in(running.lincoln, "bursar@lincoln.example")
    menu = bursar.page.locator("#portal-nav .sidebar-nav")
    assert not menu.is_visible() or menu.bounding_box()["x"] < 0
    bursar.page.get_by_label("Menu").first.click()
    bursar.page.get_by_role("link", name="Payments", exact=True).click()
    bursar.page.wait_for_url("**/portal/payments/")


def test_searching_students_needs_no_reload(running: RunningStack, person: People) -> None:
    bursar = person(DESK)
    bursar.sign_in(running.lincoln, "bursar@lincoln.example")
    bursar.open(f"{running.lincoln}/portal/students/")
    bursar.page.evaluate("window.sameDocument = true")
    number = bursar.page.locator("tbody tr").nth(5).locator("td").first.inner_text()
    bursar.page.locator("main input[type=search]").press_sequentially(number)
    bursar.page.locator("tbody tr").nth(1).wait_for(state="detached")
    assert number in bursar.page.locator("tbody").inner_text()
    assert bursar.page.evaluate("window.sameDocument")


def test_a_double_click_on_pay_is_one_payment(family: Family, person: People) -> None:
    parent = person(PHONE)
    parent.open(family.link)
    parent.page.get_by_role("button", name=f"Pay {dollars(OWED)}").dblclick()
    parent.page.get_by_text("No card is asked for").wait_for()
    assert len(family.payments()) == 1
    parent.page.get_by_role("button", name="Pay 2").dblclick()
    parent.page.get_by_role("heading", name="Paid:").wait_for()
    assert [(row[1], row[2]) for row in family.payments()] == [("captured", OWED)]


def test_a_payment_that_takes_time_changes_the_page_by_itself(
    family: Family, person: People
) -> None:
    parent = person(PHONE)
    parent.open(family.link)
    parent.press("Pay $")
    parent.page.get_by_role("button", name="the bank confirms").click()
    parent.page.get_by_role("heading", name="being confirmed").wait_for()
    problems = parent.look("being-confirmed")
    parent.page.get_by_role("heading", name="Paid:").wait_for(timeout=20_000)
    assert problems == []


def test_declined_then_given_up(family: Family, person: People) -> None:
    parent = person(PHONE)
    parent.open(family.link)
    parent.press("Pay $")
    parent.press("Decline the card")
    parent.page.get_by_text("The card was declined").wait_for()
    problems = parent.look("hosted-declined")
    parent.press("Cancel and go back")
    parent.page.get_by_role("heading", name="declined").wait_for()
    problems += parent.look("declined")
    parent.press("Cancel this payment")
    parent.page.get_by_role("heading", name="cancelled").wait_for()
    problems += parent.look("cancelled")
    assert family.owed() == OWED
    assert problems == []


def test_the_back_button_after_paying_does_not_pay_again(family: Family, person: People) -> None:
    parent = person(PHONE)
    parent.open(family.link)
    parent.press("Pay $")
    parent.page.get_by_role("button", name="Pay 2").click()
    parent.page.get_by_role("heading", name="Paid:").wait_for()
    parent.page.go_back()
    parent.page.get_by_text("This has been paid.").wait_for()
    parent.page.go_back()
    pay = parent.page.get_by_role("button", name="Pay $")
    if pay.count() and pay.is_visible():
        pay.click()
        parent.page.wait_for_load_state()
    assert len(family.payments()) == 1


def test_another_guardian_is_told_to_wait(billed: Billed, family: Family, person: People) -> None:
    letter = billed.eventually(lambda: billed.letters.to(family.other_email))[0]
    other = person(PHONE)
    other.open(link_in(letter, "/family/l/"))
    family.start_paying()
    other.press("Pay $")
    other.page.get_by_role("heading", name="Being paid now").wait_for()
    problems = other.look("in-progress")
    other.press("Look again")
    other.page.get_by_text("Being paid now by another guardian").wait_for()
    assert other.page.get_by_role("button", name="Pay $").count() == 0
    problems += other.look("being-paid")
    assert problems == []
    assert len(family.payments()) == 1


def test_all_works_without_script(family: Family, person: People) -> None:
    parent = person(PHONE, java_script_enabled=False)
    parent.open(family.link)
    parent.press("Pay $")
    parent.page.get_by_role("button", name="Pay 2").click()
    parent.page.get_by_role("heading", name="Paid:").wait_for()

    bursar = person(DESK, java_script_enabled=False)
    bursar.sign_in(family.school.address, "bursar@brook.example")
    bursar.open(f"{family.school.address}/portal/students/?q=Ada03")
    assert bursar.page.locator("tbody tr").count() == 1
    bursar.open(f"{family.school.address}/portal/fees/runs/")
    bursar.page.locator("tbody th a").first.click()
    bursar.press("Reverse…")
    bursar.page.get_by_role("button", name="Reverse").last.wait_for()


def test_escape_closes_a_question(billed: Billed, person: People) -> None:
    bursar = person(DESK)
    bursar.sign_in(billed.school.address, "bursar@brook.example")
    bursar.open(f"{billed.school.address}/portal/fees/runs/")
    bursar.page.locator("tbody th a").first.click()
    bursar.press("Reverse…")
    dialog = bursar.page.get_by_role("dialog")
    dialog.wait_for()
    assert dialog.evaluate("one => one.contains(document.activeElement)")
    bursar.page.keyboard.press("Escape")
    dialog.wait_for(state="hidden")
    assert bursar.page.evaluate("document.activeElement.textContent").strip() == "Reverse…"
