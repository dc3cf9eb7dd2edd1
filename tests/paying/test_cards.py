"""The family's page: keeping a card, paying with it, removing it."""

import re
from uuid import uuid4

import pytest

from apps.fees.selectors import family as families
from apps.fees.tests import factories as make
from apps.payments import facade as payments
from apps.payments.models import Payment, SavedMethod
from apps.payments.services import methods
from apps.students.tests.factories import GuardianFactory
from tests.paying.cards import charges, keep_card, outcome, press, start

pytestmark = pytest.mark.usefixtures("account")


@pytest.fixture
def card(room, family):
    """Maria's card, kept with her first payment; the second bill is open."""
    make.bill(room)
    kept = keep_card(family.guardian)
    make.bill(room, amount_minor=10000)
    return kept


def body_of(answer):
    return answer.content.decode()


def hidden(answer):
    """The fields of the confirmation's form."""
    form = body_of(answer).split('action="/family/pay/card/"')[1].split("</form>")[0]
    fields = {}
    for name, value in re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form):
        fields.setdefault(name, []).append(value)
    fields.pop("csrfmiddlewaretoken", None)
    return fields


def wanted(page, card):
    sent = {"token": page.context["token"], "choose": "1", "card": str(card)}
    return sent | {"invoices": [str(i.id) for i in page.context["offer"].invoices]}


def test_the_words_that_are_ticked_are_the_words_that_are_kept(room, family, parent):
    make.bill(room)
    page = parent.get("/family/")
    words = page.context["keep_consent"]
    assert words in body_of(page).replace("&#x27;", "'")
    hosted = parent.post("/family/pay/", {"token": page.context["token"], "keep_card": "1"})
    press(hosted["Location"])
    payments.sync(Payment.objects.get().pk)
    row = SavedMethod.objects.get()
    assert (row.consent_text, row.payer_id) == (words, family.guardian.pk)
    assert "Keep this card" in words


def test_without_the_tick_nothing_is_kept(room, family, parent):
    make.bill(room)
    page = parent.get("/family/")
    press(parent.post("/family/pay/", {"token": page.context["token"]})["Location"])
    payments.sync(Payment.objects.get().pk)
    assert not SavedMethod.objects.exists()
    assert payments.saved_methods(family.guardian.pk) == []


def test_a_card_is_charged_after_a_page_that_names_amount_card_and_invoices(
    family, parent, card, sandbox
):
    page = parent.get("/family/")
    assert "Pay $200.00 with Visa •• 4242" in body_of(page)
    asked = parent.post("/family/pay/card/", wanted(page, card))
    text = body_of(asked)
    for words in ("Charge $200.00 to Visa •• 4242", "$100.00", family.child.first_name):
        assert words in text
    assert charges(sandbox) == []
    fields = hidden(asked)
    answer = parent.post("/family/pay/card/", fields)
    again = parent.post("/family/pay/card/", fields)
    assert answer["Location"] == again["Location"]
    assert "Paid: $200.00" in body_of(parent.get(answer["Location"]))
    assert [row["amount"] for row in charges(sandbox)] == [20000]
    assert make.owed(family.child) == []


def test_a_part_with_credit_first_is_charged_as_it_was_shown(family, parent, card, sandbox):
    make.capture(family.guardian, 25000)  # 200 for the bill, the rest is credit
    room = make.make_class("5B")
    other = make.make_family(room)
    make.bill(room)
    for child in other.children:
        child.guardianships.create(guardian=family.guardian, relationship="parent", contact_order=2)
    page = parent.get("/family/")
    asked = parent.post(
        "/family/pay/card/", wanted(page, card) | {"amount": "120.50", "use_credit": "1"}
    )
    assert "Charge $70.50 to" in body_of(asked)
    parent.post("/family/pay/card/", hidden(asked))
    assert [row["amount"] for row in charges(sandbox)] == [7050]
    assert families.credit_of(household_id=family.guardian.household_id) == 0


def test_what_changed_after_the_question_is_not_charged(room, family, parent, card, sandbox):
    asked = parent.post("/family/pay/card/", wanted(parent.get("/family/"), card))
    [invoice] = make.owed(family.child)
    make.capture(family.guardian, 5000, [(invoice.id, 5000)])
    answer = parent.post("/family/pay/card/", hidden(asked), follow=True)
    assert "The list has changed" in body_of(answer)
    assert charges(sandbox) == []
    assert Payment.objects.filter(is_open=True).count() == 0


def test_a_refusal_is_said_and_the_bank_may_want_to_ask(family, parent, card, sandbox):
    for said, words in (
        ("declined", "perhaps with another card"),
        ("authentication_required", "Your bank wants to ask you first"),
    ):
        outcome(sandbox, card, said)
        asked = parent.post("/family/pay/card/", wanted(parent.get("/family/"), card))
        shown = parent.get(parent.post("/family/pay/card/", hidden(asked))["Location"])
        assert words in body_of(shown)
        assert "No money was taken" in body_of(shown)
    assert len(make.owed(family.child)) == 1


def test_an_unknown_outcome_is_confirmed_and_never_asked_for_again(family, parent, card, sandbox):
    asked = parent.post("/family/pay/card/", wanted(parent.get("/family/"), card))
    sandbox.app.faults.lose_answers["/v1/payment_intents"] = 99
    where = parent.post("/family/pay/card/", hidden(asked))["Location"]
    sandbox.app.faults.clear()
    Payment.objects.filter(is_open=True).update(session_id="")
    assert len(charges(sandbox)) == 1
    assert "Paid: $200.00" in body_of(parent.get(where))
    assert len(charges(sandbox)) == 1


def test_another_guardians_page_keeps_the_card_from_being_charged(
    family, second, parent, card, sandbox
):
    asked = parent.post("/family/pay/card/", wanted(parent.get("/family/"), card))
    start(second)
    answer = parent.post("/family/pay/card/", hidden(asked))
    assert answer.status_code == 409
    assert "Being paid now by another guardian" in body_of(answer)
    assert charges(sandbox) == []


def test_a_strangers_card_is_not_found(room, family, parent, card):
    stranger = GuardianFactory(name="Other")
    SavedMethod.objects.update(payer_id=stranger.pk)
    sent = {"token": str(uuid4()), "card": str(card)}
    assert parent.post("/family/pay/card/", sent).status_code == 404
    assert parent.post(f"/family/cards/{card}/remove/").status_code == 404
    assert "No saved card" in body_of(parent.get("/family/cards/"))


def test_nonsense_is_refused_kindly(family, parent, card):
    for bad in ({}, {"card": "x"}, {"card": str(card), "token": "x"}):
        assert parent.post("/family/pay/card/", bad)["Location"] == "/family/"


def test_removing_a_card(parent, card, sandbox):
    assert "Visa •• 4242" in body_of(parent.get("/family/cards/"))
    answer = parent.post(f"/family/cards/{card}/remove/", follow=True)
    assert "is removed" in body_of(answer)
    assert "No saved card" in body_of(answer)
    assert "with Visa" not in body_of(parent.get("/family/"))


def test_a_gateway_without_saved_cards_offers_none(room, parent, monkeypatch):
    make.bill(room)
    monkeypatch.setattr(methods, "saves_methods", lambda account: False)
    text = body_of(parent.get("/family/"))
    assert "keep_card" not in text
    assert "Pay $900.00" in text
