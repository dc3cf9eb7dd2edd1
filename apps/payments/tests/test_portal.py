"""Payments pages and API: who may, what they show, and what money needs before it moves."""

from __future__ import annotations

from uuid import uuid4

import pytest
from django.urls import reverse

from apps.payments import facade as payments
from apps.payments import models
from apps.payments.tests.factories import LineFactory, counter, start

PAGES = ["payments:list", "payments:events"]
ROLES = {
    "admin": (200, 200),
    "bursar": (200, 403),
    "office": (403, 403),
    "teacher": (403, 403),
    "guardian": (403, 403),
}


@pytest.fixture
def cash(school):
    lines = [LineFactory(description="Ada Park: term fee", reference="r-1")]
    return payments.record_offline_payment(**counter(lines=lines, note="In an envelope"))


def refund_form(amount: str, **changes):
    return {"amount": amount, "reason": "Trip cancelled", "key": str(uuid4())} | changes


@pytest.mark.parametrize("role", ROLES)
def test_who_may_see_payments_and_accounts(client_for, cash, role):
    client, (view, manage) = client_for(role), ROLES[role]

    assert [client.get(reverse(name)).status_code for name in PAGES] == [view, view]
    assert client.get(reverse("payments:detail", args=[cash])).status_code == view
    assert client.get(reverse("payments:accounts")).status_code == manage
    assert client.get(reverse("payments:account_add")).status_code == manage


def test_a_stranger_is_sent_to_sign_in(anonymous, cash):
    answer = anonymous().get(reverse("payments:detail", args=[cash]))

    assert answer.status_code == 302
    assert "/sign-in/" in answer["Location"]


def test_another_schools_payment_is_not_found(client_for, other_school, cash):
    answer = client_for("admin", other_school).get(reverse("payments:detail", args=[cash]))

    assert answer.status_code == 404


def test_the_list_finds_and_filters(client_for, cash):
    client = client_for("bursar")
    url = reverse("payments:list")

    def shown(**query):
        return "Mina Park" in client.get(url, query).content.decode()

    assert shown()
    assert shown(q="mina")
    assert shown(status="captured")
    assert shown(q=str(cash))
    assert not shown(q="nobody")
    assert not shown(status="refunded")
    assert not shown(since="2999-01-01")
    assert not shown(until="1999-01-01")
    assert shown(status="nonsense", since="yesterday", page="99")
    assert not shown(attention="on")


def test_the_list_needs_the_same_queries_for_any_number(
    school, client_for, django_assert_max_num_queries
):
    client = client_for("bursar")
    for _n in range(12):
        payments.record_offline_payment(**counter())

    with django_assert_max_num_queries(13):
        client.get(reverse("payments:list"))


def test_an_empty_list_says_so(client_for):
    assert "No payments yet" in client_for("bursar").get(reverse("payments:list")).content.decode()


def test_the_detail_tells_the_story(client_for, cash):
    page = client_for("bursar").get(reverse("payments:detail", args=[cash])).content.decode()

    for words in ("Payment started", "$250.00 received by cash", "In an envelope", "term fee"):
        assert words in page
    assert "Ask the gateway again" not in page


def test_a_refund_from_the_page_and_its_double_click(client_for, cash):
    client, url = client_for("bursar"), reverse("payments:refund", args=[cash])
    form = refund_form("100.00")

    first, second = client.post(url, form), client.post(url, form)

    assert (first.status_code, second.status_code) == (302, 302)
    assert payments.get_payment(cash).refunded_minor == 10000
    page = client.get(reverse("payments:detail", args=[cash])).content.decode()
    assert "Refund of $100.00 made" in page
    assert "bursar@example.org" in page


@pytest.mark.parametrize(
    ("amount", "words"),
    [
        ("250.01", "At most $250.00"),
        ("0", "above zero"),
        ("abc", "not an amount"),
        ("", "required"),
    ],
)
def test_a_wrong_refund_amount_is_explained(client_for, cash, amount, words):
    answer = client_for("bursar").post(reverse("payments:refund", args=[cash]), refund_form(amount))

    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert models.Refund.objects.count() == 0


def test_an_office_worker_moves_no_money(client_for, cash):
    answer = client_for("office").post(reverse("payments:refund", args=[cash]), refund_form("1.00"))

    assert answer.status_code == 403
    assert models.Refund.objects.count() == 0


def test_asking_the_gateway_from_the_page(client_for, account, sandbox):
    started = start()
    sandbox.press(started, "pay")
    client = client_for("bursar")

    answer = client.post(reverse("payments:ask_again", args=[started.payment_id]), follow=True)

    page = answer.content.decode()
    assert "The gateway says: Paid." in page
    assert "Test, no real money" in page


def test_a_gateway_that_is_away_is_told(client_for, account, sandbox, settings):
    started = start()
    settings.SANDBOX_URL = "http://127.0.0.1:1"

    answer = client_for("bursar").post(
        reverse("payments:ask_again", args=[started.payment_id]), follow=True
    )

    assert "cannot be reached" in answer.content.decode()


def test_a_mismatch_is_shown_and_closed_by_a_person(client_for, account, sandbox):
    started = start()
    sandbox.app.gateway.behaviour.capture_difference = 5
    sandbox.press(started, "pay")
    payments.sync(started.payment_id)
    client = client_for("bursar")
    url = reverse("payments:resolve_mismatch", args=[started.payment_id])

    page = client.get(reverse("payments:detail", args=[started.payment_id])).content.decode()
    assert "Asked for $250.00, the gateway took $250.05. Not booked." in page
    for words in ("Book it for the family", "Refund it…", "Close without booking"):
        assert words in page
    capture = models.Payment.objects.get().capture_id
    why = {"why": "Refunded in the dashboard"}
    client.post(url, {"decision": "nonsense", "capture": capture} | why)
    client.post(url, {"decision": "close", "capture": "ch_unknown"} | why)
    unsaid = client.post(url, {"decision": "close", "capture": capture}, follow=True)
    assert "Say why" in unsaid.content.decode()
    assert models.OpenClaim.objects.count() == 1
    told = client.post(url, {"decision": "close", "capture": capture} | why, follow=True)

    assert "Refunded in the dashboard" in told.content.decode()  # it stays in the story
    info = payments.get_payment(started.payment_id)
    assert (info.is_open, info.status, info.attention) == (False, "cancelled", "")
    assert models.OpenClaim.objects.count() == 0
    assert client_for("office").post(url).status_code == 403


def test_connecting_testing_and_choosing_an_account(client_for, account, sandbox):
    client = client_for("admin")
    add = reverse("payments:account_add")
    key = "sk_test_" + "a1B2" * 8

    stripe = {"provider": "stripe", "secret_key": key}
    wrong = client.post(add, stripe | {"label": "S", "mode": "live"})
    assert wrong.status_code == 422
    assert key not in wrong.content.decode()
    client.post(add, stripe | {"label": "School Stripe", "mode": "test"})
    added = models.GatewayAccount.objects.get(label="School Stripe")
    page = client.get(reverse("payments:accounts")).content.decode()
    assert key not in page
    assert "School Stripe" in page

    client.post(reverse("payments:account_default", args=[added.pk]))
    assert payments.selectors.default_account() == added
    tested = client.post(reverse("payments:account_check", args=[account.pk]), follow=True)
    assert "The gateway answers and the key works." in tested.content.decode()


def test_a_key_that_does_not_work_is_told(client_for, account, sandbox):
    models.GatewayAccount.objects.update(secret_key="sk_test_short")

    answer = client_for("admin").post(
        reverse("payments:account_check", args=[account.pk]), follow=True
    )

    assert "The gateway refused the key." in answer.content.decode()


# API

API = "/api/v1/payments/"


@pytest.mark.parametrize("role", ROLES)
def test_who_may_read_payments_by_the_api(api_for, cash, role):
    api, (view, _manage) = api_for(role), ROLES[role]

    assert api.get(API).status_code == view
    assert api.get(f"{API}{cash}/").status_code == view


def test_the_api_lists_and_shows(api_for, cash):
    api = api_for("bursar")

    [row] = api.get(API, {"q": "mina"}).json()["results"]
    one = api.get(f"{API}{cash}/").json()

    assert row == one
    assert (one["status"], one["captured_minor"], one["refundable_minor"]) == (
        "captured",
        25000,
        25000,
    )
    assert one["lines"] == [
        {"reference": "r-1", "description": "Ada Park: term fee", "amount_minor": 25000}
    ]
    assert api.get(API, {"status": "nonsense"}).status_code == 400
    assert api.get(f"{API}{uuid4()}/").status_code == 404


def test_the_api_refunds_only_under_a_key(api_for, cash):
    api, url = api_for("bursar"), f"{API}{cash}/refunds/"
    body = {"amount_minor": 100, "reason": "Trip"}
    key = {"HTTP_IDEMPOTENCY_KEY": "refund-2026-0001"}

    bare = api.post(url, body, format="json")
    first = api.post(url, body, format="json", **key)
    again = api.post(url, body, format="json", **key)
    other = api.post(url, body | {"amount_minor": 200}, format="json", **key)
    much = api.post(
        url, body | {"amount_minor": 10**9}, format="json", HTTP_IDEMPOTENCY_KEY="refund-0002"
    )

    assert (bare.status_code, bare.json()["code"]) == (422, "idempotency_key_required")
    assert (first.status_code, again.json()["id"]) == (201, first.json()["id"])
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_key_reused")
    assert (much.status_code, much.json()["code"]) == (422, "more_than_refundable")
    assert payments.get_payment(cash).refunded_minor == 100


def test_two_keys_of_somebody_with_a_long_address_are_two_keys(api_for, cash):
    address = f"{'a' * 60}@{'.'.join(['b' * 60] * 3)}.example"
    api, url = api_for("bursar", email=address), f"{API}{cash}/refunds/"
    body = {"amount_minor": 100, "reason": "Trip"}

    ids = {
        api.post(url, body, format="json", HTTP_IDEMPOTENCY_KEY=key).json()["id"]
        for key in ("refund-2026-0001", "refund-2026-0002")
    }

    assert len(ids) == 2
    assert payments.get_payment(cash).refunded_minor == 200


def test_the_api_moves_no_money_for_others(api_for, anonymous, cash, other_school):
    url, body = f"{API}{cash}/refunds/", {"amount_minor": 100, "reason": "x"}
    key = {"HTTP_IDEMPOTENCY_KEY": "refund-2026-0001"}

    assert api_for("teacher").post(url, body, format="json", **key).status_code == 403
    assert anonymous().post(url, body, content_type="application/json").status_code == 401
    assert api_for("admin", other_school).post(url, body, format="json", **key).status_code == 404
    assert models.Refund.objects.count() == 0


def test_the_last_day_of_all_is_a_day(client_for, school):
    client = client_for("bursar")
    for address in (reverse("payments:list"), "/api/v1/payments/"):
        assert client.get(address, {"until": "9999-12-31"}).status_code == 200
