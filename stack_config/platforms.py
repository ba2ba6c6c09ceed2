"""Where a stack runs: its providers and the endpoints that its parts connect to.

Owns the difference between the platforms. No other module of the program knows it: components get
providers and endpoints. Version 4.0.0-local of plugin `alicloud`, which is part of this project,
serves a local stack. It is a prerelease, so that a cloud stack never resolves to it and a local
stack never reaches the cloud.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pulumi
import pulumi_alicloud as alicloud
from pulumi.runtime.config import is_config_secret

import providers
from stack_config.config import SECRET_KEYS, ConfigError, StackConfig
from stack_config.kinds import PlatformKind
from stack_config.local_edge import cloudflare_id

__all__ = [
    "LOCAL_CLOUDFLARE_VERSION",
    "LOCAL_PLUGIN_VERSION",
    "EdgePlatform",
    "Platform",
    "make_platform",
]

LOCAL_PLUGIN_VERSION = "4.0.0-local"
# A prerelease, too, above the SDK's own major version.
LOCAL_CLOUDFLARE_VERSION = "7.0.0-local"
_LOCAL_AUDIENCE = "customrag"
_NO_KEY = "none"
"""Sent to a language model that the user runs, if no key is given; such servers take any."""


@dataclass(frozen=True, kw_only=True, repr=False)
class EdgePlatform:
    """Provider and settings of the edge. Has no repr, because it holds a secret.

    Attributes:
        provider: Cloudflare's provider, or the local cloud's.
        account_id: Cloudflare account.
        zone_id: Cloudflare zone of the URL's host.
        url: URL of the edge.
        issuer: Issuer of the tokens, as in their claim `iss`.
        audience: Audience of the tokens, as in their claim `aud`.
        jwks_url: URL of the issuer's public keys.
        origin_key: Key that the edge sends to the application.
    """

    provider: pulumi.ProviderResource
    account_id: str
    zone_id: str
    url: str
    issuer: str
    audience: str
    jwks_url: str
    origin_key: pulumi.Output[str]


@dataclass(frozen=True, kw_only=True)
class Platform:
    """Providers, endpoints and secrets of one stack.

    Attributes:
        providers: For `ResourceOptions(providers=...)` of every top-level component.
        account_id: The account that owns the resources.
        oss_host: Host of OSS for jobs and nodes, used in URIs like `oss://bucket.<host>/key`.
        oss_endpoint: The same as a URL.
        kms_endpoint: URL of KMS for jobs and nodes.
        llm_base_url: OpenAI-compatible base URL of the language model.
        elasticsearch_password: Password of the cluster's administrator; None without a cluster.
        opensearch_password: From it, the passwords of OpenSearch's users are derived; None without
            a cluster.
        llm_api_key: API key of the language model.
        work_dir: Folder on this machine for files that providers read during an update.
        trusted_file: PEM file of the certificate authorities of this stack's own load balancers.
            None: the public authorities.
        operator_cidr_blocks: CIDR blocks from which this machine connects to them, in addition to
            those that the configuration allows.
        log_agent_url: URL of the log service agent's installer, for nodes.
        replica_providers: Like `providers`, for the region that data is copied to; empty without
            copies.
        edge: Provider and settings of the edge; None without one.
    """

    providers: list[pulumi.ProviderResource]
    account_id: str
    oss_host: str
    oss_endpoint: str
    kms_endpoint: str
    llm_base_url: str
    elasticsearch_password: pulumi.Output[str] | None
    opensearch_password: pulumi.Output[str] | None
    llm_api_key: pulumi.Output[str]
    work_dir: Path
    trusted_file: Path | None
    operator_cidr_blocks: tuple[str, ...]
    log_agent_url: str
    replica_providers: list[pulumi.ProviderResource]
    edge: EdgePlatform | None = None


@dataclass(frozen=True, kw_only=True, repr=False)
class _Settings:
    """What differs between the platforms. Has no repr, because it holds secrets."""

    account_id: str
    region_id: str
    endpoints: dict[str, str]
    llm_base_url: str
    access_key_id: str | None = None
    access_key_secret: str | None = None
    elasticsearch_password: str | None = None
    opensearch_password: str | None = None
    llm_api_key: str | None = None
    platform_file: Path | None = None


def make_platform(config: StackConfig, *, home: Path) -> Platform:
    """Create the providers for `config`, and return them with the endpoints.

    Args:
        config: The stack's configuration.
        home: Folder of a local stack's `platform.json` and of every stack's work files.

    Raises:
        ConfigError: A local stack has no `platform.json`, or a cloud stack lacks a secret.
    """
    local = config.platform is PlatformKind.LOCAL
    settings = _local_settings(config, home) if local else _cloud_settings(config)
    alicloud_provider = _alicloud("alicloud", settings, settings.region_id)
    replica_region_id = config.protection.replication_region_id
    customrag_provider = providers.Provider(
        "customrag",
        providers.ProviderArgs(
            region_id=settings.region_id,
            oss_endpoint=settings.endpoints["oss_public"],
            dlc_endpoint=settings.endpoints["dlc"],
            ecs_endpoint=settings.endpoints["ecs"],
            ess_endpoint=settings.endpoints["ess"],
            elasticsearch_endpoint=settings.endpoints["elasticsearch"],
            access_key_id=_secret(settings.access_key_id),
            access_key_secret=_secret(settings.access_key_secret),
        ),
    )
    return Platform(
        providers=[alicloud_provider, customrag_provider],
        account_id=settings.account_id,
        oss_host=urlsplit(settings.endpoints["oss"]).netloc,
        oss_endpoint=settings.endpoints["oss"],
        kms_endpoint=settings.endpoints["kms"],
        llm_base_url=settings.llm_base_url,
        elasticsearch_password=(
            _required_secret("elasticsearchPassword", settings.elasticsearch_password)
            if config.engines.elasticsearch
            else None
        ),
        opensearch_password=(
            _required_secret("opensearchPassword", settings.opensearch_password)
            if config.engines.opensearch
            else None
        ),
        llm_api_key=_required_secret("llmApiKey", settings.llm_api_key),
        work_dir=home / "work",
        # Clients reach local load balancers over loopback, with certificates of the local CAS.
        trusted_file=home / "cloud" / "cas" / "trusted.pem" if local else None,
        operator_cidr_blocks=("127.0.0.0/8",) if local else (),
        log_agent_url=settings.endpoints["log_agent"],
        replica_providers=(
            [_alicloud("alicloud-replica", settings, replica_region_id)]
            if replica_region_id
            else []
        ),
        edge=_edge(config, settings) if config.edge.exists else None,
    )


def _alicloud(name: str, settings: _Settings, region_id: str) -> alicloud.Provider:
    file = settings.platform_file
    return alicloud.Provider(
        name,
        region=region_id,
        access_key=_secret(settings.access_key_id),
        secret_key=_secret(settings.access_key_secret),
        shared_credentials_file=str(file) if file else None,
        opts=pulumi.ResourceOptions(version=LOCAL_PLUGIN_VERSION if file else None),
    )


def _edge(config: StackConfig, settings: _Settings) -> EdgePlatform:
    # Imported here, because its SDK takes more than a second to load.
    from pulumi_cloudflare import Provider

    if settings.platform_file is None:
        return EdgePlatform(
            # It reads the API token from CLOUDFLARE_API_TOKEN, so that no file or state has it.
            provider=Provider("cloudflare"),
            account_id=config.edge.cloudflare_account_id,
            zone_id=config.edge.cloudflare_zone_id,
            url=f"https://{config.edge.hostname}",
            issuer=config.edge.issuer,
            audience=config.edge.audience,
            jwks_url=config.edge.jwks_url,
            origin_key=_required_secret("edgeOriginKey", None),
        )
    # The local cloud has its own issuer, hostname and account, whatever the configuration says.
    issuer, key = settings.endpoints["issuer"], str(settings.access_key_secret)
    return EdgePlatform(
        provider=Provider(
            "cloudflare",
            base_url=settings.platform_file.as_uri(),
            opts=pulumi.ResourceOptions(version=LOCAL_CLOUDFLARE_VERSION),
        ),
        account_id=cloudflare_id(settings.account_id, "account"),
        zone_id=cloudflare_id(settings.account_id, "zone"),
        url=settings.endpoints["edge"],
        issuer=issuer,
        audience=config.edge.audience or _LOCAL_AUDIENCE,
        jwks_url=f"{issuer}/.well-known/jwks.json",
        origin_key=_required_secret(
            "edgeOriginKey", hmac.new(key.encode(), b"edge", hashlib.sha256).hexdigest()
        ),
    )


def _local_settings(config: StackConfig, home: Path) -> _Settings:
    path = home / "platform.json"
    try:
        platform = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ConfigError(
            f"this stack is local, but {path} does not exist; run `make up`, which creates it"
        ) from error
    api, oss = platform["endpoints"]["api"], platform["endpoints"]["oss"]
    key, given = platform["access_key_secret"], config.language_model.given_base_url
    return _Settings(
        account_id=platform["account_id"],
        region_id=config.region_id,
        endpoints={
            "oss": oss,
            "oss_public": oss,
            "dlc": api,
            "ecs": api,
            "ess": api,
            "kms": api,
            "elasticsearch": api,
            "log_agent": f"{api}/_local/log-agent.sh",
            "issuer": platform["endpoints"]["issuer"],
            "edge": platform["endpoints"]["edge"],
        },
        llm_base_url=given or f"{platform['endpoints']['dashscope']}/compatible-mode/v1",
        access_key_id=platform["access_key_id"],
        access_key_secret=key,
        elasticsearch_password=_derived_password(key, "elasticsearch elastic", "Es"),
        opensearch_password=_derived_password(key, "opensearch", "Os"),
        llm_api_key=_NO_KEY if given else platform["dashscope_api_key"],
        platform_file=path.resolve(),
    )


def _cloud_settings(config: StackConfig) -> _Settings:
    region_id = config.region_id
    return _Settings(
        account_id=config.account_id,
        region_id=region_id,
        endpoints={
            # Endpoint rules: https://www.alibabacloud.com/help/en/oss/user-guide/regions-and-endpoints,
            # https://api.alibabacloud.com (pai-dlc, Kms; service regions), read 2026-11-21.
            "oss": f"https://oss-{region_id}-internal.aliyuncs.com",
            "oss_public": f"https://oss-{region_id}.aliyuncs.com",
            "dlc": f"https://pai-dlc.{region_id}.aliyuncs.com",
            "ecs": f"https://ecs.{region_id}.aliyuncs.com",
            "ess": f"https://ess.{region_id}.aliyuncs.com",
            "kms": f"https://kms-vpc.{region_id}.aliyuncs.com",
            "elasticsearch": f"https://elasticsearch.{region_id}.aliyuncs.com",
            # https://www.alibabacloud.com/help/en/sls/loongcollector-management-linux, read
            # 2026-11-21; nodes use the bucket's internal hostname.
            "log_agent": (
                f"https://aliyun-observability-release-{region_id}.oss-{region_id}-internal"
                ".aliyuncs.com/loongcollector/linux64/latest/loongcollector.sh"
            ),
        },
        llm_base_url=config.language_model.base_url,
    )


def _derived_password(key: str, purpose: str, prefix: str) -> str:
    """Return a local cluster's password, derived from a key so that no file stores it."""
    digest = hmac.new(key.encode(), purpose.encode(), hashlib.sha256).hexdigest()
    return f"{prefix}-{digest[:24]}"


def _secret(value: str | None) -> pulumi.Output[str] | None:
    return None if value is None else pulumi.Output.secret(value)


def _required_secret(key: str, given: str | None) -> pulumi.Output[str]:
    if key not in SECRET_KEYS:
        raise ValueError(f"{key!r} is not a secret key; secret keys are {sorted(SECRET_KEYS)}")
    # Not `secret: true` in Pulumi.yaml, because such a key is always required, and a local stack
    # has its own.
    configured = pulumi.Config("customrag").get(key)
    if configured:
        if not is_config_secret(f"customrag:{key}"):
            raise ConfigError(
                f"customrag:{key} is unencrypted in the stack's file. Replace the secret itself, "
                f"then set it with `pulumi config set --secret customrag:{key}`"
            )
        return pulumi.Output.secret(configured)
    if given is None:
        raise ConfigError(
            f"customrag:{key} is missing; set it with `pulumi config set --secret customrag:{key}`"
        )
    return pulumi.Output.secret(given)
