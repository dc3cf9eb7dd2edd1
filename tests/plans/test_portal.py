"""The school's own page: plan, usage, change of plan, invoices."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from apps.tenants.models import Subscription
from apps.tenants.services.plans import accounts
from apps.tenants.services.plans.catalogue import Allowance
from apps.tenants.services.plans.invoices import bill_school
from apps.tenants.services.plans.months import days_in, next_month
from apps.tenants.services.plans.self_service import choose_plan, preview_change
from apps.tenants.services.plans.subscriptions import (
    begin_trial,
    cancel_scheduled,
    change_plan,
    current_subscription,
    end_trial,
    scheduled_change,
)
from apps.tenants.services.plans.trials import review_trial, schools_in_trial
from kernel.errors import Conflict, Invalid, NotFound
from kernel.schools import in_public
from tests.plans.billing import OP, last_month, running_month, today
from tests.plans.conftest import MakePlan, Subscribe
from tests.plans.test_limits import enrol

PAGE = "/portal/settings/plan/"


@pytest.fixture
def on_middle(school: Any, make_plan: MakePlan, subscribe: Subscribe) -> Any:
    """Lincoln on "middle" (30.00); "small" (10.00, 2 students) and "large" (90.00) are sold."""
    make_plan("small", price_minor=1000, students=Allowance(included=2, limit=2))
    make_plan("large", price_minor=9000)
    allowance = Allowance(included=10, limit=20, extra_unit=10, extra_price_minor=50)
    subscribe(school, make_plan("middle", price_minor=3000, students=allowance))
    return school


@pytest.fixture
def invoice(on_middle: Any) -> accounts.PlatformInvoiceInfo:
    bill = bill_school(school_id=on_middle.id, month=last_month(), actor=OP)
    assert bill.invoice_id is not None
    return accounts.get_invoice(invoice_id=bill.invoice_id)


def plan_code(school: Any, on: Any = None) -> str:
    found = current_subscription(school_id=school.id, on=on or today())
    return found.plan.code if found else ""


@pytest.mark.parametrize(
    ("role", "status"),
    [("admin", 200), ("bursar", 200), ("office", 403), ("teacher", 403), ("guardian", 403)],
)
def test_who_sees_the_page_and_the_invoices(
    client_for: Callable[..., Client], invoice: Any, role: str, status: int
) -> None:
    client = client_for(role)

    for path in (PAGE, f"{PAGE}invoices/{invoice.id}/", f"{PAGE}invoices/{invoice.id}/pdf/"):
        assert client.get(path).status_code == status


@pytest.mark.parametrize("role", ["bursar", "office", "teacher", "guardian"])
def test_only_administrators_change_the_plan(
    client_for: Callable[..., Client], on_middle: Any, role: str
) -> None:
    client = client_for(role)

    assert client.get(f"{PAGE}choose/large/").status_code == 403
    assert client.post(f"{PAGE}choose/large/").status_code == 403
    assert client.post(f"{PAGE}keep/").status_code == 403
    assert plan_code(on_middle) == "middle"


def test_strangers_are_sent_to_sign_in(anonymous: Callable[..., Client], invoice: Any) -> None:
    for path in (PAGE, f"{PAGE}choose/large/", f"{PAGE}invoices/{invoice.id}/pdf/"):
        assert anonymous().get(path).headers["Location"].startswith("/sign-in/")


def test_another_schools_invoice_is_not_found(
    client_for: Callable[..., Client], other_school: Any, invoice: Any
) -> None:
    client = client_for("admin", other_school)

    assert client.get(f"{PAGE}invoices/{invoice.id}/").status_code == 404
    assert client.get(f"{PAGE}invoices/{invoice.id}/pdf/").status_code == 404


def test_the_page_shows_plan_usage_and_costs(
    client_for: Callable[..., Client], invoice: Any
) -> None:
    enrol(17)

    text = client_for("admin").get(PAGE).content.decode()

    for part in ("Middle", "$30.00", "17 of 20 students", invoice.number, "Look at Large"):
        assert part in text
    assert "10 students included, each further 10 students $0.50 a month, up to 20" in text
    assert 'class="bar bar-warn" value="17" max="20"' in text


def test_without_a_plan_the_page_says_so(client_for: Callable[..., Client], school: Any) -> None:
    client = client_for("admin")

    assert "nothing is limited" in client.get(PAGE).content.decode()
    assert client.get(f"{PAGE}choose/basic/").status_code == 409


def test_the_pdf_is_a_pdf(client_for: Callable[..., Client], invoice: Any) -> None:
    answer = client_for("bursar").get(f"{PAGE}invoices/{invoice.id}/pdf/")

    assert answer.headers["Content-Type"] == "application/pdf"
    assert answer.content.startswith(b"%PDF-")


def test_an_upgrade_is_previewed_and_begins_at_once(
    client_for: Callable[..., Client], on_middle: Any
) -> None:
    client = client_for("admin")
    days, past = days_in(running_month()), today().day - 1
    before, after = 3000 * past // days, 9000 - 9000 * past // days

    preview = preview_change(school_id=on_middle.id, code="large")
    page = client.get(f"{PAGE}choose/large/").content.decode()
    assert plan_code(on_middle) == "middle"
    client.post(f"{PAGE}choose/large/")

    assert (preview.direction, preview.begins_on) == ("upgrade", today())
    assert preview.month_after_minor == before + after
    assert preview.difference_minor == before + after - 3000
    assert "Difference this month" in page
    assert plan_code(on_middle) == "large"


def test_a_downgrade_begins_next_month_and_can_be_called_off(
    client_for: Callable[..., Client], on_middle: Any
) -> None:
    client = client_for("admin")
    first = next_month(running_month())

    client.post(f"{PAGE}choose/small/")

    assert (plan_code(on_middle), plan_code(on_middle, first)) == ("middle", "small")
    assert "Changes to Small" in client.get(PAGE).content.decode()
    client.post(f"{PAGE}keep/")
    assert scheduled_change(school_id=on_middle.id, on=today()) is None
    assert plan_code(on_middle, first) == "middle"
    assert client.post(f"{PAGE}keep/").status_code == 409


def test_a_downgrade_that_the_school_does_not_fit_into_is_refused(
    client_for: Callable[..., Client], on_middle: Any
) -> None:
    enrol(3)
    client = client_for("admin")

    page = client.post(f"{PAGE}choose/small/").content.decode()

    assert "the school has 3 students, this plan allows 2 students" in page
    assert scheduled_change(school_id=on_middle.id, on=today()) is None


def test_choosing_what_one_has_or_what_is_not_sold_is_refused(on_middle: Any) -> None:
    with pytest.raises(Conflict):
        choose_plan(school_id=on_middle.id, code="middle", actor=OP)
    with pytest.raises(NotFound):
        choose_plan(school_id=on_middle.id, code="gold", actor=OP)


def test_a_new_version_leaves_those_who_have_the_old_one_alone(
    on_middle: Any, make_plan: MakePlan
) -> None:
    make_plan("middle", price_minor=4000)

    found = current_subscription(school_id=on_middle.id, on=today())

    assert found is not None
    assert (found.plan.version, found.plan.price_minor) == (1, 3000)
    assert preview_change(school_id=on_middle.id, code="middle").price_after_minor == 4000


def test_an_operator_may_choose_any_day_but_none_in_the_past(on_middle: Any) -> None:
    later = today() + timedelta(days=50)

    change_plan(school_id=on_middle.id, code="large", starts_on=later, actor=OP)

    assert (plan_code(on_middle), plan_code(on_middle, later)) == ("middle", "large")
    with pytest.raises(Invalid):
        change_plan(
            school_id=on_middle.id, code="large", starts_on=today() - timedelta(days=1), actor=OP
        )


def test_two_changes_on_one_day_leave_the_last(on_middle: Any) -> None:
    change_plan(school_id=on_middle.id, code="large", actor=OP)
    change_plan(school_id=on_middle.id, code="small", actor=OP)

    assert plan_code(on_middle) == "small"
    with pytest.raises(Conflict):
        change_plan(school_id=on_middle.id, code="small", actor=OP)
    with pytest.raises(Conflict):
        cancel_scheduled(school_id=on_middle.id, actor=OP)


def trial(school: Any, days_left: int, make_plan: MakePlan) -> Subscription:
    row = begin_trial(school_id=school.id, plan=make_plan(trial_days=30), actor=OP)
    with in_public():
        Subscription.objects.update(
            trial_until=today() + timedelta(days=days_left), starts_on=today() - timedelta(days=60)
        )
    return row


@pytest.mark.parametrize(
    ("days_left", "told"), [(8, ""), (7, "ending"), (1, "ending"), (0, "ended")]
)
def test_the_end_of_a_trial_is_told_once(
    school: Any,
    make_plan: MakePlan,
    client_for: Callable[..., Client],
    drain: Callable[[], int],
    mailbox: list[Any],
    days_left: int,
    told: str,
) -> None:
    client_for("admin")
    trial(school, days_left, make_plan)

    assert [review_trial(school_id=school.id), review_trial(school_id=school.id)] == [told, ""]
    drain()

    assert len(mailbox) == (1 if told else 0)
    assert schools_in_trial() == ([] if told == "ended" else [school.id])


def test_no_school_is_closed_when_its_trial_ends_unless_that_is_switched_on(
    school: Any, make_plan: MakePlan, settings: Any
) -> None:
    from apps.tenants.selectors import get_school

    trial(school, 0, make_plan)
    review_trial(school_id=school.id)
    assert get_school(school_id=school.id).status == "active"

    with in_public():
        Subscription.objects.update(trial_told="")
    settings.SUSPEND_AFTER_TRIAL = True
    review_trial(school_id=school.id)
    assert get_school(school_id=school.id).status == "suspended"


def test_an_operator_ends_a_trial(school: Any, make_plan: MakePlan, settings: Any) -> None:
    settings.SUSPEND_AFTER_TRIAL = True
    trial(school, 10, make_plan)

    row = end_trial(school_id=school.id, actor=OP)

    assert row.trial_until == today()
    assert review_trial(school_id=school.id) == ""
    assert timezone.now().date() >= row.starts_on
