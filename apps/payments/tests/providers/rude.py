"""Gateways that do not behave: what a proxy, a broken network or a bad day may answer."""

from __future__ import annotations

import json
import socket
import struct
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

TOKEN = {"access_token": "t-0123456789", "token_type": "Bearer", "expires_in": 3600}


class Rude:
    """`manners`: html, redirect, reset, unauthorized, busy, hang, drip or broken-json.

    `asked` lists method and path of every request; a token can be had, so that it is the call
    itself that meets them.
    """

    def __init__(self, manners: str) -> None:
        self.manners = manners
        self.asked: list[str] = []
        self.let_go = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    def close(self) -> None:
        self.let_go.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def calls(self) -> list[str]:
        """What was asked beside tokens."""
        return [line for line in self.asked if "oauth2/token" not in line]

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        rude = self

        class Handler(BaseHTTPRequestHandler):
            def handle_any(self) -> None:
                rude.asked.append(f"{self.command} {self.path}")
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                if self.path.endswith("/v1/oauth2/token"):
                    self.reply(200, "application/json", json.dumps(TOKEN).encode())
                else:
                    getattr(self, rude.manners.replace("-", "_"))()

            do_GET = do_POST = do_DELETE = handle_any

            def reply(self, status: int, kind: str, body: bytes, **headers: str) -> None:
                self.send_response(status)
                for name, value in {"Content-Type": kind, **headers}.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def html(self) -> None:
                self.reply(200, "text/html", b"<html>Welcome to the hotel's network</html>")

            def broken_json(self) -> None:
                self.reply(200, "application/json", b'{"id": "x", "amount": {"val')

            def redirect(self) -> None:
                self.reply(307, "text/plain", b"", Location=f"{rude.url}/elsewhere")

            def unauthorized(self) -> None:
                self.reply(401, "application/json", b'{"error": {"message": "no"}}')

            def busy(self) -> None:
                self.reply(429, "application/json", b'{"error": {"message": "later"}}')

            def reset(self) -> None:
                linger = struct.pack("ii", 1, 0)
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                self.close_connection = True
                self.connection.close()

            def hang(self) -> None:
                rude.let_go.wait()  # without end: only the caller's own limit helps

            def drip(self) -> None:
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", "1000000000")
                self.end_headers()
                while not rude.let_go.wait(0.1):
                    self.wfile.write(b" ")
                    self.wfile.flush()

            def log_message(self, format: str, *args: Any) -> None:
                return

            def finish(self) -> None:
                try:
                    super().finish()
                except (OSError, ValueError):
                    return  # the caller hung up, or we did

        return Handler
