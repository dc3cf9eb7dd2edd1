"""What a school's people are told by mail: an invoice, a limit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.plans.billing import bill
from tests.plans.conftest import Subscribe
from tests.plans.test_limits import enrol


def test_the_schools_people_are_told_by_mail(
    subscribed: Any, client_for: Callable[..., Any], drain: Callable[[], int], mailbox: list[Any]
) -> None:
    for role in ("admin", "bursar", "teacher"):
        client_for(role)

    number = bill(subscribed).number
    drain()

    assert sorted(mail.to[0] for mail in mailbox) == [
        "Admin Person <admin@example.org>",
        "Bursar Person <bursar@example.org>",
    ]
    assert number in mailbox[0].body
    assert "$30.00" in mailbox[0].subject
    assert "/portal/settings/plan/invoices/" in mailbox[0].body


def test_admins_are_told_of_a_limit(
    school: Any,
    subscribe: Subscribe,
    client_for: Callable[..., Any],
    drain: Callable[[], int],
    mailbox: list[Any],
) -> None:
    client_for("admin"), client_for("bursar")
    subscribe(school, 5)

    enrol(5)
    drain()

    subjects = [mail.subject for mail in mailbox]
    assert subjects == [
        "Lincoln Elementary: close to the plan’s limit of 5 students",
        "Lincoln Elementary: the plan’s limit of 5 students is reached",
    ]
    assert "two weeks" in mailbox[1].body
