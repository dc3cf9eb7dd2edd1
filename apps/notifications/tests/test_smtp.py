"""Delivery over the wire, to a mail server that speaks SMTP."""

import socket

import pytest
from django.test import override_settings

from apps.notifications.models import Message
from apps.notifications.services.delivery import deliver, send_due
from kernel.errors import Unavailable

from .factories import MessageFactory
from .smtp import mail_server

pytestmark = pytest.mark.usefixtures("school")
SMTP = "django.core.mail.backends.smtp.EmailBackend"


@pytest.fixture
def server():
    with (
        mail_server() as running,
        override_settings(
            EMAIL_BACKEND=SMTP,
            EMAIL_HOST="127.0.0.1",
            EMAIL_PORT=running.port,
            EMAIL_USE_TLS=False,
        ),
    ):
        yield running


def test_a_mail_arrives_with_both_parts_and_its_headers(server):
    message = MessageFactory(to_name="María, de la O", to_address="maria@example.org")

    assert deliver(message_id=message.id) is True

    [mail] = server.mails
    assert server.recipients == ["maria@example.org"]
    assert mail["To"].addresses[0].display_name == "María, de la O"
    assert mail["From"].addresses[0].display_name == "Lincoln Elementary"
    assert mail["Message-ID"] == f"<{message.id}@lincoln.testserver>"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert "?token=s3cret&x=1" in mail.get_body(("plain",)).get_content()
    assert "?token=s3cret&amp;x=1" in mail.get_body(("html",)).get_content()


def test_a_bill_run_needs_one_connection(server):
    for _ in range(30):
        MessageFactory()

    assert send_due() == 30

    assert len(server.mails) == 30
    assert server.connections == 1


def test_a_refused_address_fails_and_the_others_arrive(server):
    server.unknown.add("gone@example.org")
    gone = MessageFactory(to_address="gone@example.org")
    MessageFactory(to_address="here@example.org")

    assert send_due() == 1

    gone.refresh_from_db()
    assert gone.status == "failed"
    assert gone.last_error == "The mail server refused the address: No such user here"
    assert server.recipients == ["here@example.org"]


def test_a_server_that_is_not_there_is_tried_again_later():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    message = MessageFactory()

    with (
        override_settings(EMAIL_BACKEND=SMTP, EMAIL_HOST="127.0.0.1", EMAIL_PORT=port),
        pytest.raises(Unavailable),
    ):
        deliver(message_id=message.id)

    assert Message.objects.get().status == "queued"
    with (
        mail_server() as back,
        override_settings(EMAIL_BACKEND=SMTP, EMAIL_HOST="127.0.0.1", EMAIL_PORT=back.port),
    ):
        assert deliver(message_id=message.id) is True
        assert len(back.mails) == 1
