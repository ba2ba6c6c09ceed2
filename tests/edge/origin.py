"""An application behind the edge, which counts its requests."""

from __future__ import annotations

import json
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from rag.headers import EDGE_KEY


@dataclass
class Application:
    """A server on a loopback address.

    Attributes:
        url: Where it answers.
        keys: What each request showed as the edge's key.
    """

    url: str = ""
    keys: list[str | None] = field(default_factory=list)

    @classmethod
    @contextmanager
    def running(cls) -> Iterator[Application]:
        """Run a server until the end of the block."""
        application = cls()

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                application.keys.append(self.headers.get(EDGE_KEY))
                body = json.dumps({"answer": f"{len(application.keys)}", "sources": []}).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
                return

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        application.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield application
        finally:
            server.shutdown()
            server.server_close()
            thread.join()


@dataclass(frozen=True)
class Reply:
    """A reply: status, headers and the JSON document."""

    status: int
    headers: Mapping[str, str]
    document: dict[str, Any]


def ask(url: str, token: str, question: str = "How high is the pressure?") -> Reply:
    """Send a request to an edge, and return errors as replies."""
    request = urllib.request.Request(
        f"{url}/api/ask",
        data=json.dumps({"question": question}).encode(),
        headers={"Content-Type": "application/json", "Authorization": f"Bearer {token}"},
    )
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            return Reply(response.status, dict(response.headers), json.load(response))
    except urllib.error.HTTPError as error:
        with error:
            return Reply(error.code, dict(error.headers), json.load(error))
