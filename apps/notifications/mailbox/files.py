"""Reading the folder into which Django's file-based e-mail backend writes on a developer's machine.

That backend writes one file per connection: each message, then a line of 79 dashes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from email.utils import parsedate_to_datetime
from pathlib import Path

from django.conf import settings
from django.utils import timezone

NEWEST = 500
_SEPARATOR = re.compile(rb"^-{79}\r?\n", re.MULTILINE)


class FileNameConverter:
    """A name as the backend makes them: no slash, no leading dot, so never outside the folder."""

    regex = r"[0-9A-Za-z][0-9A-Za-z_-]*\.log"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """One mail found in the folder."""

    file_name: str
    number: int
    sent_at: datetime
    sender: str
    to: str
    subject: str
    text: str
    html: str


def newest(*, search: str = "", limit: int = NEWEST) -> list[Mail]:
    """Mails, newest first, at most `limit`; `search` looks at sender, recipient and subject."""
    words = search.lower().split()
    found: list[Mail] = []
    for path in _files():
        found += [mail for mail in _mails_in(path) if _matches(mail, words)]
        if len(found) >= limit:
            break
    return sorted(found, key=lambda mail: mail.sent_at, reverse=True)[:limit]


def get(*, file_name: str, number: int) -> Mail | None:
    """The mail with this number in this file; None when there is none."""
    path = Path(settings.MAILBOX_DIR) / file_name
    if not path.is_file():
        return None
    return next((mail for mail in _mails_in(path) if mail.number == number), None)


def _files() -> list[Path]:
    """The files that hold mails, the last written first."""
    folder = Path(settings.MAILBOX_DIR)
    if not folder.is_dir():
        return []
    return sorted(folder.glob("*.log"), key=lambda path: path.stat().st_mtime, reverse=True)


def _mails_in(path: Path) -> Iterator[Mail]:
    written_at = datetime.fromtimestamp(path.stat().st_mtime, tz=timezone.get_current_timezone())
    for number, part in enumerate(_SEPARATOR.split(path.read_bytes())):
        if part.strip():
            message = BytesParser(policy=policy.default).parsebytes(part)
            yield _mail(path.name, number, message, written_at)


def _mail(file_name: str, number: int, message: EmailMessage, written_at: datetime) -> Mail:
    return Mail(
        file_name=file_name,
        number=number,
        sent_at=_date_of(message) or written_at,
        sender=str(message["From"] or ""),
        to=str(message["To"] or ""),
        subject=str(message["Subject"] or ""),
        text=_part(message, "plain"),
        html=_part(message, "html"),
    )


def _date_of(message: EmailMessage) -> datetime | None:
    try:
        sent_at = parsedate_to_datetime(str(message["Date"]))
    except (TypeError, ValueError):
        return None
    # "-0000" is UTC from a sender who does not tell its zone (RFC 5322 3.3).
    return sent_at if sent_at.tzinfo else sent_at.replace(tzinfo=UTC)


def _part(message: EmailMessage, kind: str) -> str:
    body = message.get_body(preferencelist=(kind,))
    return str(body.get_content()) if body is not None else ""


def _matches(mail: Mail, words: list[str]) -> bool:
    text = f"{mail.sender} {mail.to} {mail.subject}".lower()
    return all(word in text for word in words)
