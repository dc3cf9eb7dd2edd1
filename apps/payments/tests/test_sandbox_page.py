"""The sandbox's hosted page as a browser sees it: words, amounts, endings, the form's token."""

from __future__ import annotations

import re
import time

import pytest
import requests

from apps.payments.providers import stripe as adapter
from apps.payments.sandbox.texts import amount, language
from apps.payments.tests.test_sandbox import KEY, session_params

ORIGIN = {"Origin": "null"}  # what a browser sends with a form of a page that has no referrer


@pytest.fixture
def client(sandbox):
    return adapter.stripe.StripeClient(KEY, base_addresses={"api": sandbox.url})


@pytest.fixture
def session(client):
    data = {"description": "Term <fees>", "metadata": {"payment_id": "p1"}}
    params = session_params(payment_intent_data=data, cancel_url="http://school.test/back?a=1&b=2")
    return client.v1.checkout.sessions.create(params)


def form_of(page):
    """Where the form of the page goes, as a browser would read it."""
    return re.search(r'<form method="post" action="([^"]+)"', page.text).group(1)


def press(sandbox, session, action, **headers):
    """Open the page and press a button of it, as a browser does."""
    page = requests.get(session.url, timeout=5)
    return requests.post(
        sandbox.url + form_of(page),
        {"action": action},
        headers=ORIGIN | headers,
        allow_redirects=False,
        timeout=5,
    )


def test_the_page_names_the_school_the_items_and_the_way_back(session):
    page = requests.get(session.url, timeout=5)

    assert "TEST — no real money" in page.text
    assert "Payment to school.test" in page.text
    assert "Term &lt;fees&gt;" in page.text
    assert '<th scope="row">Lunch</th><td>10.00 USD</td>' in page.text
    assert 'href="http://school.test/back?a=1&amp;b=2"' in page.text
    assert '<html lang="en">' in page.text


def test_pay_leads_back_to_the_school_and_a_second_click_pays_once(client, sandbox, session):
    first = press(sandbox, session, "pay")
    again = requests.post(session.url, {"action": "pay"}, allow_redirects=False, timeout=5)

    for answer in (first, again):
        assert (answer.status_code, answer.headers["Location"]) == (303, "http://school.test/ok")
    assert "This has been paid." in again.text
    assert "This has been paid." in requests.get(f"{sandbox.url}/c/pay/{session.id}").text
    assert len(client.v1.charges.list().data) == 1


def test_decline_keeps_the_page_open_for_another_try(client, sandbox, session):
    declined = press(sandbox, session, "decline")
    page = requests.get(sandbox.url + declined.headers["Location"], timeout=5)

    assert declined.status_code == 303
    assert "The card was declined. Nothing was charged." in page.text
    found = client.v1.checkout.sessions.retrieve(
        session.id, {"expand": ["payment_intent.latest_charge"]}
    )
    assert (found.status, found.payment_status) == ("open", "unpaid")
    assert found.payment_intent.status == "requires_payment_method"
    assert found.payment_intent.last_payment_error.code == "card_declined"
    assert found.payment_intent.latest_charge.status == "failed"

    assert press(sandbox, session, "pay").headers["Location"] == "http://school.test/ok"
    assert [c.status for c in client.v1.charges.list().data] == ["succeeded", "failed"]
    assert len(client.v1.payment_intents.list().data) == 1


@pytest.mark.parametrize(
    ("action", "status", "paid", "news"),
    [
        ("later", "succeeded", "paid", "checkout.session.async_payment_succeeded"),
        (
            "later-fails",
            "requires_payment_method",
            "unpaid",
            "checkout.session.async_payment_failed",
        ),
    ],
)
def test_pay_later_is_complete_at_once_and_decided_later(
    client, sandbox, session, action, status, paid, news
):
    assert press(sandbox, session, action).status_code == 303
    waiting = client.v1.checkout.sessions.retrieve(session.id, {"expand": ["payment_intent"]})
    assert (waiting.status, waiting.payment_status) == ("complete", "unpaid")
    assert waiting.payment_intent.status == "processing"
    page = requests.get(f"{sandbox.url}/c/pay/{session.id}", timeout=5)
    assert "This payment is waiting for the bank." in page.text

    assert sandbox.app.gateway.run_timers() == 1

    done = client.v1.checkout.sessions.retrieve(session.id, {"expand": ["payment_intent"]})
    assert (done.payment_status, done.payment_intent.status) == (paid, status)
    assert news in [event.type for event in client.v1.events.list().data]


def test_a_form_of_another_site_does_nothing(client, sandbox, session):
    forged = requests.post(
        session.url,
        {"action": "pay"},
        headers={"Origin": "http://evil.test"},
        allow_redirects=False,
        timeout=5,
    )
    guessed = requests.post(f"{session.url}?form=00", {"action": "pay"}, timeout=5)

    assert (forged.status_code, guessed.status_code) == (403, 403)
    assert "This form is out of date. Nothing was charged." in forged.text
    assert client.v1.charges.list().data == []


def test_a_page_whose_time_is_over_cannot_be_paid(client, sandbox, session):
    link = requests.get(session.url, timeout=5)
    stored = sandbox.app.store.get(sandbox.account(), "session", session.id)
    sandbox.app.store.put(sandbox.account(), "session", stored | {"expires_at": 1})

    late = requests.post(sandbox.url + form_of(link), {"action": "pay"}, headers=ORIGIN, timeout=5)

    assert "This payment page is no longer open." in late.text
    assert client.v1.checkout.sessions.retrieve(session.id).status == "expired"
    assert client.v1.charges.list().data == []


def test_a_page_nobody_looks_at_expires_by_itself(client, sandbox, session):
    stored = sandbox.app.store.get(sandbox.account(), "session", session.id)
    sandbox.app.store.put(sandbox.account(), "session", stored | {"expires_at": 1})
    sandbox.app.store.rows("UPDATE timer SET due = ?", time.time())

    assert sandbox.app.gateway.run_timers() == 1

    assert [e.type for e in client.v1.events.list().data] == ["checkout.session.expired"]
    with pytest.raises(adapter.stripe.InvalidRequestError, match="status of expired"):
        client.v1.checkout.sessions.expire(session.id)


def test_spanish_by_the_session_or_by_the_browser(client, session):
    page = requests.get(session.url, headers={"Accept-Language": "es-MX,en;q=0.5"}, timeout=5)
    assert '<html lang="es">' in page.text
    assert "PRUEBA — sin dinero real" in page.text
    assert "Pagar 10,00 USD" in page.text

    chosen = client.v1.checkout.sessions.create(session_params(locale="es"))
    assert "Pagar 10,00 USD" in requests.get(chosen.url, timeout=5).text


@pytest.mark.parametrize(
    ("locale", "accepted", "expected"),
    [
        (None, "", "en"),
        (None, "fr-FR, es;q=0.8, en;q=0.5", "es"),
        ("auto", "es", "es"),
        ("es-419", "en", "es"),
        ("fr", "de", "en"),
    ],
)
def test_which_language(locale, accepted, expected):
    assert language(locale, accepted) == expected


@pytest.mark.parametrize(
    ("minor", "currency", "lang", "expected"),
    [
        (123456, "usd", "en", "1,234.56 USD"),
        (123456, "eur", "es", "1.234,56 EUR"),
        (1200, "jpy", "en", "1,200 JPY"),
        (1200, "kwd", "en", "1.200 KWD"),
        (5, "gbp", "en", "0.05 GBP"),
    ],
)
def test_amounts(minor, currency, lang, expected):
    assert amount(minor, currency, lang) == expected


def test_the_front_page_says_what_this_is(sandbox):
    page = requests.get(sandbox.url, timeout=5)

    assert page.status_code == 200
    assert "Homeroom sandbox gateway – no real money" in page.text
    assert requests.head(sandbox.url, timeout=5).text == ""
    assert requests.get(f"{sandbox.url}/elsewhere", timeout=5).status_code == 404
