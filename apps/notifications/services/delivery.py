"""Handing queued messages to the mail server.

A worker claims a message in a transaction of its own, sends it with no transaction open, and
writes down what came of it. A worker that dies in between leaves a claim that lapses; the next
one sends again under the same Message-ID, so that mail systems can tell the two apart from two
different messages.
"""

from __future__ import annotations

import smtplib
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from email.utils import formataddr, parseaddr
from uuid import UUID, uuid4

import structlog
from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.encoding import punycode
from django.utils.translation import gettext as _

from apps.notifications.models import Message
from apps.notifications.services.composing import one_line, with_link
from apps.notifications.services.queueing import is_usable, record_attempt
from kernel.errors import Unavailable
from kernel.schools import current_school

log = structlog.get_logger(__name__)

CLAIM = timedelta(minutes=2)
MAIL_SERVER_TIMEOUT = 15  # seconds; well below CLAIM, so a slow server cannot outlast the claim
# One less than the outbox makes calls: the message is then marked as failed, where the school
# sees it, before the outbox puts the call aside, where only the operator does.
MAX_TRIES = 19
_LONGEST_WAIT = timedelta(minutes=10)
# Opening a connection costs a mail server more than a message: what waits goes along, up to this.
ALONG = 100
_ALONG_SECONDS = 30.0


def deliver(*, message_id: UUID, last_try: bool = False) -> bool:
    """Send this message now, unless it has been sent or has failed for good, and with it others
    that wait for their first try.

    Returns whether it went out in this call. Raises Unavailable when it did not and should be
    tried again: the mail server does not answer, or another worker holds it. With `last_try` it
    is marked as failed instead.
    """
    message = _claim(Q(id=message_id))
    if message is None:
        _check_settled(message_id)
        return False
    with _mail_server() as connection:
        error = _send(message, connection, last_try=last_try)
        if error and message.status == Message.Status.QUEUED:
            raise Unavailable(error)
        if not error:
            _send_while_it_works(connection)
    return not error


def send_due(*, limit: int = 500) -> int:
    """Send what is due in this school, oldest first. Returns how many went out.

    A failure is written down and does not stop the rest.
    """
    sent = 0
    with _mail_server() as connection:
        for _turn in range(limit):
            message = _claim(Q(due_at__lte=timezone.now()))
            if message is None:
                break
            sent += not _send(message, connection, last_try=False)
    return sent


@contextmanager
def _mail_server() -> Iterator[BaseEmailBackend]:
    """One connection for several messages; opened by the first of them."""
    connection: BaseEmailBackend = get_connection(timeout=MAIL_SERVER_TIMEOUT)
    try:
        yield connection
    finally:
        connection.close()


def _send_while_it_works(connection: BaseEmailBackend) -> None:
    """Messages that wait for their first try. Their own calls then find them sent."""
    deadline = time.monotonic() + _ALONG_SECONDS
    fresh = Q(tries=0, status=Message.Status.QUEUED, due_at__lte=timezone.now())
    for _turn in range(ALONG):
        message = _claim(fresh) if time.monotonic() < deadline else None
        if message is None or _send(message, connection, last_try=False):
            return


def _claim(which: Q) -> Message | None:
    """The oldest open message of `which` that nobody holds, marked as ours, and committed."""
    now = timezone.now()
    lapsed = Q(status=Message.Status.SENDING, claimed_until__lt=now)
    open_now = which & (Q(status=Message.Status.QUEUED) | lapsed)
    with transaction.atomic():
        rows = Message.objects.select_for_update(skip_locked=True).filter(open_now)
        message = rows.order_by("due_at").first()
        if message is None:
            return None
        message.status = Message.Status.SENDING
        message.claim = uuid4()
        message.claimed_until = now + CLAIM
        message.save(update_fields=["status", "claim", "claimed_until"])
    return message


def _check_settled(message_id: UUID) -> None:
    status = Message.objects.filter(id=message_id).values_list("status", flat=True).first()
    if status in (Message.Status.QUEUED, Message.Status.SENDING):
        raise Unavailable(_("Another worker is sending this message."))


def _send(message: Message, connection: BaseEmailBackend, *, last_try: bool) -> str:
    """Hand it over and write down the outcome. Returns the error, empty when it went out."""
    error, for_good = "", last_try
    if not is_usable(message.to_address):
        error, for_good = _("This is not a usable e-mail address."), True
    else:
        try:
            connection.open()
            build_mail(message, connection).send()
        except Exception as problem:  # whatever a mail backend raises must not stop the rest
            _hang_up(connection)
            error, for_good = _readable(problem), last_try or _is_final(problem)
    _write_down(message, error=error, for_good=for_good)
    return error


def _hang_up(connection: BaseEmailBackend) -> None:
    """The next message gets a new connection; a broken one may fail to close too."""
    with suppress(Exception):
        connection.close()


def build_mail(message: Message, connection: BaseEmailBackend | None) -> EmailMultiAlternatives:
    """The mail as it goes over the wire: text and HTML part, the school as sender's name."""
    school = current_school()
    text, html = with_link(
        text=message.body_text, html=message.body_html, link=message.personal_link
    )
    contact = one_line(getattr(school, "contact_email", "") or "")
    mail = EmailMultiAlternatives(
        subject=one_line(message.subject),
        body=text,
        from_email=formataddr((one_line(school.name), parseaddr(settings.DEFAULT_FROM_EMAIL)[1])),
        to=[formataddr((one_line(message.to_name), on_the_wire(message.to_address)))],
        reply_to=[contact] if is_usable(contact) else None,
        headers={"Message-ID": message_id_header(message), "Auto-Submitted": "auto-generated"},
        connection=connection,
    )
    mail.attach_alternative(html, "text/html")
    return mail


def on_the_wire(address: str) -> str:
    """The address with its domain as mail servers know it: ana@españa.es, ana@xn--espaa-rta.es."""
    person, _at, domain = address.rpartition("@")
    return f"{person}@{punycode(domain)}"


def message_id_header(message: Message) -> str:
    """The same for every try of one message (RFC 5322 §3.6.4)."""
    host = str(current_school().primary_host).split(":")[0]
    return f"<{message.id}@{host}>"


def _write_down(message: Message, *, error: str, for_good: bool) -> None:
    """Attempt and new status in one transaction, unless our claim lapsed and another took over."""
    with transaction.atomic():
        record_attempt(message=message, error=error)
        changes = _after_error(message, error, for_good) if error else _after_success()
        mine = Message.objects.filter(id=message.id, claim=message.claim)
        mine.update(tries=message.tries + 1, claim=None, claimed_until=None, **changes)
    message.status = str(changes["status"])
    if error:
        log.warning("mail not sent", message_id=str(message.id), kind=message.kind, error=error)


def _after_success() -> dict[str, object]:
    # The link has done its work; what is kept must not open anything.
    return {
        "status": Message.Status.SENT,
        "sent_at": timezone.now(),
        "personal_link": "",
        "last_error": "",
    }


def _after_error(message: Message, error: str, for_good: bool) -> dict[str, object]:
    if for_good:
        return {"status": Message.Status.FAILED, "last_error": error}
    wait = min(timedelta(seconds=2 ** min(message.tries + 1, 16)), _LONGEST_WAIT)
    return {
        "status": Message.Status.QUEUED,
        "last_error": error,
        "due_at": timezone.now() + wait,
    }


def _is_final(problem: Exception) -> bool:
    """Whether trying again is pointless: the server refused the address or the message (5xx)."""
    if isinstance(problem, smtplib.SMTPRecipientsRefused):
        return all(code >= 500 for code, _text in problem.recipients.values())
    if isinstance(problem, smtplib.SMTPDataError):
        return problem.smtp_code >= 500
    return isinstance(problem, ValueError)


def _readable(problem: Exception) -> str:
    if isinstance(problem, smtplib.SMTPRecipientsRefused):
        texts = [text for _code, text in problem.recipients.values()]
        reason = b" ".join(t if isinstance(t, bytes) else str(t).encode() for t in texts)
        return _("The mail server refused the address: %(reason)s") % {
            "reason": one_line(reason.decode("utf-8", "replace"))[:300]
        }
    if isinstance(problem, (OSError, smtplib.SMTPServerDisconnected)) and not isinstance(
        problem, smtplib.SMTPResponseException
    ):
        detail = one_line(str(problem))[:300]
        return _("The mail server does not answer: %(reason)s") % {"reason": detail}
    return one_line(f"{type(problem).__name__}: {problem}")[:400]
