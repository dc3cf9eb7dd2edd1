"""What a school may set about the processing cost, and the rule by which it is worked out."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from apps.fees.services.cover import Rate
from apps.tenants.tests.factories import reopen
from kernel.errors import Invalid
from tests.paying.covers import body_of, change

# The rule


@given(
    amount=st.integers(1, 10**11),
    bps=st.integers(0, 500),
    fixed=st.integers(0, 1000),
)
@examples(max_examples=500, deadline=None)
def test_the_school_nets_the_amount_and_nobody_pays_more_than_that_takes(
    amount: int, bps: int, fixed: int
) -> None:
    """In whole minor units of any currency, with a provider that rounds its fee up or down."""
    cover = Rate(bps, fixed).on(amount)
    cost_times_10000 = (amount + cover) * bps + fixed * 10_000

    assert cover * 10_000 >= cost_times_10000  # what is kept never exceeds the cover
    assert (cover - 1) * 10_000 < cost_times_10000 or cover == 0  # nor the cover the cost
    assert cover == -(-cost_times_10000 // 10_000)


@pytest.mark.parametrize(
    ("rate", "amount", "cover"),
    [
        (Rate(290, 30), 10000, 330),
        (Rate(290, 0), 10000, 299),
        (Rate(0, 30), 10000, 30),
        (Rate(0, 0), 10000, 0),
        (Rate(290, 30), 0, 0),
        (Rate(290, 30), -5, 0),
        (Rate(360, 0), 1000, 38),  # yen have no decimals
        (Rate(250, 100), 12345, 420),  # thousandths of a dinar
        (Rate(500, 100), 1, 106),
    ],
)
def test_some_covers(rate: Rate, amount: int, cover: int) -> None:
    assert rate.on(amount) == cover


# The setting


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("cover", "sometimes"),
        ("cover", 1),
        ("cover_card_bps", 501),
        ("cover_card_bps", "5.01"),
        ("cover_card_bps", "2.999"),
        ("cover_card_bps", "two"),
        ("cover_card_bps", -1),
        ("cover_card_bps", True),
        ("cover_card_bps", 2.9),
        ("cover_paypal_bps", 501),
        ("cover_card_fixed_minor", 101),
        ("cover_card_fixed_minor", "1.01"),
        ("cover_paypal_fixed_minor", 101),
    ],
)
def test_more_than_a_provider_takes_is_refused(school: Any, name: str, value: Any) -> None:
    with pytest.raises(Invalid):
        change(**{name: value})


def test_the_limit_is_told(school: Any) -> None:
    with pytest.raises(Invalid, match=r"from 0 to 5.00"):
        change(cover_card_bps="7")
    with pytest.raises(Invalid, match=r"up to \$1.00"):
        change(cover_card_fixed_minor="2")


def test_the_bursar_sets_it_and_the_history_tells(client_for: Any) -> None:
    client = client_for("bursar")
    page = client.get("/portal/settings/fees/")
    text = body_of(page)
    assert "must never be more than what a payment costs you" in text
    form = page.context["form"]
    values = {name: form[name].value() for name in form.fields if form[name].value() is not False}
    values |= {"fees.cover": "offered", "fees.cover_card_bps": "2,9"}
    values |= {"fees.cover_card_fixed_minor": "0.30"}
    assert client.post("/portal/settings/fees/", values).status_code == 302
    reopen()
    from apps.fees.services.cover import rate_of

    assert rate_of("card") == Rate(290, 30)
    assert str(rate_of("card")) == "2.90 % + $0.30"
    again = client.get("/portal/settings/fees/").context["form"]
    assert again["fees.cover_card_bps"].value() == "2.90"
    admin = client_for("admin")
    history = body_of(admin.get("/portal/settings/history/"))
    assert "Families may tick a box to cover it" in history
    assert "2.90 %" in history


def test_over_the_api_it_is_basis_points(client_for: Any) -> None:
    client = client_for("admin")
    url = "/api/v1/school/settings/"
    body = {"fees": {"cover": "always", "cover_card_bps": 290}}
    answer = client.patch(url, json.dumps(body), content_type="application/json")
    assert answer.status_code == 200, answer.content
    assert answer.json()["fees"]["cover_card_bps"] == 290
    too_much = {"fees": {"cover_card_bps": 501}}
    answer = client.patch(url, json.dumps(too_much), content_type="application/json")
    assert answer.status_code == 400 or answer.status_code == 422
