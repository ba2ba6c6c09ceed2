"""The HTTP server of the issuer, on its own address, because verifiers do not sign requests.

GET  /.well-known/openid-configuration
GET  /.well-known/jwks.json
POST /oauth/token     grant_type=client_credentials, audience[, subject, tenant]; basic auth
                      grant_type=authorization_code, code; the code is the credential
POST /oauth/code      audience[, subject, tenant]: a one-time sign-in code; basic auth
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
from localcloud.issuer.codes import CODE_SECONDS, SignedIn, SignInCodes
from localcloud.issuer.keys import SESSION_SECONDS, TOKEN_SECONDS, SigningKeys

_MAX_BODY_BYTES: Final = 16 * 1024


class Issuer:
    """The issuer of one local stack, on a thread of the daemon.

    Args:
        context: The running local cloud.
    """

    def __init__(self, context: Context) -> None:
        self._platform = context.platform
        self._url = context.platform.endpoints["issuer"]
        self._keys = SigningKeys(context.store, self._url)
        self._codes = SignInCodes(context.store)
        self._server: ThreadingHTTPServer | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Start to serve."""
        address = urlsplit(self._url)
        handler = _handler(self._platform, self._url, self._keys, self._codes)
        self._server = ThreadingHTTPServer(
            (str(address.hostname), int(address.port or 80)), handler
        )
        self._server.daemon_threads = True
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.05,), name="issuer", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Stop serving; the keys stay in the store."""
        if self._server is not None and self._thread is not None:
            self._server.shutdown()
            self._server.server_close()
            self._thread.join()


def _handler(
    platform: Platform, url: str, keys: SigningKeys, codes: SignInCodes
) -> type[BaseHTTPRequestHandler]:
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
                self._refuse(404, "not_found", f"{self.path} does not exist")

        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            if length > _MAX_BODY_BYTES:
                self.close_connection = True
                self._refuse(
                    413,
                    "invalid_request",
                    f"the body has {length} bytes; at most {_MAX_BODY_BYTES} are allowed",
                )
                return
            fields = parse_qs(self.rfile.read(length).decode("utf-8", "replace"))
            form = {name: values[-1] for name, values in fields.items()}
            if self.path == "/oauth/token" and form.get("grant_type") == "authorization_code":
                self._exchange(form.get("code", ""))
            elif not _is_account_key(platform, self.headers.get("Authorization") or ""):
                self._refuse(401, "invalid_client", "sign in with the account's access key")
            elif self.path == "/oauth/token":
                self._token(form)
            elif self.path == "/oauth/code":
                self._code(form)
            elif self.path == "/oauth/rotate":
                self._reply(200, {"kid": keys.rotate()})
            else:
                self._refuse(404, "not_found", f"{self.path} does not exist")

        def _claims(self, form: dict[str, str]) -> SignedIn | None:
            if not form.get("audience"):
                self._refuse(400, "invalid_request", "audience is missing: name the token's target")
                return None
            return SignedIn(
                audience=form["audience"],
                subject=form.get("subject") or platform.access_key_id,
                tenant=form.get("tenant", ""),
            )

        def _code(self, form: dict[str, str]) -> None:
            claims = self._claims(form)
            if claims is not None:
                self._reply(200, {"code": codes.issue(claims), "expires_in": CODE_SECONDS})

        def _exchange(self, code: str) -> None:
            claims = codes.redeem(code)
            if claims is None:
                self._refuse(400, "invalid_grant", "the code is unknown, was used, or has expired")
                return
            self._grant(claims, SESSION_SECONDS)

        def _token(self, form: dict[str, str]) -> None:
            if form.get("grant_type") != "client_credentials":
                self._refuse(400, "unsupported_grant_type", "grant_type must be client_credentials")
                return
            claims = self._claims(form)
            if claims is not None:
                self._grant(claims, TOKEN_SECONDS)

        def _grant(self, claims: SignedIn, seconds: int) -> None:
            token = keys.sign(
                audience=claims.audience,
                subject=claims.subject,
                tenant=claims.tenant,
                seconds=seconds,
            )
            answer = {"access_token": token, "token_type": "Bearer", "expires_in": seconds}
            self._reply(200, answer)

        def _refuse(self, status: int, error: str, description: str) -> None:
            self._reply(status, {"error": error, "error_description": description})

        def _reply(self, status: int, document: dict[str, Any]) -> None:
            body = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Cache-Control", "no-store")
            # The chat page exchanges its code from another origin. No cookie is involved.
            self.send_header("Access-Control-Allow-Origin", "*")
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
        "grant_types_supported": ["client_credentials", "authorization_code"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "none"],
        "id_token_signing_alg_values_supported": ["ES256"],
        "response_types_supported": ["token"],
        "subject_types_supported": ["public"],
    }


def _is_account_key(platform: Platform, authorization: str) -> bool:
    kind, _, encoded = authorization.partition(" ")
    try:
        client, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except ValueError:
        return False
    given = f"{unquote(client)}:{unquote(secret)}".encode()
    known = f"{platform.access_key_id}:{platform.access_key_secret}".encode()
    return kind.lower() == "basic" and hmac.compare_digest(given, known)
