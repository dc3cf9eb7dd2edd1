"""Every provider: signed messages, good, bad, old, future, and of another account."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from apps.payments.providers.base import BadSignature, Gone


@pytest.fixture
def endpoint(stand):
    return stand.listen()


@pytest.fixture
def posted(stand, endpoint):
    """The messages of one payment and of a refund."""
    stand.request, _session, stand.snapshot = stand.paid()
    stand.refund_in_dashboard(stand.snapshot, 100)
    return stand.sandbox.collect()


def verify(stand, message, *, secrets, body=None, headers=None):
    return stand.provider.verify(
        body=message.body if body is None else body,
        headers=message.headers if headers is None else headers,
        secrets=secrets,
    )


def test_a_genuine_message_names_its_payment(stand, endpoint, posted):
    messages = [verify(stand, each, secrets=[endpoint.secret]) for each in posted]

    assert stand.request.payment_id in {message.payment_hint for message in messages}
    assert stand.snapshot.captures[0].capture_id in {m.capture_hint for m in messages}
    assert all(message.event_id and message.event_type for message in messages)


def test_the_older_of_two_secrets_is_good_too(stand, endpoint, posted):
    assert verify(stand, posted[0], secrets=["another", endpoint.secret]).event_id


@pytest.mark.parametrize("secrets", [[], ["another"], ["", "another"]])
def test_another_secret_is_refused(stand, posted, secrets):
    with pytest.raises(BadSignature):
        verify(stand, posted[0], secrets=secrets)


def test_a_message_of_another_account_is_refused(stand, posted):
    client_id, secret = stand.adapter.practice_keys()
    keys = replace(stand.credentials, client_id=client_id, secret_key=secret)
    other = type(stand)(stand.sandbox)
    other.credentials, other.provider = keys, stand.adapter(keys)
    endpoint = other.listen()

    with pytest.raises(BadSignature):
        verify(other, posted[0], secrets=[endpoint.secret])


def test_without_a_signature_it_is_refused(stand, endpoint, posted):
    with pytest.raises(BadSignature):
        verify(stand, posted[0], secrets=[endpoint.secret], headers={})


def test_a_changed_body_is_refused(stand, endpoint, posted):
    changed = posted[0].body.replace(b"USD", b"EUR").replace(b"usd", b"eur")
    respelled = json.dumps(json.loads(posted[0].body), indent=1).encode()

    for body in (changed, respelled):
        with pytest.raises(BadSignature):
            verify(stand, posted[0], secrets=[endpoint.secret], body=body)


@pytest.mark.parametrize(
    "body", [b"", b"no json", b"[]", b'{"id": 1}', b"\xff\xfe", b"[" * 200_000, b"{} {}"]
)
def test_a_body_that_is_no_message_is_refused(stand, endpoint, posted, body):
    with pytest.raises(BadSignature):
        verify(stand, posted[0], secrets=[endpoint.secret], body=body)


@pytest.mark.parametrize("age", [timedelta(days=5), timedelta(minutes=-10)])
def test_too_old_or_from_the_future_is_refused(stand, endpoint, posted, age):
    good = stand.signed(posted[0], endpoint, timedelta(seconds=5))
    assert verify(stand, posted[0], secrets=[endpoint.secret], headers=good).event_id

    with pytest.raises(BadSignature, match="too old or from the future"):
        headers = stand.signed(posted[0], endpoint, age)
        verify(stand, posted[0], secrets=[endpoint.secret], headers=headers)


def test_a_removed_endpoint_hears_nothing(stand, endpoint):
    stand.provider.remove_webhook(endpoint.endpoint_id)
    stand.provider.remove_webhook(endpoint.endpoint_id)

    stand.paid()

    assert stand.sandbox.collect() == []


def enabled(stand, endpoint):
    rows = stand.sandbox.app.store.rows(
        "SELECT account, body FROM object WHERE kind = 'webhook_endpoint' AND id = ?",
        endpoint.endpoint_id,
    )
    [(account, body)] = rows
    return account, json.loads(body)


def test_an_endpoint_of_before_gets_the_kinds_that_were_added(stand, endpoint):
    account, row = enabled(stand, endpoint)
    everything = row["enabled_events"]
    with stand.sandbox.app.store.work():
        row["enabled_events"] = ["somebody.asked.for.this", everything[0]]
        stand.sandbox.app.store.put(account, "webhook_endpoint", row)

    assert stand.provider.complete_webhook(endpoint.endpoint_id)

    now = enabled(stand, endpoint)[1]["enabled_events"]
    assert set(now) == {"somebody.asked.for.this", *everything}
    assert not stand.provider.complete_webhook(endpoint.endpoint_id)


def test_an_endpoint_for_all_kinds_lacks_none(stand, endpoint):
    account, row = enabled(stand, endpoint)
    with stand.sandbox.app.store.work():
        stand.sandbox.app.store.put(account, "webhook_endpoint", row | {"enabled_events": ["*"]})

    assert not stand.provider.complete_webhook(endpoint.endpoint_id)


def test_an_endpoint_that_is_gone_cannot_be_completed(stand, endpoint):
    stand.provider.remove_webhook(endpoint.endpoint_id)

    with pytest.raises(Gone):
        stand.provider.complete_webhook(endpoint.endpoint_id)
