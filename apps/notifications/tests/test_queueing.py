"""Writing messages into the queue."""

from datetime import date

import pytest

from apps.notifications.models import Message, Preference
from apps.notifications.services import composing
from apps.notifications.services.queueing import (
    Recipient,
    is_usable,
    queue_message,
    retry_failed,
    retry_message,
    set_preference,
)
from kernel.errors import Conflict, Invalid, NotFound
from kernel.ids import uuid7

from .factories import MessageFactory

pytestmark = pytest.mark.usefixtures("school")

LINK = "http://lincoln.testserver/invitation/abc/?a=1&b=2"


def queue(**changes):
    values = {
        "event_id": uuid7(),
        "kind": Message.Kind.INVITATION,
        "to": Recipient(address="ana@example.org", name="Ana Ruiz"),
        "facts": {},
        "link": LINK,
    }
    return queue_message(**{**values, **changes})


def test_a_queued_message_is_stored_and_announced_once(heard):
    message_id = queue()

    message = Message.objects.get()
    assert message.id == message_id
    assert message.status == "queued"
    assert message.subject == "Your invitation to Lincoln Elementary"
    assert message.language == "en"
    assert [event.message_id for event in heard()] == [message_id]


def test_the_same_event_again_changes_nothing(heard):
    event_id = uuid7()
    first = queue(event_id=event_id)

    again = queue(event_id=event_id)

    assert first is not None
    assert again is None
    assert Message.objects.count() == 1
    assert [event.message_id for event in heard()] == [first]


def test_one_event_may_write_to_two_people():
    event_id = uuid7()
    queue(event_id=event_id)
    queue(event_id=event_id, to=Recipient(address="ben@example.org"))

    assert Message.objects.count() == 2


def test_without_an_address_there_is_nothing_to_do():
    assert queue(to=Recipient(address="")) is None
    assert Message.objects.count() == 0


@pytest.mark.parametrize(
    "address",
    [
        "not an address",
        "ana@example.org\nBcc: everybody@example.org",
        "ana@example.org\r\nSubject: hello",
        "ana@example.org, ben@example.org",
        f"{'a' * 60}@{'b' * 250}.org",
    ],
)
def test_an_unusable_address_is_kept_as_a_failed_message(heard, address):
    queue(to=Recipient(address=address))

    message = Message.objects.get()
    assert message.status == "failed"
    assert message.last_error == "This is not a usable e-mail address."
    assert "\n" not in message.to_address
    assert heard() == []
    assert not is_usable(address)


def test_names_and_titles_cannot_add_mail_headers():
    queue(
        kind=Message.Kind.ACTIVITY_CONFIRMED,
        to=Recipient(address="ana@example.org", name="Ana\r\nBcc: all@example.org"),
        facts={"child": "Leo", "activity": "Chess\nX-Evil: 1\x00", "fee": "", "starts_at": None},
    )

    message = Message.objects.get()
    assert message.to_name == "Ana Bcc: all@example.org"
    assert message.subject == "Leo has a place: Chess X-Evil: 1"


def test_what_people_typed_is_escaped_in_the_html_part_and_plain_in_the_text_part():
    queue(to=Recipient(address="ana@example.org", name="<script>alert(1)</script> & Söhne"))

    message = Message.objects.get()
    assert "<script>" not in message.body_html
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; Söhne" in message.body_html
    assert "Hello <script>alert(1)</script> & Söhne," in message.body_text


def test_the_personal_link_is_kept_apart_from_the_text():
    queue()

    message = Message.objects.get()
    assert message.personal_link == LINK
    assert LINK not in message.body_text
    assert "invitation/abc" not in message.body_html
    text, html = composing.with_link(
        text=message.body_text, html=message.body_html, link=message.personal_link
    )
    assert LINK in text
    assert 'href="http://lincoln.testserver/invitation/abc/?a=1&amp;b=2"' in html


def test_an_unknown_language_falls_back_to_the_schools():
    queue(to=Recipient(address="ana@example.org", language="xx"))

    assert Message.objects.get().language == "en"


def test_the_recipients_language_decides():
    queue(to=Recipient(address="ana@example.org", language="es"))

    message = Message.objects.get()
    assert message.language == "es"
    assert '<html lang="es">' in message.body_html


def test_the_other_school_writes_in_its_own_name_and_language(in_other_school):
    with in_other_school():
        queue()
        message = Message.objects.get()
        assert message.language == "es"
        assert "Colegio San Martín" in message.subject

    assert Message.objects.count() == 0


def test_an_optional_kind_can_be_switched_off_and_on_again():
    facts = {"child": "Leo", "activity": "Chess", "fee": "", "starts_at": None}
    order = {"kind": Message.Kind.ACTIVITY_CONFIRMED, "facts": facts}
    set_preference(address="Ana@Example.org", kind=order["kind"], wanted=False)

    assert queue(**order) is None
    set_preference(address="ana@example.org", kind=order["kind"], wanted=True)

    assert queue(**order) is not None
    assert Preference.objects.count() == 1


def test_bills_and_account_links_cannot_be_switched_off():
    with pytest.raises(Invalid):
        set_preference(address="ana@example.org", kind=Message.Kind.FAMILY_BILLED, wanted=False)


def test_a_failed_message_can_be_sent_again(heard):
    message = MessageFactory(status="failed", last_error="refused")

    retry_message(message_id=message.id)

    message.refresh_from_db()
    assert message.status == "queued"
    assert [event.message_id for event in heard()] == [message.id]


@pytest.mark.parametrize("status", ["sent", "queued"])
def test_a_message_that_did_not_fail_is_not_sent_again(heard, status):
    message = MessageFactory(status=status)

    with pytest.raises(Conflict):
        retry_message(message_id=message.id)

    assert heard() == []


def test_retrying_an_unknown_message_is_refused():
    with pytest.raises(NotFound):
        retry_message(message_id=uuid7())


def test_all_failed_messages_can_be_sent_again_at_once(heard):
    failed = [MessageFactory(status="failed") for _ in range(3)]
    MessageFactory(status="sent")

    assert retry_failed() == 3

    assert {event.message_id for event in heard()} == {message.id for message in failed}


def test_every_kind_has_its_templates():
    facts = {
        "child": "Leo",
        "activity": "Chess",
        "fee": "$5.00",
        "starts_at": None,
        "children": [{"name": "Leo", "lines": [{"description": "Term", "amount": "$5.00"}]}],
        "lines": [{"description": "Term", "amount": "$5.00", "due_on": date(2026, 5, 20)}],
        "total": "$5.00",
        "has_link": True,
        "reason": "Trip cancelled",
        "due_on": date(2026, 5, 20),
        "charge_on": date(2026, 5, 20),
        "retry_on": date(2026, 5, 23),
        "card": "Visa •• 4242",
        "paid_at": None,
        "refunded_at": None,
        "month": date(2026, 5, 1),
        "ends_on": date(2026, 5, 31),
        "name": "Ana",
    }
    for kind in Message.Kind.values:
        for language in ("en", "es"):
            letter = composing.compose(kind=kind, language=language, facts=facts)
            assert letter.subject
            assert "\n" not in letter.subject
            assert composing.LINK_PLACEHOLDER in letter.text
            assert composing.LINK_PLACEHOLDER in letter.html
            assert "{" not in letter.text


@pytest.mark.parametrize(
    ("colour", "expected"),
    [
        ("#ffffff", "#000000"),
        ("#ffee00", "#000000"),
        ("#1f5f8b", "#ffffff"),
        ("#000000", "#ffffff"),
    ],
)
def test_text_on_the_schools_colour_stays_readable(colour, expected):
    assert composing.readable_on(colour) == expected


@pytest.mark.parametrize("colour", ["", "red", "#12", "#123456;background:url(x)", None])
def test_a_colour_that_is_none_is_not_used(colour):
    assert composing.safe_colour(colour) == composing.FALLBACK_COLOUR
