"""The HTTP server of the sandbox: loopback only, a thread a request, no access log."""

from __future__ import annotations

import socket
import sys
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True
    # A browser opens several connections at once.
    request_queue_size = 64

    def server_bind(self) -> None:
        """As usual, without asking a name server for the name of this machine."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = "localhost", self.server_address[1]
        self.setup_environ()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A caller that hung up is no news."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


class _QuietHandler(WSGIRequestHandler):
    timeout = 60

    def log_message(self, format: str, *args: Any) -> None:
        return

    def address_string(self) -> str:
        return str(self.client_address[0])


def serve(app: Any, *, port: int) -> WSGIServer:
    """A server on loopback that is bound but not running yet; port 0 takes a free one.

    Raises OSError when the port is taken.
    """
    return make_server("127.0.0.1", port, app, server_class=_Server, handler_class=_QuietHandler)
