"""The cloud, as the checks see it: one client per API, with exchangeable endpoints.

Owns credentials and clients. Read-only. Caches answers during a preflight, because several checks
ask the same question.
"""

from __future__ import annotations

import json
import os
import socket
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeoutError
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar, cast
from urllib.parse import urlsplit

from guardrails.endpoints import endpoints_of_platform, endpoints_of_region
from providers.clients import account, buckets, model_studio
from providers.clients.cloudflare import Cloudflare
from providers.clients.credentials import AccessKey, Credentials, credentials_provider
from providers.clients.errors import AccessDeniedError
from providers.clients.generic import GenericClient
from providers.clients.retries import Retries
from stack_config.local_edge import cloudflare_id

__all__ = [
    "Cloud",
    "EdgePlace",
    "cloud_of_account",
    "local_cloud",
    "read_platform",
]

# The user waits for a preflight, so throttled and lost calls are retried for a short time only.
_RETRIES = Retries(attempts=3, base_delay_seconds=0.2, max_delay_seconds=1.0)
_CONNECT_MS, _READ_MS = 2_000, 8_000
_KEY_SECONDS = 2.5
_REACH_SECONDS = 2.0
# A shorter text may be a word of a message.
_SHORTEST_SECRET = 8
_API_KEY_VARIABLE = "DASHSCOPE_API_KEY"
_CLOUDFLARE_VARIABLE = "CLOUDFLARE_API_TOKEN"

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class EdgePlace:
    """The place of an edge at Cloudflare.

    Attributes:
        account_id: The Cloudflare account.
        zone_id: The zone of the edge's hostname.
        host: The edge's hostname.
    """

    account_id: str
    zone_id: str
    host: str


@dataclass(frozen=True, kw_only=True, repr=False)
class Cloud:
    """The questions that checks ask. Safe to use from several threads.

    Attributes:
        region_id: The stack's region.
        endpoints: URL of the API of each service.
        credentials: Credentials of the caller.
        role_arn: Role to assume for every API except STS; empty uses the credentials as they are.
        model_api_key: Key of the language model's endpoint; empty if unknown.
        cloudflare_token: Token of Cloudflare's API; empty if unknown.
        own_edge: The place of every edge in a local cloud; None takes the configuration's.
        own_model_url: Base URL of a local cloud's language model; empty takes the configuration's.
    """

    region_id: str
    endpoints: Mapping[str, str]
    credentials: Credentials
    role_arn: str = ""
    model_api_key: str = ""
    cloudflare_token: str = ""
    own_edge: EdgePlace | None = None
    own_model_url: str = ""
    _answers: dict[Any, Any] = field(default_factory=dict)
    _locks: dict[Any, threading.Lock] = field(default_factory=dict)
    _guard: threading.Lock = field(default_factory=threading.Lock)

    @cached_property
    def key(self) -> AccessKey:
        """The key that signs requests.

        Raises:
            AccessDeniedError: No key exists, or none was found in time: outside Alibaba Cloud the
                default chain waits for a metadata service that does not exist.
        """
        finding = ThreadPoolExecutor(max_workers=1)
        try:
            return finding.submit(self.credentials.get_credentials).result(_KEY_SECONDS)
        except FutureTimeoutError as error:
            raise AccessDeniedError(
                f"no credentials were found within {_KEY_SECONDS:g} s", operation="GetCredentials"
            ) from error
        finally:
            finding.shutdown(wait=False)

    def without_secrets(self, text: str) -> str:
        """Return a text with the secrets that are sent to clouds replaced by `***`."""
        key = self.__dict__.get("key")  # Do not search for a key only to hide it.
        secrets = [self.model_api_key, self.cloudflare_token]
        secrets += [key.access_key_secret, key.security_token] if key else []
        for secret in secrets:
            for part in secret.split():
                if len(part) >= _SHORTEST_SECRET:
                    text = text.replace(part, "***")
        return text

    @property
    def is_static_key(self) -> bool:
        """Whether the key never expires."""
        return not self.key.security_token

    @property
    def signed_in(self) -> bool:
        """Whether `identity` has been asked and answered."""
        return ("identity",) in self._answers

    def identity(self) -> account.Identity:
        """Return the caller's identity."""
        return self._once(("identity",), lambda: account.caller_identity(self._client("sts")))

    def session(self) -> account.Session:
        """Return a session of the role, which lasts for the preflight."""
        return self._once(
            ("session",),
            lambda: account.assume_role(self._client("sts"), self.role_arn, "customrag-preflight"),
        )

    @property
    def can_ask(self) -> bool:
        """Whether the caller is known: `identity` was answered and, with a role, `session`."""
        return self.signed_in and (not self.role_arn or ("session",) in self._answers)

    def ask(
        self,
        service: str,
        question: Callable[Concatenate[GenericClient, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Ask the API of a service, once for the same question.

        Args:
            service: Key of `endpoints`.
            question: A function of `providers.clients`, which takes a client of that service.
            args: Further arguments of the function.
            kwargs: The same, by name.
        """
        asked = (question.__module__, question.__name__, repr((args, kwargs)))
        return self._once(asked, lambda: question(self._client(service), *args, **kwargs))

    def reaches(self, host: str, port: int) -> bool:
        """Return whether this machine can connect to a port."""
        try:
            socket.create_connection((host, port), timeout=_REACH_SECONDS).close()
        except OSError:
            return False
        return True

    def own_address(self, towards: str) -> str:
        """Return this machine's address on the route to another; empty without a route.

        Sends nothing: connecting a datagram socket only chooses the route.
        """
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            try:
                probe.connect((towards, 9))
            except OSError:
                return ""
            return str(probe.getsockname()[0])

    @property
    def cloudflare(self) -> Cloudflare:
        """A client of Cloudflare's API."""
        return Cloudflare(
            base_url=self.endpoints["cloudflare"],
            token=self.cloudflare_token,
            retries=_RETRIES,
        )

    def bucket_owner(self, bucket: str) -> buckets.BucketOwner:
        """Return who owns a bucket's name."""
        return buckets.bucket_owner(self.endpoints["oss"], self.region_id, self._caller(), bucket)

    def model_names(self, base_url: str) -> frozenset[str]:
        """Return the models that the key may call."""
        return model_studio.model_names(base_url, self.model_api_key)

    def _client(self, name: str) -> GenericClient:
        endpoint = self.endpoints[name]
        own = name == "sts"
        return self._once(
            ("client", endpoint, own),
            lambda: GenericClient(
                endpoint,
                self.region_id,
                self.credentials if own else self._caller(),
                retries=_RETRIES,
                connect_timeout_ms=_CONNECT_MS,
                read_timeout_ms=_READ_MS,
            ),
        )

    def _caller(self) -> Credentials:
        """Return the credentials for every API except STS."""
        if not self.role_arn:
            return self.credentials
        key = self.session().key
        return credentials_provider(key.access_key_id, key.access_key_secret, key.security_token)

    def _once(self, question: Any, ask: Callable[[], T]) -> T:
        """Return a cached answer. Ask again after a failure."""
        with self._guard:
            lock = self._locks.setdefault(question, threading.Lock())
        with lock:
            if question not in self._answers:
                self._answers[question] = ask()
            return cast(T, self._answers[question])


def cloud_of_account(region_id: str, *, model_api_key: str = "") -> Cloud:
    """Return Alibaba Cloud, with the credentials that its default chain finds.

    Args:
        region_id: The stack's region.
        model_api_key: The language model's key; by default the variable `DASHSCOPE_API_KEY`.
    """
    return Cloud(
        region_id=region_id,
        endpoints=endpoints_of_region(region_id),
        credentials=credentials_provider(),
        model_api_key=model_api_key or os.environ.get(_API_KEY_VARIABLE, ""),
        cloudflare_token=os.environ.get(_CLOUDFLARE_VARIABLE, ""),
    )


def local_cloud(
    platform: Mapping[str, Any], region_id: str, *, credentials: Credentials | None = None
) -> Cloud:
    """Return a local cloud.

    Args:
        platform: Its `platform.json`.
        region_id: The stack's region.
        credentials: The caller's; by default the account's own key.
    """
    own = credentials or credentials_provider(
        platform["access_key_id"], platform["access_key_secret"]
    )
    return Cloud(
        region_id=region_id,
        endpoints=endpoints_of_platform(platform),
        credentials=own,
        model_api_key=str(platform["dashscope_api_key"]),
        cloudflare_token=str(platform["access_key_secret"]),
        own_edge=EdgePlace(
            account_id=cloudflare_id(str(platform["account_id"]), "account"),
            zone_id=cloudflare_id(str(platform["account_id"]), "zone"),
            host=urlsplit(str(platform["endpoints"].get("edge", ""))).hostname or "",
        ),
        own_model_url=f"{platform['endpoints']['dashscope']}/compatible-mode/v1",
    )


def read_platform(path: Path) -> dict[str, Any]:
    """Read a local cloud's `platform.json`."""
    document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return document
