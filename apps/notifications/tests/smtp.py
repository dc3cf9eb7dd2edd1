"""A mail server on loopback that speaks just enough SMTP (RFC 5321) to take, or refuse, mail."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage


class MailServer(socketserver.ThreadingTCPServer):
    """Keeps the mails it took; refuses every address in `unknown` with 550."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Conversation)
        self.mails: list[EmailMessage] = []
        self.recipients: list[str] = []
        self.unknown: set[str] = set()
        self.connections = 0

    @property
    def port(self) -> int:
        return int(self.server_address[1])


class _Conversation(socketserver.StreamRequestHandler):
    server: MailServer

    def handle(self) -> None:
        self.server.connections += 1
        self._say("220 ready")
        for line in iter(self.rfile.readline, b""):
            words = line.decode().strip()
            if words.upper() == "QUIT":
                self._say("221 bye")
                return
            self._answer(words)

    def _answer(self, words: str) -> None:
        verb = words[:4].upper()
        if verb == "RCPT":
            address = words[words.index("<") + 1 : words.index(">")]
            if address in self.server.unknown:
                self._say("550 No such user here")
                return
            self.server.recipients.append(address)
        if verb == "DATA":
            self._say("354 go on")
            self._take()
        self._say("250 ok")

    def _take(self) -> None:
        lines = iter(self.rfile.readline, b".\r\n")
        text = b"".join(line[1:] if line.startswith(b"..") else line for line in lines)
        mail = message_from_bytes(text, policy=policy.default)
        self.server.mails.append(mail)

    def _say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())


@contextmanager
def mail_server() -> Iterator[MailServer]:
    with MailServer() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()
