"""The bursar's pages: every one with an allowed role, a wrong one, a stranger, another school."""

from datetime import timedelta
from uuid import uuid4

import pytest

from apps.fees.models import BillingRun, Charge, Fee, Invoice
from apps.fees.services import billing
from apps.fees.tests import factories as make
from kernel.schools import today


@pytest.fixture
def billed(room, family):
    run_id = make.bill(room)
    payment_id = make.pay(family, [(make.owed(family.child)[0].id, 45000)])
    return {
        "run": run_id,
        "fee": Fee.objects.get().pk,
        "student": family.child.pk,
        "guardian": family.guardian.pk,
        "payment": payment_id,
        "invoice": Invoice.objects.order_by("number")[0].pk,
        "draft": make.draft(make.make_fee(name="Lunch"), room),
    }


VIEWS = [
    "",
    "runs/",
    "runs/{run}/",
    "runs/{draft}/",
    "invoices/",
    "invoices/?status=overdue&q=x",
    "invoices/{invoice}/",
    "invoices/{invoice}/invoice.pdf",
    "receipts/{payment}/receipt.pdf",
    "students/{student}/",
]
MONEY = [
    "new/",
    "{fee}/edit/",
    "bill/",
    "bill/?fee={fee}",
    "students/{student}/payment/",
    "students/{student}/refund/{payment}/",
]
POSTS = [
    "{fee}/archive/",
    "runs/{draft}/post/",
    "runs/{run}/reverse/",
    "runs/{draft}/discard/",
    "students/{student}/payment/",
    "students/{student}/refund/{payment}/",
    "students/{student}/revoke/{guardian}/",
]


@pytest.mark.parametrize("path", [*VIEWS, *MONEY])
def test_who_may_open_a_page(
    billed, drain, client_for, anonymous, other_school, in_other_school, path
):
    drain()
    url = "/portal/fees/" + path.format(**billed)
    assert client_for("bursar").get(url).status_code == 200
    office = client_for("office").get(url)
    assert office.status_code == (200 if path in VIEWS else 403)
    assert client_for("teacher").get(url).status_code == 403
    assert client_for("guardian").get(url).status_code == 403
    assert anonymous().get(url)["Location"].startswith("/sign-in/")
    if "{" in path and "?" not in path:
        foreign = client_for("bursar", other_school)
        with in_other_school():
            assert foreign.get(url).status_code == 404


@pytest.mark.parametrize("path", POSTS)
def test_who_may_act(billed, drain, client_for, anonymous, path):
    drain()
    url = "/portal/fees/" + path.format(**billed)
    before = (Charge.objects.count(), BillingRun.objects.count(), Fee.objects.count())
    assert client_for("office").post(url).status_code == 403
    assert client_for("teacher").post(url).status_code == 403
    assert anonymous().post(url).status_code == 302
    assert before == (Charge.objects.count(), BillingRun.objects.count(), Fee.objects.count())


def test_a_class_is_billed_in_three_screens(room, family, client_for):
    fee_id = make.make_fee()
    bursar = client_for("bursar")
    start = bursar.get(f"/portal/fees/bill/?fee={fee_id}")
    assert start.context["form"]["due_on"].value() == today() + timedelta(days=14)
    due = (today() + timedelta(days=14)).isoformat()
    chosen = bursar.post(
        "/portal/fees/bill/", {"fee": str(fee_id), "classes": [str(room.pk)], "due_on": due}
    )
    preview = bursar.get(chosen["Location"])
    assert "Who will be charged" in preview.content.decode()
    sent = {"fingerprint": preview.context["preview"].fingerprint}
    bursar.post(f"{chosen['Location']}post/", sent)
    again = bursar.post(f"{chosen['Location']}post/", sent, follow=True)
    assert "Nobody was charged twice" in again.content.decode()
    assert Invoice.objects.count() == 2


def test_bad_input_is_named_at_its_field(room, client_for):
    bursar = client_for("bursar")
    fee = bursar.post("/portal/fees/new/", {"name": "", "amount": "lots", "due_rule": "date"})
    assert fee.status_code == 422
    assert {"name", "amount", "category"} <= set(fee.context["form"].errors)
    run = bursar.post("/portal/fees/bill/", {"fee": str(uuid4()), "due_on": "soon"})
    assert (run.status_code, set(run.context["form"].errors)) == (422, {"fee", "classes", "due_on"})
    assert BillingRun.objects.count() == 0


def test_a_fee_is_made_changed_and_archived(client_for, room):
    make.make_fee(name="Other")
    category = Fee.objects.get().category_id
    bursar = client_for("bursar")
    sent = {
        "name": "Tuition",
        "category": str(category),
        "amount": "1,250.50",
        "due_rule": "days",
        "due_days": "10",
    }
    assert bursar.post("/portal/fees/new/", sent)["Location"] == "/portal/fees/"
    fee = Fee.objects.get(name="Tuition")
    assert (fee.amount_minor, fee.currency, fee.due_days) == (125050, "USD", 10)
    assert bursar.post("/portal/fees/new/", sent).status_code == 422
    bursar.post(f"/portal/fees/{fee.pk}/edit/", sent | {"amount": "10"})
    bursar.post(f"/portal/fees/{fee.pk}/archive/", {"archived": "1"})
    fee.refresh_from_db()
    assert (fee.amount_minor, fee.version, fee.is_archived) == (1000, 2, True)


def test_a_counter_payment_pays_the_oldest_and_is_recorded_once(room, family, client_for):
    make.bill(room)
    bursar = client_for("bursar")
    url = f"/portal/fees/students/{family.child.pk}/payment/"
    form = bursar.get(url).context["form"]
    sent = {
        "amount": "500",
        "method": "cash",
        "received_on": today().isoformat(),
        "payer": str(family.guardian.pk),
        "key": str(uuid4()),
    }
    assert form["amount"].value() == "450.00"
    bursar.post(url, sent)
    bursar.post(url, sent)
    book = bursar.get(f"/portal/fees/students/{family.child.pk}/").context["ledger"]
    assert (book.balance_minor, book.paid_minor) == (0, 45000)
    [payment] = book.payments
    # What the child did not owe went to the sister's invoice, the family's oldest.
    assert (payment.amount_minor, payment.unused_credit_minor) == (50000, 0)
    tomorrow = (today() + timedelta(days=1)).isoformat()
    for day in (tomorrow, "0001-01-01", "0202-11-29"):
        odd = bursar.post(url, sent | {"received_on": day, "key": str(uuid4())})
        assert odd.status_code == 422


def test_a_link_is_sent_from_the_ledger(family, client_for, published):
    url = f"/portal/fees/students/{family.child.pk}/link/{family.guardian.pk}/"
    client_for("office").post(url)
    assert len(published("fees.family_link_requested")) == 1
    assert (
        client_for("bursar").post(url.replace(str(family.guardian.pk), str(uuid4()))).status_code
        == 404
    )


def test_the_list_of_invoices_has_totals_and_flat_queries(
    room, client_for, django_assert_max_num_queries
):
    bursar, counts = client_for("bursar"), []
    bursar.get("/portal/fees/invoices/")  # what is found once for a process, like the host
    for _round in range(2):
        for _ in range(10):
            make.make_family(room)
        make.bill(room, amount_minor=1000)
        with django_assert_max_num_queries(20) as captured:
            page = bursar.get("/portal/fees/invoices/")
        counts.append(len(captured))
    assert counts[0] == counts[1]
    assert page.context["totals"].balance_minor == 30000
    assert "$300.00" in page.content.decode()


def test_the_spanish_school_bills_in_euros(other_school, in_other_school, client_for):
    with in_other_school():
        room = make.make_class()
        family = make.make_family(room)
        make.bill(room, amount_minor=123456)
        url = f"/portal/fees/students/{family.child.pk}/"
    page = client_for("bursar", other_school).get(url).content.decode()
    assert "1.234,56\xa0€" in page or "1234,56\xa0€" in page


def test_api_lists_and_makes_fees_and_invoices(room, family, api_for):
    make.bill(room)
    bursar, office = api_for("bursar"), api_for("office")
    [fee] = office.get("/api/v1/fees/").json()["results"]
    assert fee["amount_minor"] == 45000
    rows = office.get("/api/v1/invoices/?status=open").json()["results"]
    assert [row["balance_minor"] for row in rows] == [45000, 45000]
    detail = office.get(f"/api/v1/invoices/{rows[0]['id']}/").json()
    assert detail["lines"][0]["why"].startswith("Fee 1 is $450.00")
    assert office.get("/api/v1/invoices/?status=nonsense").status_code == 400
    assert office.get(f"/api/v1/invoices/{uuid4()}/").status_code == 404
    new = {"name": "Trip", "category_id": fee["category"], "amount_minor": 100}
    assert office.post("/api/v1/fees/", new, format="json").status_code == 403
    assert bursar.post("/api/v1/fees/", new, format="json").status_code == 201
    assert bursar.post("/api/v1/fees/", new, format="json").status_code == 409
    assert api_for("teacher").get("/api/v1/fees/").status_code == 403


def test_a_reversed_run_says_so(room, family, client_for):
    run_id = make.bill(room)
    bursar = client_for("bursar")
    page = bursar.post(f"/portal/fees/runs/{run_id}/reverse/", follow=True).content.decode()
    assert "Nothing of it is owed any more" in page
    assert billing.reverse_run(run_id=run_id, actor="x").already
