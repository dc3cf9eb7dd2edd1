"""Categories whose money goes to different accounts of the school: a payment for each account."""

from uuid import uuid4

import pytest
import requests
from django.urls import reverse

from apps.fees.models import FeeCategory
from apps.fees.services import billing, checkout
from apps.fees.services import catalogue as fees
from apps.fees.tests import factories as make
from apps.payments import facade as payments
from apps.payments.models import GatewayAccount
from apps.payments.services import account_care, accounts
from kernel.errors import Invalid
from tests.paying.cards import charges, keep_card

ACTOR = "head@example.org"


@pytest.fixture
def trips(school, sandbox, account, settings):
    """A second account, which takes the money of the category "Trips"."""
    settings.STRIPE_API_BASE = sandbox.url
    info = accounts.connect_account(
        label="Trips account", mode="test", secret_key="sk_test_" + "t1R2" * 8, actor=ACTOR
    )
    category, _ = FeeCategory.objects.get_or_create(name="Trips")
    fees.choose_account(category_id=category.pk, account_id=info.id, actor=ACTOR)
    return GatewayAccount.objects.get(pk=info.id)


def bill_trip(room):
    category = FeeCategory.objects.get(name="Trips")
    fee_id = fees.create_fee(category_id=category.pk, name="Museum", amount_minor=1500, actor=ACTOR)
    run_id = make.draft(fee_id, room)
    billing.post_run(run_id=run_id, actor=ACTOR)


@pytest.fixture
def owed(room, family, trips):
    """Two children owe 450.00 of tuition each and 15.00 for a trip."""
    make.bill(room)
    bill_trip(room)
    return [invoice for child in family.children for invoice in make.owed(child)]


def start(guardian, **values):
    usual = {"invoice_ids": None, "amount_minor": None, "use_credit": False, "token": uuid4()}
    return checkout.start_family_payment(
        guardian_id=guardian.pk, wish=checkout.Wish(**usual | values)
    )


def pay(step):
    requests.post(step.redirect_url, {"action": "pay"}, allow_redirects=False, timeout=10)
    return payments.sync(step.payment_id)


def account_of(step):
    return GatewayAccount.objects.get(payments__pk=step.payment_id)


def test_one_group_is_paid_after_the_other(family, owed, account, trips, parent):
    first = start(family.guardian)
    assert account_of(first) == account
    assert pay(first).captured_minor == 90000
    page = parent.get(reverse("family:payment", args=[first.payment_id])).content.decode()
    assert "$30.00 is left to pay" in page

    second = start(family.guardian)
    assert account_of(second) == trips
    assert pay(second).captured_minor == 3000
    page = parent.get(reverse("family:payment", args=[second.payment_id])).content.decode()
    assert "left to pay" not in page


def test_the_page_says_so_and_the_buttons_pay_what_they_say(parent, family, owed, trips):
    page = parent.get(reverse("family:balance")).content.decode()

    assert "You pay this in 2 payments" in page
    assert "Pay $900.00" in page
    assert "The button pays the first." in page
    trip_ids = [str(i.id) for i in owed if i.title == "Museum"]
    form = {"token": str(uuid4()), "choose": "1", "invoices": trip_ids}
    answer = parent.post(reverse("family:pay"), form)
    assert answer.status_code == 302
    assert GatewayAccount.objects.get(payments__amount_minor=3000) == trips


def test_a_part_stops_where_the_account_ends(family, owed, trips):
    step = start(family.guardian, amount_minor=91000)

    assert payments.get_payment(step.payment_id).amount_minor == 90000


def test_one_account_is_one_payment_and_no_more_words(parent, room, family, account):
    make.bill(room)

    page = parent.get(reverse("family:balance")).content.decode()

    assert "Pay $900.00" in page
    assert "payments, since" not in page
    assert "You pay this in" not in page
    assert "No real money is taken" in page


def test_an_account_that_is_off_gives_way_to_the_one_in_use(
    family,
    owed,
    account,
    trips,
    client_for,
):
    account_care.turn_off(account_id=trips.pk, actor=ACTOR)

    step = start(family.guardian)

    assert account_of(step) == account
    assert payments.get_payment(step.payment_id).amount_minor == 93000
    page = client_for("bursar").get(reverse("fees:categories")).content.decode()
    assert "“Trips account” is off" in page


def test_staff_choose_an_account_and_it_is_in_the_trail(client_for, trips):
    client = client_for("bursar")
    category = FeeCategory.objects.create(name="Books", position=9)
    url = reverse("fees:category_account", args=[category.pk])

    assert client.post(url, {"account": str(trips.pk)}).status_code == 302
    category.refresh_from_db()
    assert category.account_id == trips.pk
    assert client.post(url, {"account": str(uuid4())}).status_code == 422
    assert client.post(url, {"account": ""}).status_code == 302
    category.refresh_from_db()
    assert category.account_id is None

    audit = client_for("admin").get("/portal/people/audit/").content.decode()
    assert "Chose where the money of a category goes" in audit
    assert "Trips account" in audit


def test_an_account_of_nobody_is_not_chosen(school):
    category = FeeCategory.objects.create(name="Books", position=9)

    with pytest.raises(Invalid):
        fees.choose_account(category_id=category.pk, account_id=uuid4(), actor=ACTOR)


def test_office_does_not_choose_where_money_goes(client_for, trips):
    client = client_for("office")
    category = FeeCategory.objects.get(name="Trips")

    assert client.get(reverse("fees:categories")).status_code == 403
    answer = client.post(reverse("fees:category_account", args=[category.pk]), {"account": ""})
    assert answer.status_code == 403


def test_a_saved_card_pays_only_into_the_account_that_keeps_it(
    parent, room, family, trips, sandbox
):
    make.bill(room, amount_minor=100)
    card = keep_card(family.guardian)
    bill_trip(room)
    page = parent.get(reverse("family:balance"))
    assert page.context["card"] is None
    assert page.context["keep_consent"]  # another card, for this account
    sent = {"token": str(uuid4()), "card": str(card)}
    refused = parent.post("/family/pay/card/", sent | {"expected": "3000"}, follow=True)
    assert "This card cannot pay what you chose" in refused.content.decode()
    assert charges(sandbox) == []

    make.bill(room, amount_minor=2000)  # of both accounts: not by one charge
    both = parent.post("/family/pay/card/", sent, follow=True)
    assert "This card cannot pay what you chose" in both.content.decode()
    ours = [
        str(i.id) for child in family.children for i in make.owed(child) if "Mus" not in i.title
    ]
    asked = parent.post("/family/pay/card/", sent | {"choose": "1", "invoices": ours})
    assert "Charge $40.00 to Visa" in asked.content.decode()
