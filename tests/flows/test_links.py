"""Family links: expired, tampered, revoked, or of another school."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.flows.browserless import Visitor
from tests.flows.families import OWED, Billed, Family, amounts
from tests.flows.letters import Letters, link_in

pytestmark = pytest.mark.flow


def change_link(family: Family, values: str) -> None:
    family.school.running.python(
        "from apps.fees.models import FamilyLink\n"
        "from apps.students.models import Guardian\n"
        "from django.utils import timezone\n"
        "from datetime import timedelta\n"
        f"g = Guardian.objects.get(email={family.email!r})\n"
        f"FamilyLink.objects.filter(guardian_id=g.id).update({values})",
        school=family.school.slug,
    )


def assert_refused(visitor: Visitor, link: str, family: Family) -> None:
    page = visitor.open(link)
    assert page.status == 403
    assert "no longer works" in page.text or "Open your family" in page.text
    assert "Send me a fresh link" in page.text
    assert "Ada" not in page.text
    assert "$" not in page.text
    assert visitor.open("/family/").status == 403


def test_a_tampered_link_opens_nothing(onlooker: Family) -> None:
    token = onlooker.link.rstrip("/").rsplit("/", 1)[1]
    raw, signature = token.split(".")
    flipped = "A" if raw[5] != "A" else "B"
    for bad in (
        f"{raw[:5]}{flipped}{raw[6:]}.{signature}", f"{raw}.{signature[:-2]}xx", raw, f"{raw}.",
        "..", "é" * 40, "x" * 500,
    ):  # fmt: skip
        visitor = Visitor(onlooker.school.address)
        assert_refused(visitor, onlooker.link.replace(token, bad), onlooker)


def test_another_schools_link_opens_nothing(onlooker: Family) -> None:
    running = onlooker.school.running
    path = onlooker.link.removeprefix(onlooker.school.address)
    assert_refused(Visitor(running.lincoln), running.lincoln + path, onlooker)
    assert Visitor(running.platform).open(running.platform + path).status == 404


def test_an_expired_link_offers_a_fresh_one(
    billed: Billed, family: Family, letters: Letters, eventually: Callable[..., Any]
) -> None:
    opened = family.balance()
    assert amounts(opened.text)[0] == OWED
    change_link(family, "expires_at=timezone.now(), created_at=timezone.now()-timedelta(days=60)")
    # The page that is already open closes too, and its Pay button with it.
    late = family.visitor.press(opened, "Pay $")
    assert late.status == 403
    assert family.payments() == []
    assert_refused(Visitor(family.school.address), family.link, family)

    before = len(letters.to(family.email))
    visitor = Visitor(family.school.address)
    sent = visitor.press(visitor.open(family.link), "Send me a fresh link", email=family.email)
    assert "Look into your mail" in sent.text
    eventually(lambda: len(letters.to(family.email)) == before + 1)
    fresh = link_in(letters.to(family.email)[-1], "/family/l/")
    assert fresh != family.link
    assert amounts(visitor.open(fresh).text)[0] == OWED


def test_asking_for_a_link_does_not_tell_who_is_known(onlooker: Family, letters: Letters) -> None:
    visitor = Visitor(onlooker.school.address)
    answers = []
    for email in (onlooker.email, "nobody@nowhere.example"):
        page = visitor.press(visitor.open("/family/link/"), "Send me a fresh link", email=email)
        answers.append(page.text.replace(email, "…"))
    assert answers[0] == answers[1]
    assert letters.to("nobody@nowhere.example") == []


def test_the_bursar_can_revoke_a_link(billed: Billed, family: Family) -> None:
    assert family.balance().status == 200
    ledger = billed.bursar.open(f"/portal/fees/students/{family.student_id()}/")
    done = billed.bursar.press(ledger, f"Revoke links Parent {family.number:02}")
    assert "no longer open anything" in done.text
    assert_refused(Visitor(family.school.address), family.link, family)


def test_the_page_can_be_closed_on_a_shared_computer(onlooker: Family) -> None:
    balance = onlooker.balance()
    onlooker.visitor.press(balance, "Close this page")
    assert onlooker.visitor.open("/family/").status == 403


def test_the_link_opens_the_balance_and_nothing_else(onlooker: Family) -> None:
    onlooker.balance()
    for path in ("/portal/", "/portal/fees/", "/portal/students/", "/account/"):
        assert onlooker.visitor.open(path).path == "/sign-in/", path
    assert onlooker.visitor.send("GET", "/api/v1/invoices/").status_code in (401, 403)
