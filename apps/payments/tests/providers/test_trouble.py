"""Every provider: gateways that do not behave. The error says what is certain, in bounded time."""

from __future__ import annotations

import logging
import socket
from dataclasses import replace

import pytest

from apps.payments.providers import paypal, stripe
from apps.payments.providers.base import Invalid, Retryable, Unknown
from apps.payments.providers.paypal import api as paypal_api
from apps.payments.tests.providers.stands import session_request


@pytest.fixture(autouse=True)
def impatience(monkeypatch):
    """Short limits."""
    monkeypatch.setattr(stripe, "TIMEOUT_SECONDS", (0.5, 0.5))
    monkeypatch.setattr(paypal_api, "TIMEOUT_SECONDS", (0.5, 0.5))
    monkeypatch.setattr(paypal_api, "DEADLINE_SECONDS", 1.0)
    stripe._client.cache_clear()
    paypal._api.cache_clear()


def test_no_test_waits_between_the_tries_of_stripes_package():
    client = stripe.stripe.RequestsClient()

    assert [client._sleep_time_seconds(tries) for tries in (1, 2, 3)] == [0, 0, 0]


@pytest.mark.parametrize("manners", ["html", "broken-json", "reset", "hang", "redirect"])
def test_what_is_no_clear_answer_is_unknown(stand, rude, manners):
    gateway = rude(manners)

    with pytest.raises(Unknown) as refusal:
        stand.at(gateway.url).open_session(session_request())

    assert len(gateway.calls()) <= 3
    assert not any("elsewhere" in line for line in gateway.asked)
    assert stand.credentials.secret_key not in str(refusal.value)


def test_a_busy_gateway_has_done_nothing(stand, rude):
    gateway = rude("busy")

    with pytest.raises(Retryable):
        stand.at(gateway.url).open_session(session_request())

    assert len(gateway.calls()) <= 3


def test_a_gateway_that_is_not_there_has_done_nothing(stand):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]

    with pytest.raises(Retryable):
        stand.at(f"http://127.0.0.1:{port}").open_session(session_request())


def test_a_key_that_is_refused_for_ever_is_asked_with_a_few_times_only(stand, rude):
    gateway = rude("unauthorized")

    with pytest.raises(Invalid) as refusal:
        stand.at(gateway.url).fetch("x")

    assert refusal.value.code == "authentication"
    assert len(gateway.asked) <= 4


def test_wrong_credentials_are_said(stand):
    stand.provider.check()
    wrong = replace(stand.credentials, secret_key="sk_test_short")

    with pytest.raises(Invalid) as refusal:
        stand.adapter(wrong).check()

    assert refusal.value.code == "authentication"


@pytest.mark.parametrize("status", [500, 503])
def test_trouble_inside_the_gateway_is_unknown(stand, status):
    stand.sandbox.app.faults.fail[stand.pages] = [status] * 3

    with pytest.raises(Unknown):
        stand.open()


def test_nothing_secret_is_logged_at_debug(stand, caplog):
    with caplog.at_level(logging.DEBUG):
        stand.paid()

    text = "\n".join(record.getMessage() for record in caplog.records)
    assert stand.credentials.secret_key not in text
    assert "Bearer" not in text
    assert "access_token" not in text
    assert stand.credentials.secret_key not in repr(vars(stand.provider))


def test_an_address_may_end_with_a_slash(stand):
    _request, session = stand.open()

    again = stand.at(f"{stand.credentials.api_base}/").fetch(session.session_id)

    assert again.open is True
