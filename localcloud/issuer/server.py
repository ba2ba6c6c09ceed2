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
import socket
import threading
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, Final
from urllib.parse import parse_qs, unquote, urlsplit

import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from localcloud.core.home import Platform
from localcloud.core.resources import Context
from localcloud.issuer.codes import CODE_SECONDS, SignedIn, SignInCodes
from localcloud.issuer.keys import SESSION_SECONDS, TOKEN_SECONDS, SigningKeys

_MAX_BODY_BYTES: Final = 16 * 1024
_ERRORS: Final = {400: "invalid_request", 401: "invalid_client", 413: "invalid_request"}


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
        config = uvicorn.Config(
            self._application(),
            log_level="warning",
            access_log=False,
            lifespan="off",
            timeout_graceful_shutdown=1,
        )
        self._server = uvicorn.Server(config)
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Start to serve.

        Raises:
            OSError: The address is in use.
        """
        address = urlsplit(self._url)
        listener = socket.create_server((str(address.hostname), int(address.port or 80)))
        self._thread = threading.Thread(
            target=self._server.run, args=([listener],), name="issuer", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Stop serving; the keys stay in the store."""
        if self._thread is not None:
            self._server.should_exit = True
            self._thread.join()

    def _application(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/.well-known/jwks.json", lambda _: _reply(self._keys.published())),
                Route(
                    "/.well-known/openid-configuration", lambda _: _reply(_configuration(self._url))
                ),
                Route("/oauth/token", self._token, methods=["POST"]),
                Route("/oauth/code", self._code, methods=["POST"]),
                Route("/oauth/rotate", self._rotate, methods=["POST"]),
            ],
            exception_handlers={HTTPException: _refusal},
        )

    async def _token(self, request: Request) -> Response:
        form = await _form(request)
        if form.get("grant_type") == "authorization_code":
            claims = self._codes.redeem(form.get("code", ""))
            if claims is None:
                return _error(400, "invalid_grant", "the code is unknown, was used, or has expired")
            return self._grant(claims, SESSION_SECONDS)
        self._authenticate(request)
        if form.get("grant_type") != "client_credentials":
            reason = "grant_type must be client_credentials"
            return _error(400, "unsupported_grant_type", reason)
        return self._grant(self._claims(form), TOKEN_SECONDS)

    async def _code(self, request: Request) -> Response:
        self._authenticate(request)
        claims = self._claims(await _form(request))
        return _reply({"code": self._codes.issue(claims), "expires_in": CODE_SECONDS})

    async def _rotate(self, request: Request) -> Response:
        self._authenticate(request)
        return _reply({"kid": self._keys.rotate()})

    def _authenticate(self, request: Request) -> None:
        if not _is_account_key(self._platform, request.headers.get("authorization", "")):
            raise HTTPException(401, "sign in with the account's access key")

    def _claims(self, form: Mapping[str, str]) -> SignedIn:
        if not form.get("audience"):
            raise HTTPException(400, "audience is missing: name the token's target")
        return SignedIn(
            audience=form["audience"],
            subject=form.get("subject") or self._platform.access_key_id,
            tenant=form.get("tenant", ""),
        )

    def _grant(self, claims: SignedIn, seconds: int) -> Response:
        token = self._keys.sign(**asdict(claims), seconds=seconds)
        return _reply({"access_token": token, "token_type": "Bearer", "expires_in": seconds})


async def _form(request: Request) -> dict[str, str]:
    length = int(request.headers.get("content-length") or 0)
    if length > _MAX_BODY_BYTES:
        raise HTTPException(
            413, f"the body has {length} bytes; at most {_MAX_BODY_BYTES} are allowed"
        )
    fields = parse_qs((await request.body()).decode("utf-8", "replace"))
    return {name: values[-1] for name, values in fields.items()}


def _reply(document: Mapping[str, Any], status: int = 200) -> Response:
    # The chat page exchanges its code from another origin. No cookie is involved.
    headers = {"Cache-Control": "no-store", "Access-Control-Allow-Origin": "*"}
    return JSONResponse(document, status, headers)


def _error(status: int, error: str, description: str) -> Response:
    return _reply({"error": error, "error_description": description}, status)


def _refusal(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    status = error.status_code
    return _error(status, _ERRORS.get(status, "not_found"), f"{request.url.path}: {error.detail}")


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
