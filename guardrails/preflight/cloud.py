"""The cloud as the checks ask it: one client for each API, behind endpoints that can be others.

Owns endpoints, credentials and the making of clients. Reads only. Answers are remembered for as
long as a preflight lasts, as several checks ask the same.
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
from typing import Any, TypeVar, cast
from urllib.parse import urlsplit

from providers.clients import account, buckets, compute, model_studio, offers
from providers.clients.cloudflare import Cloudflare
from providers.clients.credentials import AccessKey, Credentials, credentials_provider
from providers.clients.errors import AccessDeniedError
from providers.clients.generic import GenericClient
from providers.clients.retries import Retries
from stack_config.local_edge import cloudflare_id

__all__ = [
    "Cloud",
    "EdgePlace",
    "Endpoints",
    "cloud_of_account",
    "local_cloud",
    "local_model_url",
    "read_platform",
]

# A preflight is waited for: throttled and lost calls are tried again, but not for long.
_RETRIES = Retries(attempts=3, base_delay_seconds=0.2, max_delay_seconds=1.0)
_CONNECT_MS, _READ_MS = 2_000, 8_000
_KEY_SECONDS = 2.5
_REACH_SECONDS = 2.0
# What is shorter may be a word of a message.
_SHORTEST_SECRET = 8
_API_KEY_VARIABLE = "DASHSCOPE_API_KEY"
_CLOUDFLARE_VARIABLE = "CLOUDFLARE_API_TOKEN"

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Endpoints:
    """Where each API answers, as URLs."""

    sts: str
    ram: str
    quotas: str
    ecs: str
    vpc: str
    dlc: str
    aiworkspace: str
    elasticsearch: str
    kms: str
    cas: str
    oss: str
    cloudflare: str

    @classmethod
    def of_region(cls, region_id: str) -> Endpoints:
        """The public ones of a region.

        Endpoint rules as https://api.alibabacloud.com shows them (service regions), read
        2026-11-21: RAM, Quota Center and the certificate service are central.
        """
        return cls(
            sts=f"https://sts.{region_id}.aliyuncs.com",
            ram="https://ram.aliyuncs.com",
            quotas="https://quotas.aliyuncs.com",
            ecs=f"https://ecs.{region_id}.aliyuncs.com",
            vpc=f"https://vpc.{region_id}.aliyuncs.com",
            dlc=f"https://pai-dlc.{region_id}.aliyuncs.com",
            aiworkspace=f"https://aiworkspace.{region_id}.aliyuncs.com",
            elasticsearch=f"https://elasticsearch.{region_id}.aliyuncs.com",
            kms=f"https://kms.{region_id}.aliyuncs.com",
            cas="https://cas.aliyuncs.com",
            oss=f"https://oss-{region_id}.aliyuncs.com",
            cloudflare="https://api.cloudflare.com/client/v4",
        )

    @classmethod
    def of_platform(cls, platform: Mapping[str, Any]) -> Endpoints:
        """Those of a local cloud, as its `platform.json` has them."""
        api, oss = platform["endpoints"]["api"], platform["endpoints"]["oss"]
        own = {"oss": oss, "cloudflare": f"{api}/client/v4"}
        return cls(**{name: own.get(name, api) for name in cls.__dataclass_fields__})


@dataclass(frozen=True, kw_only=True)
class EdgePlace:
    """Where at Cloudflare an edge is to be.

    Attributes:
        account_id: The Cloudflare account.
        zone_id: The zone of its name.
        host: Its name.
    """

    account_id: str
    zone_id: str
    host: str


@dataclass(frozen=True, kw_only=True, repr=False)
class Cloud:
    """What the checks ask. Safe to use from several threads.

    Attributes:
        region_id: The stack's region.
        endpoints: Where the APIs answer.
        credentials: Of whoever asks.
        role_arn: Role in whose session all but STS is asked; empty: as the credentials are.
        model_api_key: Of the language model's endpoint; empty if it is not known here.
        cloudflare_token: Of Cloudflare's API; empty if it is not known here.
        own_edge: The place of every edge, as a local cloud has it; None: the configuration's.
    """

    region_id: str
    endpoints: Endpoints
    credentials: Credentials
    role_arn: str = ""
    model_api_key: str = ""
    cloudflare_token: str = ""
    own_edge: EdgePlace | None = None
    _answers: dict[Any, Any] = field(default_factory=dict)
    _locks: dict[Any, threading.Lock] = field(default_factory=dict)
    _guard: threading.Lock = field(default_factory=threading.Lock)

    @cached_property
    def key(self) -> AccessKey:
        """The key that signs.

        Raises:
            AccessDeniedError: There is none, or none was found in time: off Alibaba Cloud the
                default chain waits for a metadata service that is not there.
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
        """A text in which none of the secrets that are shown to clouds can be read."""
        key = self.__dict__.get("key")  # Not looked for to hide it.
        secrets = [self.model_api_key, self.cloudflare_token]
        secrets += [key.access_key_secret, key.security_token] if key else []
        for secret in secrets:
            for part in secret.split():
                if len(part) >= _SHORTEST_SECRET:
                    text = text.replace(part, "***")
        return text

    @property
    def is_static_key(self) -> bool:
        """Whether the key is one that never ends."""
        return not self.key.security_token

    @property
    def signed_in(self) -> bool:
        """Whether the cloud has told who asks: `identity` has been asked, and was answered."""
        return ("identity",) in self._answers

    def identity(self) -> account.Identity:
        """Who asks."""
        return self._once(("identity",), lambda: account.caller_identity(self._client("sts")))

    def session(self) -> account.Session:
        """A session of the role that is named, for as long as a preflight lasts."""
        return self._once(
            ("session",),
            lambda: account.assume_role(self._client("sts"), self.role_arn, "customrag-preflight"),
        )

    @property
    def can_ask(self) -> bool:
        """Whether there is somebody to ask as: `identity` was answered, and `session`, if named."""
        return self.signed_in and (not self.role_arn or ("session",) in self._answers)

    def role_exists(self, role_name: str) -> bool:
        """Whether the account has a role."""
        return account.role_exists(self._client("ram"), role_name)

    def quota(self, product: str, code: str, dimensions: Mapping[str, str]) -> account.Quota | None:
        """A quota; None where there is none of that name."""
        return account.product_quota(self._client("quotas"), product, code, dimensions)

    def regions(self) -> list[str]:
        """Regions that the account can use."""
        return compute.regions(self._client("ecs"))

    def zones(self) -> list[str]:
        """The region's zones."""
        return self._once(("zones",), lambda: compute.zones(self._client("ecs"), self.region_id))

    def zones_with(self, instance_type: str, *, spot: bool) -> list[str]:
        """Zones with stock of an instance type."""
        return self._once(
            ("stock", instance_type, spot),
            lambda: compute.available_zones(
                self._client("ecs"), self.region_id, instance_type, spot=spot
            ),
        )

    def types_in_stock(self, zone_id: str, *, spot: bool) -> list[str]:
        """Instance types that a zone has."""
        return compute.instance_types_in_stock(
            self._client("ecs"), self.region_id, zone_id, spot=spot
        )

    def instance_kinds(self, names: tuple[str, ...]) -> dict[str, compute.InstanceKind]:
        """Sizes of instance types."""
        return self._once(
            ("kinds", names), lambda: compute.instance_kinds(self._client("ecs"), names)
        )

    def image(self, image_id: str) -> compute.Image | None:
        """An image; None where there is none."""
        return compute.image(self._client("ecs"), self.region_id, image_id)

    def vcpus(self, *, spot: bool) -> compute.VCpus:
        """vCPUs that the account may have, and has."""
        return compute.vcpus(self._client("ecs"), self.region_id, spot=spot)

    def running(self, tags: Mapping[str, str]) -> dict[str, int]:
        """Instance type to how many instances carry these tags."""
        return self._once(
            ("running", *sorted(tags.items())),
            lambda: compute.running_instances(self._client("ecs"), self.region_id, tags),
        )

    def vswitches(self, vpc_id: str) -> dict[str, compute.VSwitch]:
        """The vSwitches of a VPC, by id."""
        return compute.vswitches(self._client("vpc"), self.region_id, vpc_id)

    def ecs_specs(self, *names: str) -> dict[str, offers.EcsSpec]:
        """ECS specifications of PAI DLC: those named, or all."""
        return offers.ecs_specs(self._client("dlc"), names)

    def pai_activated(self) -> bool:
        """Whether PAI is activated."""
        return offers.pai_activated(self._client("aiworkspace"))

    def workspace_status(self, workspace_id: str) -> str | None:
        """Status of a PAI workspace; None where there is none."""
        return offers.workspace_status(self._client("aiworkspace"), workspace_id)

    def search_offer(self) -> offers.SearchOffer:
        """What Elasticsearch offers."""
        return self._once(("offer",), lambda: offers.search_offer(self._client("elasticsearch")))

    def search_instances(self, **query: str) -> list[offers.SearchInstance]:
        """Elasticsearch instances that are there."""
        return self._once(
            ("search", *sorted(query.items())),
            lambda: offers.search_instances(self._client("elasticsearch"), **query),
        )

    def search_address(self, instance_id: str) -> tuple[str, int] | None:
        """Host and port of an Elasticsearch instance in its VPC; None where it has none."""
        return offers.search_address(self._client("elasticsearch"), instance_id)

    def reaches(self, host: str, port: int) -> bool:
        """Whether this machine can connect there."""
        try:
            socket.create_connection((host, port), timeout=_REACH_SECONDS).close()
        except OSError:
            return False
        return True

    def own_address(self, towards: str) -> str:
        """This machine's address on the way to another; empty where there is none.

        Sends nothing: a datagram socket is only told where it would send to.
        """
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            try:
                probe.connect((towards, 9))
            except OSError:
                return ""
            return str(probe.getsockname()[0])

    @property
    def cloudflare(self) -> Cloudflare:
        """Cloudflare, as the token sees it."""
        return Cloudflare(
            base_url=self.endpoints.cloudflare,
            token=self.cloudflare_token,
            retries=_RETRIES,
        )

    def key_state(self, key_id: str) -> str | None:
        """State of a KMS key; None where there is none."""
        return offers.key_state(self._client("kms"), key_id)

    def kms_instance_status(self, instance_id: str) -> str | None:
        """Status of a KMS instance; None where there is none."""
        return offers.kms_instance_status(self._client("kms"), instance_id)

    def certificate(self, certificate_id: str) -> offers.Certificate | None:
        """A certificate; None where there is none."""
        return offers.certificate(self._client("cas"), certificate_id)

    def bucket_owner(self, bucket: str) -> buckets.BucketOwner:
        """Whose a bucket's name is."""
        return buckets.bucket_owner(self.endpoints.oss, self.region_id, self._asking(), bucket)

    def model_names(self, base_url: str) -> frozenset[str]:
        """Models that the key may call."""
        return model_studio.model_names(base_url, self.model_api_key)

    def _client(self, name: str) -> GenericClient:
        endpoint = getattr(self.endpoints, name)
        own = name == "sts"
        return self._once(
            ("client", endpoint, own),
            lambda: GenericClient(
                endpoint,
                self.region_id,
                self.credentials if own else self._asking(),
                retries=_RETRIES,
                connect_timeout_ms=_CONNECT_MS,
                read_timeout_ms=_READ_MS,
            ),
        )

    def _asking(self) -> Credentials:
        """Whose eyes the account is seen with."""
        if not self.role_arn:
            return self.credentials
        key = self.session().key
        return credentials_provider(key.access_key_id, key.access_key_secret, key.security_token)

    def _once(self, question: Any, ask: Callable[[], T]) -> T:
        """An answer, asked for once; what fails is asked again."""
        with self._guard:
            lock = self._locks.setdefault(question, threading.Lock())
        with lock:
            if question not in self._answers:
                self._answers[question] = ask()
            return cast(T, self._answers[question])


def cloud_of_account(
    region_id: str, *, model_api_key: str = "", environment: Mapping[str, str] = os.environ
) -> Cloud:
    """Alibaba Cloud, asked with whatever credentials its default chain finds.

    Args:
        region_id: The stack's region.
        model_api_key: Of the language model; by default `DASHSCOPE_API_KEY` of the environment.
        environment: Where that is read from, and `CLOUDFLARE_API_TOKEN`.
    """
    return Cloud(
        region_id=region_id,
        endpoints=Endpoints.of_region(region_id),
        credentials=credentials_provider(),
        model_api_key=model_api_key or environment.get(_API_KEY_VARIABLE, ""),
        cloudflare_token=environment.get(_CLOUDFLARE_VARIABLE, ""),
    )


def local_cloud(
    platform: Mapping[str, Any], region_id: str, *, credentials: Credentials | None = None
) -> Cloud:
    """A local cloud.

    Args:
        platform: Its `platform.json`.
        region_id: The stack's region.
        credentials: Of whoever asks; by default the account's own key.
    """
    own = credentials or credentials_provider(
        platform["access_key_id"], platform["access_key_secret"]
    )
    return Cloud(
        region_id=region_id,
        endpoints=Endpoints.of_platform(platform),
        credentials=own,
        model_api_key=str(platform["dashscope_api_key"]),
        cloudflare_token=str(platform["access_key_secret"]),
        own_edge=EdgePlace(
            account_id=cloudflare_id(str(platform["account_id"]), "account"),
            zone_id=cloudflare_id(str(platform["account_id"]), "zone"),
            host=urlsplit(str(platform["endpoints"].get("edge", ""))).hostname or "",
        ),
    )


def local_model_url(platform: Mapping[str, Any]) -> str:
    """Base URL of a local cloud's language model."""
    return f"{platform['endpoints']['dashscope']}/compatible-mode/v1"


def read_platform(path: Path) -> dict[str, Any]:
    """A local cloud's `platform.json`."""
    document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return document
