"""An OIDC issuer on loopback: discovery, published keys that rotate, and tokens of any shape."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa


def _new_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@dataclass
class Issuer:
    """A running issuer.

    Attributes:
        url: The `iss` claim of its tokens.
        keys: Published keys by id; the last one signs.
    """

    url: str
    keys: dict[str, rsa.RSAPrivateKey] = field(default_factory=lambda: {"first": _new_key()})

    def rotate(self) -> None:
        """Sign with a new key, and stop publishing the old one."""
        self.keys = {f"key-{len(self.keys)}-{time.monotonic_ns()}": _new_key()}

    def claims(self, **changed: Any) -> dict[str, Any]:
        """Return the claims of GitHub for a job in environment `dev` of `org/name`."""
        now = int(time.time())
        return {
            "iss": self.url,
            "aud": "customrag",
            "sub": "repo:org/name:environment:dev",
            "iat": now,
            "exp": now + 600,
            **changed,
        }

    def token(self, *, key_id: str | None = None, **changed: Any) -> str:
        """Return a token, signed with RS256.

        Args:
            key_id: The `kid` of its header; that of the signing key by default.
            changed: Claims to replace; None removes one.
        """
        own_id, key = list(self.keys.items())[-1]
        claims = {name: v for name, v in self.claims(**changed).items() if v is not None}
        return jwt.encode(claims, key, algorithm="RS256", headers={"kid": key_id or own_id})

    def documents(self) -> dict[str, dict[str, Any]]:
        """Return the documents that it serves, by path."""
        entries = []
        for key_id, key in self.keys.items():
            entry = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key()))
            entries.append({**entry, "kid": key_id, "alg": "RS256", "use": "sig"})
        return {
            "/.well-known/openid-configuration": {
                "issuer": self.url,
                "jwks_uri": f"{self.url}/keys",
            },
            "/keys": {"keys": entries},
        }


@contextmanager
def running_issuer() -> Iterator[Issuer]:
    """Run an issuer for the length of the ``with`` block."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            document = issuer.documents().get(self.path)
            body = json.dumps(document).encode()
            self.send_response(404 if document is None else 200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the base's own name
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    issuer = Issuer(url=f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield issuer
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
