"""Serves the metrics of handlers over HTTP, if the setting HANDLER_HTTP_LISTEN says where."""

import socket
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, HTTPServer

from django.core.exceptions import ImproperlyConfigured

from chanmqttproxy.options import given

SETTING = "HANDLER_HTTP_LISTEN"
REQUEST_SECONDS = 5.0  # that a request has to come


def address() -> tuple[str, int] | None:
    """Host and port of the setting, the host empty for all; None if there is none. It raises
    ImproperlyConfigured."""
    value = str(given(SETTING) or "")
    if not value:
        return None
    host, colon, port = value.rpartition(":")
    if not colon or not port.isdecimal() or int(port) > 65535:
        raise ImproperlyConfigured(f'{SETTING} is {value!r}, but must look like ":9101" or "127.0.0.1:9101".')
    return host.removeprefix("[").removesuffix("]"), int(port)


class Server(HTTPServer):
    """Answers one request at a time with a text. It listens from when it is made."""

    def __init__(self, at: tuple[str, int], text: Callable[[], str]) -> None:
        self.text = text
        self.everywhere = not at[0] and socket.has_dualstack_ipv6()
        if self.everywhere or ":" in at[0]:
            self.address_family = socket.AF_INET6
        super().__init__(at, Handler)

    def server_bind(self) -> None:
        if self.everywhere:
            self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()

    def start(self) -> None:
        threading.Thread(target=self.serve_forever, name="metrics", daemon=True).start()

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that has gone is no error."""


class Handler(BaseHTTPRequestHandler):
    """One request."""

    timeout = REQUEST_SECONDS

    def do_GET(self) -> None:
        if self.path.partition("?")[0] != "/metrics":
            self.send_error(404)
            return
        assert isinstance(self.server, Server)
        body = self.server.text().encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Requests are not logged."""
