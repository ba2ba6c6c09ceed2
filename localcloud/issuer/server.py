"""The issuer's routes, on an address of their own: verifiers ask it without any signature.

GET  /.well-known/openid-configuration
GET  /.well-known/jwks.json
POST /oauth/token     grant_type=client_credentials, audience[, subject, tenant]; basic auth
POST /oauth/rotate    a new signing key; basic auth
"""

from __future__ import annotations

import base64
import hmac
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final
from urllib.parse import parse_qs, unquote, urlsplit

from localcloud.core.home import Platform
from localcloud.core.resources import Context
from localcloud.issuer.keys import TOKEN_SECONDS, SigningKeys

__all__ = ["Issuer"]

_LARGEST_BODY_BYTES: Final = 16 * 1024


class Issuer:
    """The issuer of one local stack, on a thread of the daemon's.

    Args:
        context: The local cloud.
    """

    def __init__(self, context: Context) -> None:
        self._platform = context.platform
        self._url = context.platform.endpoints["issuer"]
        self._keys = SigningKeys(context.store, self._url)
        self._server: ThreadingHTTPServer | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Answer from now on."""
        address = urlsplit(self._url)
        handler = _handler(self._platform, self._url, self._keys)
        self._server = ThreadingHTTPServer(
            (str(address.hostname), int(address.port or 80)), handler
        )
        self._server.daemon_threads = True
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.05,), name="issuer", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Answer no more; the keys stay."""
        if self._server is not None and self._thread is not None:
            self._server.shutdown()
            self._server.server_close()
            self._thread.join()


def _handler(platform: Platform, url: str, keys: SigningKeys) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        """One request."""

        protocol_version = "HTTP/1.1"
        timeout = 10

        def do_GET(self) -> None:
            if self.path == "/.well-known/jwks.json":
                self._reply(200, keys.published())
            elif self.path == "/.well-known/openid-configuration":
                self._reply(200, _configuration(url))
            else:
                self._refuse(404, "not_found", f"there is no {self.path}")

        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            if length > _LARGEST_BODY_BYTES:
                self.close_connection = True
                self._refuse(413, "invalid_request", "the body is too long")
                return
            form = parse_qs(self.rfile.read(length).decode("utf-8", "replace"))
            if not _knows(platform, self.headers.get("Authorization") or ""):
                self._refuse(401, "invalid_client", "sign in with the account's access key")
            elif self.path == "/oauth/token":
                self._token({name: values[-1] for name, values in form.items()})
            elif self.path == "/oauth/rotate":
                self._reply(200, {"kid": keys.rotate()})
            else:
                self._refuse(404, "not_found", f"there is no {self.path}")

        def _token(self, form: dict[str, str]) -> None:
            if form.get("grant_type") != "client_credentials":
                self._refuse(400, "unsupported_grant_type", "give client_credentials")
                return
            if not form.get("audience"):
                self._refuse(400, "invalid_request", "say whom the token is for: audience")
                return
            token = keys.sign(
                audience=form["audience"],
                subject=form.get("subject") or platform.access_key_id,
                tenant=form.get("tenant", ""),
            )
            answer = {"access_token": token, "token_type": "Bearer", "expires_in": TOKEN_SECONDS}
            self._reply(200, answer)

        def _refuse(self, status: int, error: str, description: str) -> None:
            self._reply(status, {"error": error, "error_description": description})

        def _reply(self, status: int, document: dict[str, Any]) -> None:
            body = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Cache-Control", "no-store")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            return

    return Handler


def _configuration(url: str) -> dict[str, Any]:
    return {
        "issuer": url,
        "jwks_uri": f"{url}/.well-known/jwks.json",
        "token_endpoint": f"{url}/oauth/token",
        "grant_types_supported": ["client_credentials"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic"],
        "id_token_signing_alg_values_supported": ["ES256"],
        "response_types_supported": ["token"],
        "subject_types_supported": ["public"],
    }


def _knows(platform: Platform, authorization: str) -> bool:
    kind, _, encoded = authorization.partition(" ")
    try:
        client, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except ValueError:
        return False
    shown = f"{unquote(client)}:{unquote(secret)}".encode()
    known = f"{platform.access_key_id}:{platform.access_key_secret}".encode()
    return kind.lower() == "basic" and hmac.compare_digest(shown, known)
