"""The operator console stops a consumer in one school, and lets it go on."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from apps.events.models import PausedConsumer
from apps.tenants.models import OperatorAction
from kernel.schools import in_public, in_school

LINCOLN, OURS = "/operator/schools/1/events/", "/operator/events/platform/"


@pytest.fixture
def consumer() -> str:
    from apps.events import facade as events

    return next(name for name in events.known_consumers() if name.startswith("fees."))


def actions() -> list[tuple[str, dict[str, Any]]]:
    with in_public():
        return list(OperatorAction.objects.order_by("id").values_list("action", "detail"))


def test_a_consumer_is_paused_and_goes_on(
    school: Any, operator_client: Client, consumer: str
) -> None:
    form = {"consumer": consumer, "reason": "It books twice"}

    page = operator_client.post(f"{LINCOLN}pause/", form, follow=True)

    text = page.content.decode()
    assert f"{consumer} is paused" in text
    assert "It books twice" in text
    with in_school("t_000001"):
        assert PausedConsumer.objects.get().consumer == consumer
    with in_school("t_000002"):
        assert not PausedConsumer.objects.exists()

    page = operator_client.post(f"{LINCOLN}resume/", {"consumer": consumer}, follow=True)

    assert f"{consumer} goes on" in page.content.decode()
    assert [action for action, _detail in actions()[-2:]] == [
        "events.consumer_paused",
        "events.consumer_resumed",
    ]


@pytest.mark.parametrize("action", ["pause", "resume"])
@pytest.mark.parametrize("place", [LINCOLN, OURS])
def test_what_nobody_knows_is_said_and_changes_nothing(
    school: Any, operator_client: Client, place: str, action: str
) -> None:
    before = actions()

    page = operator_client.post(f"{place}{action}/", {"consumer": "nobody.hears_this"}, follow=True)

    assert page.status_code == 200
    assert "nobody.hears_this" in page.content.decode()
    assert actions() == before


def test_pausing_twice_is_said(school: Any, operator_client: Client, consumer: str) -> None:
    operator_client.post(f"{OURS}pause/", {"consumer": consumer})

    page = operator_client.post(f"{OURS}pause/", {"consumer": consumer}, follow=True)

    assert "paused already" in page.content.decode()


def test_only_operators_pause(school: Any, client_for: Any, client: Client) -> None:
    for someone in (client, client_for("admin")):
        assert someone.post(f"{LINCOLN}pause/", {"consumer": "x"}).status_code in (302, 403, 404)
    with in_school("t_000001"):
        assert not PausedConsumer.objects.exists()
