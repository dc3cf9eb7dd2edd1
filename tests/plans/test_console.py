"""The operator console: plans, a school's plan, invoices, who signed up."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import CommandError
from django.test import Client
from django.utils import timezone, translation

from apps.tenants.models import Plan, SignUp
from apps.tenants.platform.plan_forms import UnitField, in_unit
from apps.tenants.services.plans import accounts, catalogue
from apps.tenants.services.plans.catalogue import Allowance, offered_plans, publish_plan
from apps.tenants.services.plans.invoices import bill_school
from apps.tenants.services.plans.subscriptions import begin_trial, current_subscription
from kernel.errors import Conflict, Invalid
from kernel.schools import in_public
from tests.plans.billing import OP, last_month, today
from tests.plans.conftest import MakePlan, Subscribe
from tests.plans.test_metering import run

PLAN = {
    "code": "school",
    "currency": "USD",
    "name": "School",
    "text": "For one school",
    "price": "49.50",
    "payment_fee_bp": "0.1",
    "trial_days": "14",
    "active_from": f"{timezone.now():%Y-%m-%d}",
    **{
        f"{meter}_{name}": value
        for meter in ("students", "storage_bytes", "messages")
        for name, value in (
            ("included", "100"),
            ("limit", ""),
            ("extra_unit", "10"),
            ("extra_price", "1.25"),
        )
    },
}


@pytest.fixture
def invoice(school: Any, make_plan: MakePlan, subscribe: Subscribe) -> accounts.PlatformInvoiceInfo:
    subscribe(school, make_plan())
    bill = bill_school(school_id=school.id, month=last_month(), actor=OP)
    assert bill.invoice_id is not None
    return accounts.get_invoice(invoice_id=bill.invoice_id)


def test_three_plans_are_there_from_the_beginning(db: None) -> None:
    plans = offered_plans(currency="USD")

    assert [(plan.code, plan.price_minor) for plan in plans] == [
        ("free", 0),
        ("basic", 3900),
        ("plus", 11900),
    ]
    assert [plan.code for plan in offered_plans(currency="EUR")] == ["free", "basic", "plus"]
    assert all(plan.allowances.count() == 3 for plan in plans)


PATHS = [
    "/operator/plans/",
    "/operator/plans/new/",
    "/operator/invoices/",
    "/operator/sign-ups/",
    "/operator/schools/1/plan/",
]
POSTS = [
    "/operator/plans/new/",
    "/operator/schools/1/plan/",
    "/operator/schools/1/plan/count/",
    "/operator/schools/1/plan/keep/",
    "/operator/schools/1/plan/trial/",
]


@pytest.mark.parametrize("path", PATHS)
def test_the_pages_are_for_operators(operator_client: Client, path: str) -> None:
    stranger = Client(headers={"host": "testserver"})

    assert operator_client.get(path).status_code == 200
    assert stranger.get(path).headers["Location"].startswith("/sign-in/")


def test_the_invoice_pages_are_for_operators(
    operator_client: Client, client_for: Callable[..., Client], invoice: Any
) -> None:
    stranger, admin = Client(headers={"host": "testserver"}), client_for("admin")
    for path in (f"/operator/invoices/{invoice.id}/", f"/operator/invoices/{invoice.id}/pdf/"):
        assert operator_client.get(path).status_code == 200
        assert stranger.get(path).headers["Location"].startswith("/sign-in/")
        assert admin.get(path).status_code == 404


@pytest.mark.parametrize("path", POSTS)
def test_a_stranger_changes_nothing(db: None, path: str) -> None:
    stranger = Client(headers={"host": "testserver"})
    before = Plan.objects.count()

    assert stranger.post(path, PLAN).headers["Location"].startswith("/sign-in/")

    assert Plan.objects.count() == before


def test_a_new_plan_is_sold(operator_client: Client) -> None:
    answer = operator_client.post("/operator/plans/new/", PLAN, follow=True)

    plan = catalogue.offered_plan(code="school", currency="USD")
    assert (plan.version, plan.price_minor, plan.trial_days) == (1, 4950, 14)
    row = plan.allowances.get(meter="students")
    assert (row.included, row.limit, row.extra_unit, row.extra_price_minor) == (100, None, 10, 125)
    assert "$49.50" in answer.content.decode()


def test_storage_is_typed_in_gigabytes_and_the_fee_in_percent(operator_client: Client) -> None:
    typed = {
        **PLAN,
        "payment_fee_bp": "1.25",
        "storage_bytes_included": "2.3",
        "storage_bytes_limit": "4.000000001",
        "storage_bytes_extra_unit": "0.5",
    }
    operator_client.post("/operator/plans/new/", typed)

    plan = catalogue.offered_plan(code="school", currency="USD")
    row = plan.allowances.get(meter="storage_bytes")
    assert plan.payment_fee_bp == 125
    assert (row.included, row.limit, row.extra_unit) == (2300000000, 4000000001, 500000000)
    page = operator_client.get(f"/operator/plans/new/?from={plan.id}").content.decode()
    for text in ("1.25", "2.3", "4.000000001", "0.5", "100"):
        assert f'value="{text}"' in page


def test_a_comma_is_for_spanish_operators() -> None:
    with translation.override("es"):
        field = UnitField(10**9)
        assert field.clean("2,5") == field.clean("2.5") == 2500000000
        assert field.widget.format_value(in_unit(2500000000, 10**9)) == "2,5"


@pytest.mark.parametrize(
    "button", ["suspend", "resume", "archive", "delete", "delete/undo", "plan/count", "backups/now"]
)
def test_the_address_of_a_button_leads_to_the_school(operator_client: Client, button: str) -> None:
    path = f"/operator/schools/1/{button}/"

    assert operator_client.get(path).headers["Location"] == "/operator/schools/1/"
    assert operator_client.put(path).status_code == 405


def test_the_other_buttons_lead_to_their_pages(operator_client: Client, invoice: Any) -> None:
    plan = catalogue.offered_plan(code="basic", currency="USD")
    page = f"/operator/invoices/{invoice.id}/"

    assert operator_client.get(f"{page}pay/").headers["Location"] == page
    withdraw = operator_client.get(f"/operator/plans/{plan.id}/withdraw/")
    assert withdraw.headers["Location"] == "/operator/plans/"


def test_a_change_is_a_new_version_that_starts_with_the_old_values(operator_client: Client) -> None:
    old = catalogue.offered_plan(code="basic", currency="USD")

    page = operator_client.get(f"/operator/plans/new/?from={old.id}").content.decode()
    operator_client.post(
        f"/operator/plans/new/?from={old.id}", {**PLAN, "code": "basic", "name": "Basic"}
    )

    assert 'value="39.00"' in page
    assert catalogue.offered_plan(code="basic", currency="USD").version == 2
    old.refresh_from_db()
    assert old.price_minor == 3900


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"code": "No Good"}, "code"),
        ({"name": " "}, "name"),
        ({"price": "lots"}, "price"),
        ({"price": "-5"}, "price"),
        ({"payment_fee_bp": "100.01"}, "payment_fee_bp"),
        ({"payment_fee_bp": "1.255"}, "payment_fee_bp"),
        ({"storage_bytes_included": "0.0000000001"}, "storage_bytes_included"),
        ({"storage_bytes_limit": "NaN"}, "storage_bytes_limit"),
        ({"storage_bytes_extra_unit": "0"}, "storage_bytes_extra_unit"),
        ({"storage_bytes_included": "1000001"}, "storage_bytes_included"),
        ({"students_limit": "50"}, "students_included"),
        ({"messages_extra_price": "x"}, "messages_extra_price"),
        ({"active_from": "never"}, "active_from"),
    ],
)
def test_a_bad_plan_is_refused_at_its_field(
    operator_client: Client, change: dict[str, str], field: str
) -> None:
    before = Plan.objects.count()

    answer = operator_client.post("/operator/plans/new/", {**PLAN, **change})

    assert answer.status_code == 422
    assert list(answer.context["form"].errors) == [field]
    assert Plan.objects.count() == before


def test_a_plan_for_later_is_not_sold_yet(make_plan: MakePlan) -> None:
    make_plan("later", active_from=today() + timedelta(days=5))

    assert "later" not in {plan.code for plan in offered_plans()}
    assert "later" in {plan.code for plan in offered_plans(on=today() + timedelta(days=5))}


def test_a_withdrawn_plan_stays_with_who_has_it(
    operator_client: Client, school: Any, make_plan: MakePlan, subscribe: Subscribe
) -> None:
    plan = make_plan("old")
    subscribe(school, plan)

    operator_client.post(f"/operator/plans/{plan.id}/withdraw/")

    assert "old" not in {one.code for one in offered_plans()}
    assert current_subscription(school_id=school.id, on=today()) is not None
    assert operator_client.post(f"/operator/plans/{plan.id}/withdraw/").status_code == 409


@pytest.mark.parametrize("meter", ["pupils", "payments_volume"])
def test_a_plan_limits_only_what_can_be_limited(db: None, meter: str) -> None:
    with pytest.raises(Invalid):
        publish_plan(
            code="x1",
            currency="USD",
            name="X",
            price_minor=1,
            allowances={meter: Allowance(included=1)},
            actor=OP,
        )


def test_the_operator_puts_a_school_on_a_plan(operator_client: Client, school: Any) -> None:
    page = "/operator/schools/1/plan/"

    operator_client.post(page, {"plan": "plus USD", "starts_on": f"{today()}"})
    text = operator_client.get(page).content.decode()

    assert "Plus" in text
    assert "$119.00" in text
    answer = operator_client.post(page, {"plan": "plus USD", "starts_on": f"{today()}"})
    assert "has this plan already" in answer.content.decode()
    answer = operator_client.post(page, {"plan": "basic USD", "starts_on": "2020-01-01"})
    assert (answer.status_code, list(answer.context["form"].errors)) == (422, ["starts_on"])
    assert operator_client.post(page, {"plan": "gold USD"}).status_code == 422


def test_the_operator_counts_and_settles(
    operator_client: Client, school: Any, make_plan: MakePlan
) -> None:
    begin_trial(school_id=1, plan=make_plan(trial_days=30), actor=OP)
    page = "/operator/schools/1/plan/"

    assert "not counted yet" in operator_client.get(page).content.decode()
    operator_client.post(f"{page}count/")
    assert "not counted yet" not in operator_client.get(page).content.decode()
    assert "End the trial now" in operator_client.get(page).content.decode()
    operator_client.post(f"{page}trial/")
    assert "End the trial now" not in operator_client.get(page).content.decode()
    operator_client.post(page, {"plan": "plus USD", "starts_on": f"{today() + timedelta(days=9)}"})
    assert "Changes to Plus" in operator_client.get(page).content.decode()
    operator_client.post(f"{page}keep/")
    assert "Changes to Plus" not in operator_client.get(page).content.decode()


def test_invoices_are_listed_with_their_sums(operator_client: Client, invoice: Any) -> None:
    text = operator_client.get("/operator/invoices/").content.decode()

    assert invoice.number in text
    assert "Lincoln Elementary" in text
    assert [(sums.currency, sums.open_minor) for sums in accounts.totals()] == [("USD", 3000)]


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("?status=issued", True),
        ("?status=paid", False),
        ("?status=overdue", False),
        ("?status=void", False),
        ("?q=lincoln", True),
        ("?q=nobody", False),
        ("?status=nonsense", True),
    ],
)
def test_the_list_is_narrowed(
    operator_client: Client, invoice: Any, search: str, found: bool
) -> None:
    page = operator_client.get(f"/operator/invoices/{search}")

    assert (len(page.context["rows"]) == 1) is found


def test_money_is_noted_down_and_an_invoice_taken_back(
    operator_client: Client, invoice: Any
) -> None:
    path = f"/operator/invoices/{invoice.id}/"
    paid = {"amount": "30.00", "received_on": f"{today()}", "reference": "bank 7"}

    wrong = operator_client.post(f"{path}pay/", {**paid, "amount": "31"})
    assert (wrong.status_code, list(wrong.context["payment_form"].errors)) == (422, ["amount"])
    assert operator_client.post(f"{path}credit/", {"reason": ""}).status_code == 422
    operator_client.post(f"{path}pay/", paid)
    assert accounts.get_invoice(invoice_id=invoice.id).status == "paid"
    answer = operator_client.post(f"{path}credit/", {"reason": "Goodwill"}, follow=True)

    assert "Credit note HC" in answer.content.decode()
    assert accounts.get_invoice(invoice_id=invoice.id).status == "void"


def test_sign_ups_are_listed_by_status(operator_client: Client) -> None:
    with in_public():
        for status in SignUp.Status.values:
            SignUp.objects.create(
                status=status,
                school_name=f"School {status}",
                slug=f"s-{status}",
                admin_email="a@example.org",
                plan_code="free",
                currency="USD",
                language="en",
                time_zone="UTC",
                expires_at=timezone.now(),
            )

    everything = operator_client.get("/operator/sign-ups/")
    failed = operator_client.get("/operator/sign-ups/?status=failed")

    assert len(everything.context["rows"]) == 5
    assert [row["asked"].slug for row in failed.context["rows"]] == ["s-failed"]


def test_the_command_changes_the_plan(school: Any) -> None:
    text = run("change_plan", "--school", "lincoln", "basic")
    later = today() + timedelta(days=20)
    there = ("--school", "lincoln", "plus", "--from", f"{later}", "--json")
    plan = json.loads(run("change_plan", *there))

    assert text == f"Lincoln Elementary has the plan Basic ($39.00 a month) from {today()}.\n"
    assert (plan["plan"], plan["from"], plan["price_minor"]) == ("plus", f"{later}", 11900)


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (["--school", "nowhere", "basic"], "nowhere"),
        (["--school", "lincoln", "gold"], "There is no plan “gold” in USD"),
        (["--school", "lincoln", "basic", "--from", "soon"], "is not a day"),
        (["--school", "lincoln", "basic", "--from", "2020-01-01"], "in the past"),
        (["--school", "lincoln", "basic", "--currency", "eu"], "There is no plan"),
        (["--school", "lincoln"], "required: plan"),
        (["basic"], "required: --school"),
    ],
)
def test_bad_input_of_the_command_is_code_2(school: Any, args: list[str], says: str) -> None:
    with pytest.raises(CommandError, match=says) as refused:
        run("change_plan", *args)

    assert refused.value.returncode == 2


def test_the_same_plan_twice_is_refused(school: Any) -> None:
    from apps.tenants.services.plans.subscriptions import change_plan

    change_plan(school_id=1, code="basic", actor=OP)
    with pytest.raises(Conflict):
        change_plan(school_id=1, code="basic", actor=OP)
