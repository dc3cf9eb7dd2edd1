"""The processing cost that is passed on to who pays online: shown first, then charged as shown."""

from __future__ import annotations

import json
from typing import Any
from uuid import uuid4

import pytest

from apps.fees.services import checkout
from apps.fees.tests import factories as make
from apps.payments import facade as payments
from apps.payments import models
from apps.payments.models import Payment
from apps.payments.services import accounts
from kernel.errors import Conflict, Unavailable
from tests.paying.cards import charges, keep_card, start
from tests.paying.covers import CARD, body_of, booked, change, hidden, money, pay_on_page, wanted

# Off


@pytest.mark.usefixtures("account")
def test_where_the_school_bears_it_nothing_is_added_or_asked(
    room: Any, family: Any, parent: Any
) -> None:
    change(**CARD)
    make.bill(room)
    page = parent.get("/family/")
    assert "process the payment" not in body_of(page)
    # A tick that no page offered is not believed.
    step = start(family.guardian, cover=True, amount_minor=5000)
    assert payments.get_payment(step.payment_id).cover_minor == 0
    row = pay_on_page(parent, parent.post("/family/pay/", wanted(page)))
    assert (row.amount_minor, row.cover_minor) == (90000, 0)


# Always


def test_the_page_speaks_of_a_cost_only_where_one_is_added(
    room: Any, account: Any, family: Any, parent: Any
) -> None:
    make.bill(room)
    words = "What it costs to process the payment is added."
    change(cover="always", cover_paypal_bps=340)  # no way to pay by PayPal
    assert words not in body_of(parent.get("/family/"))
    change(**CARD)
    assert words in body_of(parent.get("/family/"))


@pytest.mark.usefixtures("account")
def test_it_is_shown_before_money_moves_and_charged_as_shown(
    room: Any, family: Any, parent: Any, drain: Any, mailbox: Any
) -> None:
    change(cover="always", **CARD)
    make.bill(room)
    page = parent.get("/family/")
    assert "What it costs to process the payment is added" in body_of(page)
    asked = parent.post("/family/pay/", wanted(page))
    assert not Payment.objects.exists()
    assert money(asked) == ["$900.00", "$27.19", "$927.19"]
    assert "data-cover" not in body_of(asked)
    answer = parent.post("/family/pay/", hidden(asked))
    again = parent.post("/family/pay/", hidden(asked))
    assert answer["Location"] == again["Location"]
    row = pay_on_page(parent, answer)
    drain()
    assert (row.captured_minor, row.cover_minor) == (92719, 2719)
    assert booked(row) == (90000, 0, 2719)
    assert make.owed(family.child) == []
    shown = body_of(parent.get(f"/family/payments/{row.pk}/"))
    assert "Paid: $927.19" in shown
    assert "$27.19 of it is processing cost" in shown
    receipt = body_of(parent.get(f"/family/receipts/{row.pk}/"))
    assert "Processing cost" in receipt
    assert "$27.19" in receipt
    [mail] = [mail for mail in mailbox if "receipt" in mail.subject]
    assert "- Processing cost: $27.19" in mail.body
    assert "Total: $927.19" in mail.body


@pytest.mark.usefixtures("account")
def test_on_a_part_after_credit_it_is_of_what_the_card_pays(
    room: Any, family: Any, parent: Any
) -> None:
    change(cover="always", **CARD)
    make.capture(family.guardian, 2000)
    make.bill(room)
    sent = wanted(parent.get("/family/"), amount="120.00", use_credit="1")
    asked = parent.post("/family/pay/", sent)
    assert money(asked) == ["$20.00", "$100.00", "$3.30", "$103.30"]
    fields = hidden(asked)
    answer = parent.post("/family/pay/", fields)
    assert parent.post("/family/pay/", fields)["Location"] == answer["Location"]
    row = pay_on_page(parent, answer)
    assert (row.amount_minor, row.cover_minor) == (10330, 330)


@pytest.mark.usefixtures("account")
def test_sent_again_after_trouble_it_asks_for_the_same(
    room: Any, family: Any, parent: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The credit has been used by then, once."""
    change(cover="always", **CARD)
    make.capture(family.guardian, 2000)
    make.bill(room)
    sent = wanted(parent.get("/family/"), amount="120.00", use_credit="1")
    fields = hidden(parent.post("/family/pay/", sent))
    with monkeypatch.context() as patch:
        patch.setattr(payments, "start_payment", _no_answer)
        assert parent.post("/family/pay/", fields)["Location"] == "/family/"
    row = pay_on_page(parent, parent.post("/family/pay/", fields))
    assert (row.amount_minor, row.cover_minor) == (10330, 330)


def _no_answer(_order: Any) -> None:
    raise Unavailable("the gateway is down", code="gateway")


@pytest.mark.usefixtures("account")
def test_credit_that_pays_all_and_money_in_advance(room: Any, family: Any, parent: Any) -> None:
    change(cover="always", prepayments=True, **CARD)
    page = parent.get("/family/")
    asked = parent.post("/family/pay/", {"token": page.context["token"], "amount": "1000"})
    assert money(asked)[-1] == "$1,030.18"
    row = pay_on_page(parent, parent.post("/family/pay/", hidden(asked)))
    parent.get(f"/family/payments/{row.pk}/")
    assert booked(row) == (0, 100000, 3018)
    make.bill(room)
    sent = wanted(parent.get("/family/"), use_credit="1")
    assert parent.post("/family/pay/", sent)["Location"] == "/family/"
    assert make.owed(family.child) == []


@pytest.mark.usefixtures("account")
def test_a_setting_that_changes_meanwhile_shows_the_new_sum_first(
    room: Any, family: Any, parent: Any
) -> None:
    change(cover="always", **CARD)
    make.bill(room)
    asked = parent.post("/family/pay/", wanted(parent.get("/family/")))
    change(cover_card_bps=100)
    again = parent.post("/family/pay/", hidden(asked))
    assert again.status_code == 409
    assert "The list has changed" in body_of(again)
    assert money(again) == ["$900.00", "$9.40", "$909.40"]
    assert not Payment.objects.exists()
    change(cover="off")
    off = parent.post("/family/pay/", hidden(again))
    assert money(off) == ["$900.00"]
    change(cover="offered")
    # Who was not asked for it does not pay it.
    row = pay_on_page(parent, parent.post("/family/pay/", hidden(off)))
    assert (row.amount_minor, row.cover_minor) == (90000, 0)


@pytest.mark.usefixtures("account")
def test_a_payment_that_is_open_stays_as_it_began(room: Any, family: Any, parent: Any) -> None:
    change(cover="always", **CARD)
    make.bill(room)
    asked = parent.post("/family/pay/", wanted(parent.get("/family/")))
    answer = parent.post("/family/pay/", hidden(asked))
    change(cover="off")
    row = pay_on_page(parent, answer)
    parent.get(f"/family/payments/{row.pk}/")
    assert (row.captured_minor, booked(row)) == (92719, (90000, 0, 2719))


@pytest.mark.usefixtures("account")
def test_nobody_is_asked_for_a_sum_that_they_have_not_seen(room: Any, family: Any) -> None:
    change(cover="always", **CARD)
    make.bill(room)
    with pytest.raises(Conflict):
        start(family.guardian)
    assert not Payment.objects.exists()


def test_paypal_has_a_rate_of_its_own(
    school: Any, sandbox: Any, room: Any, family: Any, parent: Any
) -> None:
    models.GatewayAccount.objects.all().delete()
    accounts.create_sandbox_account(provider="paypal")
    change(cover="always", cover_paypal_bps=349, cover_paypal_fixed_minor=49, **CARD)
    make.bill(room)
    asked = parent.post("/family/pay/", wanted(parent.get("/family/"), method="paypal"))
    assert money(asked) == ["$900.00", "$33.06", "$933.06"]
    row = pay_on_page(parent, parent.post("/family/pay/", hidden(asked)))
    assert (row.method, row.captured_minor, row.cover_minor) == ("paypal", 93306, 3306)
    rows = sandbox.app.store.rows("SELECT body FROM object WHERE kind = 'paypal.capture'")
    assert [json.loads(each[0])["amount"]["value"] for each in rows] == ["933.06"]


@pytest.mark.usefixtures("account")
def test_at_the_counter_it_is_never_added(room: Any, family: Any) -> None:
    change(cover="always", **CARD)
    make.bill(room)
    [invoice] = make.owed(family.child)
    payment_id = make.pay(family, [(invoice.id, 45000)])
    assert payments.get_payment(payment_id).cover_minor == 0


# Offered


@pytest.mark.usefixtures("account")
@pytest.mark.parametrize(("tick", "captured"), [(True, 92719), (False, 90000)])
def test_the_payer_may_choose(
    room: Any, family: Any, parent: Any, tick: bool, captured: int
) -> None:
    change(cover="offered", **CARD)
    make.bill(room)
    page = parent.get("/family/")
    assert "What it costs to process the payment is added" not in body_of(page)
    asked = parent.post("/family/pay/", wanted(page))
    text = body_of(asked)
    assert "I also cover the processing cost of $27.19, and pay $927.19 in all." in text
    assert "checked" not in text.split("data-cover")[0].rsplit("<input", 1)[1]
    row = pay_on_page(parent, parent.post("/family/pay/", hidden(asked, tick=tick)))
    parent.get(f"/family/payments/{row.pk}/")
    assert (row.captured_minor, booked(row)) == (captured, (90000, 0, captured - 90000))


@pytest.mark.usefixtures("account")
def test_from_a_choice_to_always_the_payer_sees_the_sum_again(
    room: Any, family: Any, parent: Any
) -> None:
    change(cover="offered", **CARD)
    make.bill(room)
    asked = parent.post("/family/pay/", wanted(parent.get("/family/")))
    change(cover="always")
    again = parent.post("/family/pay/", hidden(asked))
    assert again.status_code == 409
    assert money(again)[-1] == "$927.19"


# Saved cards


@pytest.mark.usefixtures("account")
@pytest.mark.parametrize(
    ("mode", "tick", "charged"),
    [("always", False, 20629), ("offered", True, 20629), ("offered", False, 20000)],
)
def test_a_saved_card_is_charged_with_what_was_shown(
    room: Any, family: Any, parent: Any, sandbox: Any, mode: str, tick: bool, charged: int
) -> None:
    make.bill(room)
    card = keep_card(family.guardian)
    make.bill(room, amount_minor=10000)
    change(cover=mode, **CARD)
    asked = parent.post("/family/pay/card/", wanted(parent.get("/family/"), card=str(card)))
    assert "$206.29" in body_of(asked)
    assert ("Charge $206.29 to Visa" in body_of(asked)) == (mode == "always")
    fields = hidden(asked, tick=tick)
    answer = parent.post("/family/pay/card/", fields)
    assert parent.post("/family/pay/card/", fields)["Location"] == answer["Location"]
    parent.get(answer["Location"])
    assert [row["amount"] for row in charges(sandbox)] == [charged]
    row = Payment.objects.latest("started_at")
    assert booked(row) == (20000, 0, charged - 20000)


@pytest.mark.usefixtures("account")
def test_a_saved_card_is_not_charged_when_the_sum_has_changed(
    room: Any, family: Any, parent: Any, sandbox: Any
) -> None:
    make.bill(room)
    card = keep_card(family.guardian)
    make.bill(room, amount_minor=10000)
    change(cover="always", **CARD)
    asked = parent.post("/family/pay/card/", wanted(parent.get("/family/"), card=str(card)))
    change(cover_card_bps=100)
    again = parent.post("/family/pay/card/", hidden(asked))
    assert again.status_code == 409
    assert "Charge $202.33 to" in body_of(again)
    assert charges(sandbox) == []
    wish = checkout.Wish(invoice_ids=None, amount_minor=None, use_credit=False, token=uuid4())
    with pytest.raises(Conflict):
        checkout.pay_with_card(
            guardian_id=family.guardian.pk, wish=wish, method_id=card, expected_minor=20000
        )
