"""The mails that the running stack has sent: Django's file backend writes one file for each
connection, a line of dashes after each message."""

from __future__ import annotations

import re
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from email.utils import getaddresses
from pathlib import Path

SEPARATOR = re.compile(rb"^-{79}\r?\n", re.MULTILINE)
LINK = re.compile(r"https?://[^\s<>\"]+")


class Letters:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._known: dict[Path, tuple[int, list[EmailMessage]]] = {}

    def to(self, address: str, subject: str = "") -> list[EmailMessage]:
        """The mails to this address, oldest first, whose subject holds `subject`."""
        return [
            letter
            for letter in self._all()
            if address in [email for _name, email in getaddresses([str(letter["To"])])]
            and subject.lower() in str(letter["Subject"]).lower()
        ]

    def _all(self) -> list[EmailMessage]:
        if not self.folder.is_dir():
            return []
        found = []
        for path in sorted(self.folder.glob("*.log")):
            found += self._in_file(path)
        return found

    def _in_file(self, path: Path) -> list[EmailMessage]:
        size = path.stat().st_size
        if self._known.get(path, (-1, []))[0] != size:
            parts = SEPARATOR.split(path.read_bytes())[:-1]
            parser = BytesParser(policy=policy.default)
            self._known[path] = (size, [parser.parsebytes(part) for part in parts])
        return self._known[path][1]


def text_of(letter: EmailMessage) -> str:
    body = letter.get_body(preferencelist=("plain",))
    assert body is not None, "a mail without a text part"
    return str(body.get_content())


def link_in(letter: EmailMessage, part: str) -> str:
    """The first link of the mail that holds `part`."""
    found = [link for link in LINK.findall(text_of(letter)) if part in link]
    assert found, f"no link with {part!r} in:\n{text_of(letter)}"
    return found[0]
