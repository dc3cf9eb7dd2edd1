"""Step 5: a fee, the classes that pay it, a preview, a post; then one mail for each parent."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.flows.families import (
    FAMILIES,
    LUNCH,
    OWED,
    SLUG,
    TUITION,
    Billed,
    Family,
    amounts,
    dollars,
    make_fee,
    preview_run,
)
from tests.flows.letters import Letters, link_in, text_of

pytestmark = pytest.mark.flow

# Families are taken from the first on; these last two are only looked at.
LAST = FAMILIES


def invoices_of(billed: Billed, fee: str) -> int:
    query = "SELECT count(*) FROM fees_invoice i, fees_fee f WHERE f.id = i.fee_id AND f.name = %s"
    return int(billed.school.rows(query, fee)[0][0])


def test_the_preview_says_who_what_why_and_what_is_odd(billed: Billed) -> None:
    preview = billed.posted["Tuition"][0]
    students = 2 * FAMILIES + 1
    assert f"Students {students}" in preview.text
    assert dollars(students * TUITION) in preview.text
    assert "Ada01 Fam01" in preview.text
    assert "Parent 01, Other 01" in preview.text
    # The exception: a child whose guardian cannot be written to.
    assert "Silent Family" in preview.text
    assert "e-mail" in preview.text.split("Silent Family", 1)[1][:200]


def test_a_double_click_on_post_charges_once(billed: Billed) -> None:
    for fee, count in (("Tuition", 2 * FAMILIES + 1), ("Lunch", FAMILIES)):
        assert all(answer.status == 302 for answer in billed.posted[fee][1:])
        assert invoices_of(billed, fee) == count
    charged = billed.school.rows("SELECT sum(amount_minor) FROM fees_charge")
    assert charged == [((2 * FAMILIES + 1) * TUITION + FAMILIES * LUNCH,)]


def test_each_parent_gets_one_mail_a_run_for_all_children(
    billed: Billed, letters: Letters, eventually: Callable[..., Any]
) -> None:
    for address in (f"parent{LAST}@{SLUG}.example", f"other{LAST}@{SLUG}.example"):
        tuition, lunch = sorted(
            eventually(lambda a=address: len(letters.to(a)) >= 2 and letters.to(a)),
            key=lambda letter: "Lunch" in text_of(letter),
        )
        assert f"Ada{LAST}" in text_of(tuition)
        assert f"Ben{LAST}" in text_of(tuition)
        assert 2 * TUITION in amounts(text_of(tuition))
        assert f"Ben{LAST}" not in text_of(lunch)
    sent = billed.school.rows(
        "SELECT to_address, count(*) FROM notifications_message WHERE kind = 'family_billed' "
        "GROUP BY 1 HAVING count(*) <> 2"
    )
    assert sent == []


def test_billing_the_same_again_finds_nobody_to_charge(billed: Billed) -> None:
    bursar = billed.school.bursar()
    again = preview_run(bursar, "Tuition", ["1A", "2B"])
    assert "nobody to bill" in again.text
    with pytest.raises(AssertionError, match="no button 'Post'"):
        again.form("Post")
    bursar.press(again, "Discard this draft")
    assert invoices_of(billed, "Tuition") == 2 * FAMILIES + 1


def test_an_old_preview_posts_nothing_new(billed: Billed) -> None:
    answer = billed.bursar.press(billed.posted["Tuition"][0], "Post")
    assert "posted already" in answer.text
    assert invoices_of(billed, "Tuition") == 2 * FAMILIES + 1


def test_a_bad_amount_is_refused_at_its_field(billed: Billed) -> None:
    bursar = billed.school.bursar()
    for amount in ("", "abc", "-5", "0", "1.234"):
        page = make_fee(bursar, f"Bad {amount}", amount)
        assert page.path == "/portal/fees/new/", amount
        assert page.status == 422
    assert billed.school.rows("SELECT count(*) FROM fees_fee WHERE name LIKE 'Bad%'") == [(0,)]


def test_the_link_opens_the_family_without_a_login(onlooker: Family) -> None:
    page = onlooker.balance()
    assert page.path == "/family/"
    assert "Ada" in page.text
    assert "Ben" in page.text
    assert amounts(page.text)[0] == OWED == onlooker.owed()
    assert "Why do I owe this?" in page.text
    assert page.headers["Cache-Control"] == "private, no-store"
    # The token has left the address, and no other family is in sight.
    assert "/family/l/" not in page.url
    assert f"Fam{LAST}" not in page.text


def test_office_staff_may_not_bill(billed: Billed) -> None:
    for role in ("office", "teacher"):
        person = billed.school.person(role)
        assert person.open("/portal/fees/bill/").status == 403
        assert person.open("/portal/fees/new/").status == 403


def test_both_guardians_have_links_of_their_own(billed: Billed, letters: Letters) -> None:
    addresses = (f"parent{LAST - 1}@{SLUG}.example", f"other{LAST - 1}@{SLUG}.example")
    links = {link_in(letters.to(address)[0], "/family/l/") for address in addresses}
    assert len(links) == 2
