"""Messages over the API, and the facade."""

import pytest
from rest_framework.test import APIClient

from apps.notifications import facade as notifications
from apps.notifications.models import Attempt

from .factories import MessageFactory

pytestmark = pytest.mark.usefixtures("school")
URL = "/api/v1/notifications/"


def test_staff_read_messages(api_for):
    message = MessageFactory(to_address="maria@example.org", status="sent")
    Attempt.objects.create(message=message, outcome="sent")
    client = api_for("office")

    [row] = client.get(URL).json()["results"]
    detail = client.get(f"{URL}{message.id}/").json()

    assert row["to_address"] == "maria@example.org"
    assert row["status"] == "sent"
    assert "personal_link" not in detail
    assert "s3cret" not in str(detail)
    assert [attempt["outcome"] for attempt in detail["attempts"]] == ["sent"]


def test_filters(api_for):
    MessageFactory(status="sent")
    MessageFactory(status="failed", to_name="Tom")
    client = api_for("admin")

    assert len(client.get(f"{URL}?status=failed").json()["results"]) == 1
    assert len(client.get(f"{URL}?q=tom").json()["results"]) == 1
    assert client.get(f"{URL}?q=%00nobody").json()["results"] == []


def test_nobody_else_reads_them_and_nobody_writes(
    api_for, anonymous, in_other_school, other_school
):
    message = MessageFactory()

    assert api_for("teacher").get(URL).status_code == 403
    assert APIClient(headers={"host": "lincoln.testserver"}).get(URL).status_code == 401
    admin = api_for("admin")
    assert admin.post(URL, {}).status_code == 405
    assert admin.delete(f"{URL}{message.id}/").status_code == 405
    assert api_for("admin", other_school).get(f"{URL}{message.id}/").status_code == 404


def test_the_facade_tells_counts_and_recent_messages():
    sent = MessageFactory(status="sent", to_address="maria@example.org")
    MessageFactory(status="queued")
    MessageFactory(status="sending")
    MessageFactory(status="failed")

    assert notifications.counts() == notifications.Counts(waiting=2, sent=1, failed=1)
    assert [info.id for info in notifications.recent_messages(email="Maria@example.org")] == [
        sent.id
    ]
    assert notifications.recent_messages() == []
