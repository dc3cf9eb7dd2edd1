"""Messages for tests."""

import factory

from apps.notifications.models import Message
from apps.notifications.services.composing import LINK_PLACEHOLDER
from kernel.ids import uuid7


class MessageFactory(factory.django.DjangoModelFactory):
    """A queued receipt; its bodies hold the place of the personal link."""

    class Meta:
        model = Message

    event_id = factory.LazyFunction(uuid7)
    kind = Message.Kind.RECEIPT
    to_address = factory.Sequence(lambda n: f"parent{n}@example.org")
    to_name = "Maria López"
    language = "en"
    subject = "Lincoln Elementary: receipt for $250.00"
    body_text = f"Thank you.\n\n{LINK_PLACEHOLDER}\n"
    body_html = f'<p>Thank you.</p><a href="{LINK_PLACEHOLDER}">See the receipt</a>'
    personal_link = "http://lincoln.testserver/family/receipt/?token=s3cret&x=1"
