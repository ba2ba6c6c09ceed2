"""The edge: a Cloudflare Worker that authenticates callers before they reach the application.

Owns: the worker, its bindings and its domain. Does not own: the worker's code (`edge/`), the
application behind it, or the issuer of tokens.
API: https://developers.cloudflare.com/workers/ (scripts, custom domains, rate limiting binding,
Cache API), read 2026-11-21.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pulumi
import pulumi_cloudflare as cloudflare

from components.outputs import once

__all__ = [
    "COMPATIBILITY_DATE",
    "Edge",
    "EdgeArgs",
    "WorkerMissingError",
    "answers_version",
    "read_worker",
]

# Selects the behavior of workerd; the tests of `edge/` use the same date.
COMPATIBILITY_DATE = "2025-10-01"
_MAIN_MODULE = "worker.js"
# The rate limiting binding allows 10 or 60.
_LIMIT_PERIOD_SECONDS = 60
# A tenant has many callers, but must leave capacity for other tenants. An address may belong to a
# whole office; its limit applies to requests without a valid token.
_CALLERS_PER_TENANT = _CALLERS_PER_ADDRESS = 10
_SCRIPT_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")


class WorkerMissingError(Exception):
    """The worker's bundle does not exist."""


@dataclass(frozen=True, kw_only=True)
class EdgeArgs:
    """Arguments of `Edge`.

    Attributes:
        script_name: The worker's name in the Cloudflare account.
        content: The worker's bundle from `edge/build.mjs`.
        account_id: Cloudflare account.
        zone_id: Zone of the host of `url`.
        url: URL of the edge, without a path. It needs its own domain, because the cache has no
            effect on workers.dev.
        origin_url: URL of the application.
        origin_key: Key that the edge sends to the application with each request.
        issuer: Required `iss` of tokens.
        audience: Required `aud` of tokens.
        jwks_url: URL of the issuer's public keys.
        answers_version: Identifies everything besides the question that answers depend on, see
            `answers_version`.
        requests_per_minute: Requests of one caller in one data center, 1 or more; Cloudflare
            counts approximately. The limit is ten times as high for all callers of a tenant, and
            for an address without a valid token.
        cache_seconds: Lifetime of a cached answer; 0 turns the cache off.
    """

    script_name: str
    content: str
    account_id: str
    zone_id: str
    url: str
    origin_url: pulumi.Input[str]
    origin_key: pulumi.Input[str]
    issuer: str
    audience: str
    jwks_url: str
    answers_version: pulumi.Input[str]
    requests_per_minute: int = 60
    cache_seconds: int = 3600

    def __post_init__(self) -> None:
        if not _SCRIPT_NAME.fullmatch(self.script_name):
            raise ValueError(
                f"script_name is {self.script_name!r}; it must have 1 to 63 lower-case letters, "
                "digits and hyphens, without a hyphen at either end"
            )
        if self.requests_per_minute < 1:
            raise ValueError(
                f"requests_per_minute is {self.requests_per_minute}; it must be 1 or more"
            )
        if self.cache_seconds < 0:
            raise ValueError(f"cache_seconds is {self.cache_seconds}; it must be 0 or more")
        parts = urlsplit(self.url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.path.strip("/"):
            raise ValueError(f"url is {self.url!r}; it must be https://<name>, without a path")


class Edge(pulumi.ComponentResource):
    """A worker with its own domain, in front of the application.

    Attributes:
        url: URL for people and programs with a token.
    """

    url: pulumi.Output[str]

    def __init__(
        self, name: str, args: EdgeArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("customrag:edge:Edge", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        script = cloudflare.WorkersScript(
            name,
            account_id=args.account_id,
            script_name=args.script_name,
            content=args.content,
            main_module=_MAIN_MODULE,
            compatibility_date=COMPATIBILITY_DATE,
            bindings=_bindings(args),
            # This logs errors, but no questions.
            observability={"enabled": True, "head_sampling_rate": 1},
            opts=child,
        )
        # The workers.dev name has no cache, and would be a second, unmonitored entry point.
        cloudflare.WorkersScriptSubdomain(
            f"{name}-subdomain",
            account_id=args.account_id,
            script_name=script.script_name,
            enabled=False,
            previews_enabled=False,
            opts=child,
        )
        domain = cloudflare.WorkersCustomDomain(
            f"{name}-domain",
            account_id=args.account_id,
            zone_id=args.zone_id,
            hostname=urlsplit(args.url).hostname or "",
            service=script.script_name,
            opts=child,
        )
        self.url = once(args.url, domain.id)
        self.register_outputs({"url": self.url})


def _bindings(args: EdgeArgs) -> Sequence[cloudflare.WorkersScriptBindingArgs]:
    texts: Mapping[str, pulumi.Input[str]] = {
        "ORIGIN_URL": args.origin_url,
        "TOKEN_ISSUER": args.issuer,
        "TOKEN_AUDIENCE": args.audience,
        "JWKS_URL": args.jwks_url,
        "ANSWERS_VERSION": args.answers_version,
        "CACHE_SECONDS": str(args.cache_seconds),
    }
    limits = {
        "CALLER_LIMITER": args.requests_per_minute,
        "TENANT_LIMITER": args.requests_per_minute * _CALLERS_PER_TENANT,
        "ADDRESS_LIMITER": args.requests_per_minute * _CALLERS_PER_ADDRESS,
    }
    plain = [
        cloudflare.WorkersScriptBindingArgs(name=name, type="plain_text", text=text)
        for name, text in texts.items()
    ]
    secret = cloudflare.WorkersScriptBindingArgs(
        name="ORIGIN_KEY", type="secret_text", text=pulumi.Output.secret(args.origin_key)
    )
    limiters = [
        cloudflare.WorkersScriptBindingArgs(
            name=name,
            type="ratelimit",
            namespace_id=_namespace_id(args.script_name, name),
            simple=cloudflare.WorkersScriptBindingSimpleArgs(
                limit=limit, period=_LIMIT_PERIOD_SECONDS
            ),
        )
        for name, limit in limits.items()
    ]
    return [*plain, secret, *limiters]


def _namespace_id(script_name: str, binding: str) -> str:
    """Return a number from the names, 1 to 2^31, that identifies the counter in the account."""
    digest = hashlib.sha256(f"{script_name} {binding}".encode()).digest()
    return str(1 + int.from_bytes(digest[:4], "big") % (2**31 - 1))


def answers_version(*parts: str) -> str:
    """Return 16 hexadecimal digits that change with each of the parts."""
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]


def read_worker(root: Path) -> str:
    """Return the worker's bundle.

    Args:
        root: The project's folder.

    Raises:
        WorkerMissingError: The bundle does not exist.
    """
    file = root / "edge" / "dist" / "worker.js"
    try:
        return file.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise WorkerMissingError(
            "edge/dist/worker.js does not exist; run `make setup`, or `npm ci && npm run build` in "
            "edge/, to build it"
        ) from error
