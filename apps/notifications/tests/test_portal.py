"""The staff's pages about messages."""

import pytest

from apps.notifications.models import Attempt, Message, Preference
from kernel.ids import uuid7

from .factories import MessageFactory

pytestmark = pytest.mark.usefixtures("school")


@pytest.mark.parametrize("role", ["admin", "bursar", "office"])
def test_staff_see_the_list(client_for, role):
    MessageFactory(to_name="Maria López", to_address="maria@example.org")

    page = client_for(role).get("/portal/messages/")

    assert page.status_code == 200
    assert "maria@example.org" in page.content.decode()


@pytest.mark.parametrize("role", ["teacher", "guardian"])
def test_others_do_not(client_for, role):
    message = MessageFactory()
    client = client_for(role)

    for path in ("", f"{message.id}/", f"{message.id}/html/"):
        assert client.get(f"/portal/messages/{path}").status_code == 403
    assert client.post(f"/portal/messages/{message.id}/retry/").status_code == 403
    assert client.post("/portal/messages/retry/").status_code == 403


def test_strangers_are_sent_to_the_sign_in_page(anonymous):
    answer = anonymous().get("/portal/messages/")

    assert answer.status_code == 302
    assert answer["Location"].startswith("/sign-in/")


def test_an_empty_list_says_so(client_for):
    page = client_for("admin").get("/portal/messages/")

    assert "No messages yet" in page.content.decode()


def test_search_and_filters(client_for):
    MessageFactory(to_name="Maria López", status="sent")
    MessageFactory(to_name="Tom Becker", status="failed")
    client = client_for("office")

    def found(query):
        text = client.get(f"/portal/messages/?{query}").content.decode()
        return [name for name in ("Maria López", "Tom Becker") if name in text]

    assert found("q=lópez") == ["Maria López"]
    assert found("status=failed") == ["Tom Becker"]
    assert found("kind=invitation") == []
    assert found("q=%00&status=nonsense") == ["Maria López", "Tom Becker"]


def test_the_number_of_queries_does_not_grow_with_the_list(
    client_for, django_assert_max_num_queries
):
    client = client_for("admin")
    for _ in range(20):
        MessageFactory()

    with django_assert_max_num_queries(8):
        client.get("/portal/messages/")


def test_the_detail_shows_tries_and_hides_the_personal_link(client_for):
    message = MessageFactory(status="failed", last_error="Connection refused")
    Attempt.objects.create(message=message, outcome="error", error="Connection refused")

    page = client_for("office").get(f"/portal/messages/{message.id}/").content.decode()

    assert "Connection refused" in page
    assert "s3cret" not in page
    assert "personal-link.invalid" not in page
    assert "[the recipient&#x27;s own link]" in page


def test_the_html_part_is_a_page_that_can_do_nothing(client_for):
    message = MessageFactory()

    answer = client_for("admin").get(f"/portal/messages/{message.id}/html/")

    assert answer.status_code == 200
    assert answer["Content-Security-Policy"].startswith("default-src 'none'")
    assert "sandbox" in answer["Content-Security-Policy"]
    assert "s3cret" not in answer.content.decode()


def test_a_failed_message_is_sent_again_from_its_page(client_for, drain, mailbox):
    message = MessageFactory(status="failed")

    answer = client_for("bursar").post(f"/portal/messages/{message.id}/retry/")

    assert answer.status_code == 302
    drain()
    message.refresh_from_db()
    assert message.status == "sent"
    assert len(mailbox) == 1


def test_a_sent_message_is_not_sent_again(client_for, drain, mailbox):
    message = MessageFactory(status="sent")

    client_for("bursar").post(f"/portal/messages/{message.id}/retry/")

    drain()
    assert mailbox == []


def test_all_failed_ones_at_once(client_for, drain, mailbox):
    for _ in range(3):
        MessageFactory(status="failed")

    answer = client_for("admin").post("/portal/messages/retry/", follow=True)

    assert "3 messages are on their way again." in answer.content.decode()
    drain()
    assert Message.objects.filter(status="sent").count() == 3


def test_an_optional_kind_is_stopped_from_its_page(client_for):
    message = MessageFactory(kind="activity_confirmed", to_address="ana@example.org")

    client = client_for("office")
    assert "Stop them" in client.get(f"/portal/messages/{message.id}/").content.decode()

    client.post(f"/portal/messages/{message.id}/preference/", {"wanted": "no"})

    assert "Stop them" not in client.get(f"/portal/messages/{message.id}/").content.decode()
    preference = Preference.objects.get()
    assert (preference.address, preference.wanted) == ("ana@example.org", False)


def test_the_other_schools_messages_are_not_there(client_for, in_other_school):
    with in_other_school():
        theirs = MessageFactory(to_address="ajena@example.org")
    client = client_for("admin")

    assert "ajena@example.org" not in client.get("/portal/messages/").content.decode()
    assert client.get(f"/portal/messages/{theirs.id}/").status_code == 404
    assert client.post(f"/portal/messages/{theirs.id}/retry/").status_code == 404
    assert client.get(f"/portal/messages/{uuid7()}/html/").status_code == 404
