"""The last step of making a school."""

import pytest
from django.core.mail.backends.locmem import EmailBackend

from apps.identity import facade as identity
from apps.notifications.models import Message
from apps.notifications.provisioning import send_invitation
from apps.tenants import facade as tenants
from apps.tenants.contracts import ProvisioningContext

pytestmark = pytest.mark.usefixtures("school")


@pytest.fixture
def context():
    identity.invite_user(
        email="head@example.org", name="Head", roles=["admin"], invited_by="homeroom"
    )
    return ProvisioningContext(
        school=tenants.current_school_info(), admin_email="head@example.org", admin_name="Head"
    )


def test_the_admins_invitation_leaves_with_no_worker_running(context, mailbox):
    assert send_invitation(context) is None

    [mail] = mailbox
    assert mail.to == ["Head <head@example.org>"]
    assert "/invitation/" in mail.body


def test_a_mail_server_that_is_down_does_not_undo_the_school(context, monkeypatch):
    def refuse(self, messages):
        raise ConnectionRefusedError(111, "Connection refused")

    monkeypatch.setattr(EmailBackend, "send_messages", refuse)

    told = send_invitation(context)

    assert Message.objects.get().status == "queued"
    assert "the mail server does not answer" in told, "the operator is not told it was sent"
