"""What was hardened in the package's Api object, and amounts as PayPal writes them."""

from __future__ import annotations

import json
import re
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
import requests

from apps.payments.providers.base import Credentials, Invalid, Unknown
from apps.payments.providers.paypal import PayPalProvider, amounts
from apps.payments.providers.paypal import api as hardened
from apps.payments.providers.paypal.api import Api
from apps.payments.tests.providers.stands import PayPalStand
from kernel.errors import Invalid as Refused
from kernel.money import CURRENCIES


@pytest.fixture
def stand(sandbox):
    return PayPalStand(sandbox)


@pytest.fixture
def asked(monkeypatch):
    """Every request of any Api: method, address, headers and body."""
    found = []
    real = Api.http_call

    def listen(self, url, method, **kwargs):
        found.append((method, url, dict(kwargs["headers"]), kwargs.get("data")))
        return real(self, url, method, **kwargs)

    monkeypatch.setattr(Api, "http_call", listen)
    return found


def tokens(asked):
    return [call for call in asked if call[1].endswith("/v1/oauth2/token")]


def test_sixteen_threads_fetch_one_token(stand, asked):
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda _n: stand.provider.check(), range(16)))

    assert (len(tokens(asked)), len(asked)) == (1, 17)


def test_the_token_is_asked_for_without_the_callers_headers(stand, asked):
    stand.open()

    [(_method, _url, headers, _body)] = tokens(asked)
    assert "PayPal-Request-Id" not in headers
    assert asked[-1][2]["PayPal-Request-Id"]


def test_reading_sends_no_body(stand, asked):
    stand.provider.check()

    assert asked[-1][0] == "GET"
    assert asked[-1][3] is None


def test_a_token_that_ends_within_a_minute_is_fetched_again(stand, asked, monkeypatch):
    stand.provider.check()
    now = time.monotonic()
    monkeypatch.setattr(hardened.time, "monotonic", lambda: now + 9 * 3600 - 59)
    stand.provider.check()

    assert len(tokens(asked)) == 2


def test_a_token_that_is_refused_is_fetched_again_once(stand, rude, asked):
    gateway = rude("unauthorized")

    with pytest.raises(Invalid):
        stand.at(gateway.url).check()

    assert len(gateway.calls()) == 2
    assert len(asked) == 4


def test_an_answer_that_drips_in_is_given_up(stand, rude, monkeypatch):
    monkeypatch.setattr(hardened, "DEADLINE_SECONDS", 1.0)

    # It would go on for years.
    with pytest.raises(Unknown):
        stand.at(rude("drip").url).fetch("x")


def test_each_account_has_an_object_of_its_own_and_none_is_the_default(stand):
    one, other = Api(stand.credentials), Api(replace(stand.credentials, live=True))

    assert (one.mode, other.mode) == ("sandbox", "live")
    package = sys.modules[Api.__base__.__module__]
    assert package.__api__ is None
    assert stand.credentials.secret_key not in repr(one.options)


def test_without_a_stand_in_paypals_own_addresses_are_used():
    keys = Credentials(client_id="c" * 20, secret_key="s" * 20)

    assert Api(keys).endpoint == "https://api-m.sandbox.paypal.com"
    assert Api(replace(keys, live=True)).endpoint == "https://api-m.paypal.com"


@pytest.mark.parametrize(
    ("minor", "currency", "text"),
    [
        (1999, "USD", "19.99"),
        (1, "EUR", "0.01"),
        (1200, "JPY", "1200"),
        (990, "HUF", "990"),
        (10**12, "GBP", "10000000000.00"),
    ],
)
def test_amounts_are_exact_both_ways(minor, currency, text):
    written = amounts.to_paypal(minor, currency)

    assert written == {"currency_code": currency, "value": text}
    assert amounts.from_paypal(written) == (minor, currency)


@pytest.mark.parametrize(
    "amount",
    [
        None,
        {},
        {"currency_code": "USD", "value": "1.999"},
        {"currency_code": "JPY", "value": "12.50"},
        {"currency_code": "USD", "value": "lots"},
        {"currency_code": "USD", "value": "NaN"},
        {"currency_code": "XYZ", "value": "1.00"},
    ],
)
def test_what_is_no_amount_is_unknown_never_rounded(amount):
    with pytest.raises(Unknown):
        amounts.from_paypal(amount)


def test_only_currencies_with_the_same_decimals_are_taken():
    for currency, digits in CURRENCIES.items():
        expected = amounts.CURRENCIES.get(currency) == digits
        assert amounts.takes(currency) is expected
    assert not amounts.takes("HUF")  # not one of ours yet
    assert not amounts.takes("ZAR")  # not one of PayPal's


def test_an_invented_page_number_reaches_no_other_address(stand, asked):
    with pytest.raises(Invalid):
        stand.provider.fetch("../../v1/notifications/webhooks?x=")

    path = "..%2F..%2Fv1%2Fnotifications%2Fwebhooks%3Fx%3D"
    assert asked[-1][1].endswith(f"/v2/checkout/orders/{path}")


def test_the_control_page_offers_what_the_world_may_do_to_paypal(stand):
    _request, session = stand.open()
    stand.press(session, "later")
    stand.read(session)
    address = f"{stand.sandbox.url}/_control/"
    page = requests.get(address, timeout=5).text
    [settle] = re.findall(r'value="(paypal/settle:succeeded \w+)"', page)
    token = re.findall(r'name="token" value="(\w+)"', page)[0]

    stranger = requests.post(address, {"token": "x", "action": settle}, timeout=5)
    assert stranger.status_code == 403
    requests.post(address, {"token": token, "action": settle}, timeout=5)
    assert len(stand.read(session).captures) == 1


def test_a_control_that_does_not_exist_says_so(stand):
    for name, wanted in (("settle", {"capture": "X"}), ("nothing", {}), ("dispute", {})):
        answer = requests.post(
            f"{stand.sandbox.url}/_control/paypal/{name}",
            data=json.dumps(wanted),
            headers={"Content-Type": "application/json"},
            timeout=5,
        )
        assert answer.status_code == 404


def test_keys_that_cannot_be_right_are_refused_before_they_are_kept():
    good = Credentials(client_id="c" * 30, secret_key="s" * 30)
    PayPalProvider.check_form(good)
    for bad in (
        replace(good, client_id=""),
        replace(good, secret_key="short"),
        replace(good, secret_key="schlüssel" * 5),
    ):
        with pytest.raises(Refused):
            PayPalProvider.check_form(bad)
