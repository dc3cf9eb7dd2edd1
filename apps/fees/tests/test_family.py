"""The family's pages: links, one button, the truth about a payment, privacy."""

import re
from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils import timezone

from apps.fees.models import FamilyLink, LinkRequest
from apps.fees.services import links
from apps.fees.tests import factories as make
from apps.fees.tests.test_instalments import bill_in_parts
from apps.payments import facade as payments
from apps.payments.contracts import PaymentInfo, StartedPayment
from apps.tenants import facade as tenants
from apps.tenants.tests.factories import reopen


@pytest.fixture
def gateway(monkeypatch):
    """Payments without a gateway: remembers what was started."""
    started = []

    def start(order):
        started.append(order)
        return StartedPayment(
            payment_id=uuid4(), redirect_url="https://pay.example/session", reused=False
        )

    monkeypatch.setattr(payments, "start_payment", start)
    monkeypatch.setattr(payments, "can_take_payments", lambda: True)
    return started


def token_in(page):
    return str(page.context["token"])


# Links


def test_a_link_opens_the_page_and_leaves_the_address(family, anonymous):
    client = anonymous()
    answer = client.get(links.family_link_path(guardian_id=family.guardian.pk))
    assert (answer.status_code, answer["Location"]) == (302, "/family/")
    assert answer["Referrer-Policy"] == "no-referrer"
    page = client.get("/family/")
    assert page.status_code == 200
    assert page["Cache-Control"] == "private, no-store"


def test_a_tampered_link_opens_nothing(family, anonymous):
    path = links.family_link_path(guardian_id=family.guardian.pk)
    for bad in (path[:-3] + "xx/", "/family/l/nonsense/", "/family/l/....../"):
        client = anonymous()
        answer = client.get(bad)
        assert answer.status_code == 403
        assert "no longer works" in answer.content.decode()
        assert client.get("/family/").status_code == 403


def test_an_expired_link_opens_nothing_even_in_an_open_browser(family, parent, anonymous):
    path = links.family_link_path(guardian_id=family.guardian.pk)
    FamilyLink.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert anonymous().get(path).status_code == 403
    assert parent.get("/family/").status_code == 403


def test_a_revoked_link_closes_the_page_at_once(family, parent, client_for):
    child, guardian = family.child.pk, family.guardian.pk
    client_for("bursar").post(f"/portal/fees/students/{child}/revoke/{guardian}/")
    assert parent.get("/family/").status_code == 403


def test_a_link_of_another_school_is_a_tampered_one(family, anonymous, other_school):
    path = links.family_link_path(guardian_id=family.guardian.pk)
    assert anonymous(other_school).get(path).status_code == 403


def test_asking_for_a_link_clears_the_counters_of_yesterday(room):
    old = LinkRequest.objects.create(key="old")
    LinkRequest.objects.filter(pk=old.pk).update(created_at=timezone.now() - timedelta(days=2))
    links.request_link(email="nobody@example.org", address="192.0.2.1")
    assert not LinkRequest.objects.filter(pk=old.pk).exists()
    assert LinkRequest.objects.count() == 2


def test_a_fresh_link_answers_the_same_for_strangers(room, anonymous, published):
    client = anonymous()
    make.make_family(room, email="maria@example.org")
    known = client.post("/family/link/", {"email": "maria@example.org"})
    stranger = client.post("/family/link/", {"email": "zoe@example.org"})
    shown = [answer.content.decode().split("<main")[1] for answer in (known, stranger)]
    assert (known.status_code, stranger.status_code) == (200, 200)
    assert shown[0] == shown[1].replace("zoe@example.org", "maria@example.org")
    assert [event["guardian_email"] for event in published("fees.family_link_requested")] == [
        "maria@example.org"
    ]


def test_nobody_can_flood_a_mailbox(room, anonymous, published):
    make.make_family(room, email="maria@example.org")
    for _ in range(6):
        anonymous().post("/family/link/", {"email": "Maria@example.org"})
    assert len(published("fees.family_link_requested")) == 3


def test_a_signed_in_guardian_needs_no_link(room, client_for):
    client = client_for("guardian")
    assert client.get("/family/").status_code == 403
    make.make_family(room, user_id=client.user.pk)
    assert client.get("/family/").status_code == 200


# Balance


def test_the_page_shows_all_children_and_why(room, family, parent):
    make.bill(room)
    page = parent.get("/family/").content.decode()
    assert "$900.00" in page
    assert page.count("Why do I owe this?") == 2
    assert "for every student of class 3A" in page


def test_another_familys_things_are_not_found(room, family, parent):
    stranger = make.make_family(room, name="Other Person")
    make.bill(room)
    [theirs] = make.owed(stranger.child)
    paid = make.pay(stranger, [(theirs.id, 45000)])
    assert parent.get(f"/family/invoices/{theirs.id}/invoice.pdf").status_code == 404
    assert parent.get(f"/family/payments/{paid}/").status_code == 404
    assert parent.get(f"/family/receipts/{paid}/").status_code == 404
    assert parent.get(f"/family/receipts/{paid}/receipt.pdf").status_code == 404
    assert parent.post(f"/family/payments/{paid}/cancel/").status_code == 404
    page = parent.get("/family/").content.decode()
    assert stranger.child.first_name not in page


def test_queries_do_not_grow_with_children(room, anonymous, django_assert_max_num_queries):
    counts = []
    for children in (5, 50):
        family = make.make_family(room, children=children, name=f"Parent of {children}")
        make.bill(room, amount_minor=1000 + children)
        client = anonymous()
        client.get(links.family_link_path(guardian_id=family.guardian.pk))
        with django_assert_max_num_queries(30) as captured:
            assert client.get("/family/").status_code == 200
        counts.append(len(captured))
    assert counts[0] == counts[1]


# Paying


def test_one_button_pays_everything(room, family, parent, gateway):
    make.bill(room)
    answer = parent.post("/family/pay/", {"token": token_in(parent.get("/family/"))})
    assert answer["Location"] == "https://pay.example/session"
    [order] = gateway
    assert [line.amount_minor for line in order.lines] == [45000, 45000]
    assert order.payer_id == family.guardian.pk
    assert order.return_path == "/family/payments/{payment_id}/"


def test_a_double_click_sends_the_same_key(room, family, parent, gateway):
    make.bill(room)
    token = token_in(parent.get("/family/"))
    parent.post("/family/pay/", {"token": token})
    parent.post("/family/pay/", {"token": token})
    assert gateway[0] == gateway[1]


def test_a_part_of_chosen_invoices_with_credit_first(room, family, parent, gateway):
    make.bill(room, amount_minor=1000)
    first = make.owed(family.child)[0]
    everything = [(make.owed(child)[0].id, 1000) for child in family.children]
    make.capture(family.guardian, 2300, everything)
    make.bill(room, amount_minor=2000)
    [invoice] = make.owed(family.child)
    sent = {
        "token": str(uuid4()),
        "choose": "1",
        "invoices": [str(invoice.id)],
        "amount": "15.00",
        "use_credit": "1",
    }
    parent.post("/family/pay/", sent)
    parent.post("/family/pay/", sent)
    assert [[line.amount_minor for line in order.lines] for order in gateway] == [[1200], [1200]]
    assert [row.balance_minor for row in make.owed(family.child)] == [1700]
    assert first.id != invoice.id


def test_bad_wishes_start_nothing(room, family, parent, gateway):
    stranger = make.make_family(room, name="Other")
    make.bill(room)
    theirs, own = make.owed(stranger.child)[0], make.owed(family.child)[0]
    base = {"token": str(uuid4()), "choose": "1"}
    assert parent.post("/family/pay/", base | {"invoices": [str(theirs.id)]}).status_code == 404
    for bad in (
        base,
        base | {"invoices": ["x"]},
        base | {"invoices": [str(own.id)], "amount": "1000"},
        base | {"invoices": [str(own.id)], "amount": "-5"},
        base | {"invoices": [str(own.id)], "amount": "lots"},
        {"token": "x"},
    ):
        assert parent.post("/family/pay/", bad)["Location"] == "/family/"
    assert gateway == []


def test_another_guardian_is_told_that_it_is_being_paid(room, family, parent, monkeypatch):
    make.bill(room)

    def busy(order):
        raise payments.PaymentInProgress(
            payment_id=uuid4(), payer_id=uuid4(), started_at=timezone.now()
        )

    monkeypatch.setattr(payments, "start_payment", busy)
    answer = parent.post("/family/pay/", {"token": str(uuid4())})
    assert answer.status_code == 409
    assert "Being paid now by another guardian" in answer.content.decode()


def test_money_that_came_is_never_asked_for_again(room, family, parent, gateway):
    make.bill(room)
    lines = [(make.owed(child)[0].id, 45000) for child in family.children]
    make.pay(family, lines)  # its event still waits in the outbox
    answer = parent.post("/family/pay/", {"token": str(uuid4())})
    assert answer["Location"] == "/family/"
    assert gateway == []
    assert "All paid" in parent.get("/family/").content.decode()


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ("captured", "Paid: $450.00"),
        ("processing", "being confirmed"),
        ("unknown", "being confirmed"),
        ("pending", "You have not paid yet"),
        ("declined", "declined"),
        ("cancelled", "cancelled"),
        ("expired", "expired"),
    ],
)
def test_the_return_page_tells_the_truth(family, parent, monkeypatch, status, words):
    info = _info(family, status)
    monkeypatch.setattr(payments, "get_payment", lambda payment_id: info)
    monkeypatch.setattr(payments, "sync", lambda payment_id: info)
    monkeypatch.setattr(payments, "resume_url", lambda payment_id: "https://pay.example/x")
    page = parent.get(f"/family/payments/{info.id}/?status=paid").content.decode()
    assert words in page
    assert ("data-poll" in page.split('id="outcome"')[1][:200]) == (words == "being confirmed")


def _info(family, status):
    captured = 45000 if status == "captured" else 0
    return PaymentInfo(
        id=uuid4(),
        status=status,
        currency="USD",
        amount_minor=45000,
        captured_minor=captured,
        refunded_minor=0,
        refundable_minor=captured,
        lines=(),
        payer_id=family.guardian.pk,
        payer_name=family.guardian.name,
        payer_email=family.guardian.email,
        provider="stripe",
        method="card",
        test_mode=True,
        description="",
        started_at=timezone.now(),
        captured_at=timezone.now() if captured else None,
        is_open=status in ("pending", "processing", "unknown"),
    )


def test_receipt_page_and_pdf(room, family, parent):
    make.bill(room)
    [invoice] = make.owed(family.child)
    payment_id = make.pay(family, [(invoice.id, 45000)])
    url = links.receipt_url(payment_id=payment_id, guardian_id=family.guardian.pk)
    assert f"/receipts/{payment_id}/" in url
    page = parent.get(f"/family/receipts/{payment_id}/").content.decode()
    assert "Maria Lopez" in page
    assert "$450.00" in page
    pdf = parent.get(f"/family/receipts/{payment_id}/receipt.pdf")
    assert pdf["Content-Type"] == "application/pdf"
    for text in (b"Receipt R", b"Lincoln", b"Maria Lopez", b"$450.00", invoice.number.encode()):
        assert text in pdf.content
    assert b"Left to pay" in parent.get(f"/family/invoices/{invoice.id}/invoice.pdf").content
    assert parent.get("/family/history/").status_code == 200


def test_leaving_closes_the_page(parent):
    parent.post("/family/leave/")
    assert parent.get("/family/").status_code == 403


# Card or PayPal


def ways_on(page) -> list[str]:
    return re.findall(r'name="method" value="(\w+)"', page.content.decode())


def test_two_accounts_are_two_buttons(room, family, parent, gateway):
    make.bill(room)
    payments.create_sandbox_account("stripe")
    assert ways_on(parent.get("/family/")) == []
    payments.create_sandbox_account("paypal")

    page = parent.get("/family/")
    form = {"token": token_in(page)}
    parent.post("/family/pay/", form | {"method": "paypal"})
    parent.post("/family/pay/", form | {"method": "card"})

    # In the form for parts and in the bar at the bottom.
    assert ways_on(page) == ["card", "paypal"] * 2
    assert [order.method for order in gateway] == ["paypal", "card"]
    assert gateway[0].idempotency_key != gateway[1].idempotency_key


def test_in_advance_both_ways_are_offered(room, family, parent, gateway):
    tenants.change_settings(school_id=1, values={"fees.prepayments": True})
    reopen()
    payments.create_sandbox_account("stripe")
    payments.create_sandbox_account("paypal")

    page = parent.get("/family/")
    form = {"token": token_in(page), "amount": "50", "method": "paypal"}
    parent.post("/family/pay/", form)

    assert ways_on(page) == ["card", "paypal"]
    assert [order.method for order in gateway] == ["paypal"]


def test_all_instalments_can_be_paid_either_way(room, family, parent, gateway):
    payments.create_sandbox_account("stripe")
    payments.create_sandbox_account("paypal")
    bill_in_parts(room)

    # In the form for parts, for all instalments at once, and in the bar at the bottom.
    assert ways_on(parent.get("/family/")) == ["card", "paypal"] * 3


def test_a_way_that_is_not_offered_is_said(room, family, parent):
    make.bill(room)
    payments.create_sandbox_account("stripe")
    form = {"token": token_in(parent.get("/family/")), "method": "paypal"}

    answer = parent.post("/family/pay/", form, follow=True)

    assert "cannot be paid that way" in answer.content.decode()
    assert payments.list_payments() == []
