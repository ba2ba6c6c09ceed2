"""The resources of the bootstrap program.

Owns: the wiring, and reading the configuration. Does not own: what roles may do (`roles`), or how a
bucket is protected (`components.storage`).
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

import pulumi
import pulumi_alicloud as alicloud
from pulumi_alicloud import ims, ram

from bootstrap.roles import Account, Role, passphrase_role, role_name, roles
from components.encryption import EncryptionKey, EncryptionKeyArgs
from components.naming import Naming
from components.permissions import policy_document, policy_documents, use_key
from components.scope import Scope
from components.secrets import MachineSecret, MachineSecretArgs, SecretStorage
from components.storage import PrivateBucket, PrivateBucketArgs
from components.tags import standard_tags
from stack_config.config import ConfigError
from stack_config.platforms import LOCAL_PLUGIN_VERSION

__all__ = ["declare", "state_bucket_name"]

PROJECT = "customrag"
_STACK = "ci"
_KEEP_VERSIONS_DAYS = 90
_ISSUANCE_LIMIT_HOURS = 1


def state_bucket_name(account_id: str) -> str:
    """Return the name of the account's only state bucket."""
    return Naming(project=PROJECT, stack=_STACK, account_id=account_id).bucket("state")


def declare(config: pulumi.Config) -> None:
    """Declare everything, and export what a repository on GitHub needs.

    Raises:
        ConfigError: The configuration is not valid.
    """
    account = _account(config)
    base = _Base(
        scope=Scope(
            naming=Naming(project=PROJECT, stack=_STACK, account_id=account.account_id),
            region_id=account.region_id,
            tags=standard_tags(
                project=PROJECT,
                stack=_STACK,
                owner=config.require("owner"),
                cost_center=config.require("costCenter"),
                environment="prod",
            ),
        ),
        provider=_provider(config, account.region_id),
        kms_instance_id=config.get("kmsInstanceId") or "",
    )
    key = _key(base)
    bucket = PrivateBucket(
        "state",
        PrivateBucketArgs(
            bucket_name=account.state_bucket,
            tags=base.scope.tags,
            kms_key_id=key.key_id if key else None,
            # An older version of the state undoes a failed update.
            noncurrent_version_expiration_days=_KEEP_VERSIONS_DAYS,
        ),
        base.options(),
    )
    github = ims.OidcProvider(
        "github",
        oidc_provider_name=account.provider_name,
        description="customrag: jobs of GitHub Actions",
        issuer_url=account.issuer_url,
        client_ids=[account.audience],
        fingerprints=config.get_object("issuerFingerprints") or None,
        issuance_limit_time=_ISSUANCE_LIMIT_HOURS,
        opts=base.options(),
    )
    environments = config.require_object("environments")
    for environment in environments:
        _passphrase(config, environment, base, key)
        for role in roles(account, environment):
            _role(role, base, github, key)
    pulumi.export("state_bucket", bucket.bucket_name)
    pulumi.export("oidc_provider_arn", github.arn)
    pulumi.export(
        "role_arns",
        {
            environment: {
                purpose: f"acs:ram::{account.account_id}:role/{role_name(environment, purpose)}"
                for purpose in ("preview", "deploy")
            }
            for environment in environments
        },
    )


@dataclass(frozen=True, kw_only=True)
class _Base:
    """Settings that all resources here share."""

    scope: Scope
    provider: alicloud.Provider
    kms_instance_id: str

    def options(self, *depends_on: pulumi.Resource) -> pulumi.ResourceOptions:
        """Return options of a resource or a component."""
        return pulumi.ResourceOptions(providers=[self.provider], depends_on=list(depends_on))


def _account(config: pulumi.Config) -> Account:
    repository, account_id = config.require("repository"), config.require("accountId")
    if not re.fullmatch(r"[\w.-]+/[\w.-]+", repository):
        raise ConfigError(
            f"repository is {repository!r}; it must be owner/name as on GitHub, without a URL"
        )
    if not re.fullmatch(r"\d{16}", account_id):
        raise ConfigError(f"accountId is {account_id!r}; it must be the account's 16 digits")
    return Account(
        account_id=account_id,
        region_id=config.require("regionId"),
        state_bucket=state_bucket_name(account_id),
        repository=repository,
        issuer_url=config.require("issuerUrl"),
        audience=config.require("audience"),
        operator_principals=config.get_object("operatorPrincipals") or [],
    )


def _provider(config: pulumi.Config, region_id: str) -> alicloud.Provider:
    """Return a provider for the administrator's session, or for a local cloud."""
    file = config.get("platformFile")
    if not file:
        return alicloud.Provider("alicloud", region=region_id)
    platform = json.loads(Path(file).read_text(encoding="utf-8"))
    return alicloud.Provider(
        "alicloud",
        region=region_id,
        access_key=platform["access_key_id"],
        secret_key=pulumi.Output.secret(platform["access_key_secret"]),
        shared_credentials_file=file,
        opts=pulumi.ResourceOptions(version=LOCAL_PLUGIN_VERSION),
    )


def _key(base: _Base) -> EncryptionKey | None:
    if not base.kms_instance_id:
        return None
    return EncryptionKey(
        "state-key",
        EncryptionKeyArgs(scope=base.scope, role="state", kms_instance_id=base.kms_instance_id),
        base.options(),
    )


def _passphrase(
    config: pulumi.Config, environment: str, base: _Base, key: EncryptionKey | None
) -> None:
    name = f"passphrase-{environment}"
    value = config.get_secret(name)
    if value is None:
        raise ConfigError(
            f"{name} is not set. Set a long random value: "
            f"openssl rand -base64 32 | pulumi config set --secret {name}"
        )
    MachineSecret(
        name,
        MachineSecretArgs(
            scope=base.scope,
            role=passphrase_role(environment),
            value=value,
            description=f"customrag: decrypts the secrets in the state of {environment}",
            storage=SecretStorage(
                kms_instance_id=base.kms_instance_id, kms_key_id=key.key_id if key else None
            ),
        ),
        base.options(),
    )


def _role(role: Role, base: _Base, github: ims.OidcProvider, key: EncryptionKey | None) -> None:
    made = ram.Role(
        role.name,
        role_name=role.name,
        description=role.description,
        assume_role_policy_document=role.trust,
        max_session_duration=role.max_session_duration_seconds,
        tags=dict(base.scope.tags),
        opts=base.options(github),
    )
    documents: list[pulumi.Input[str]] = [*policy_documents(role.statements)]
    if key is not None:
        documents.append(key.key_arn.apply(_key_policy))
    for number, document in enumerate(documents, start=1):
        policy = ram.Policy(
            f"{role.name}-{number}",
            policy_name=f"{role.name}-{number}",
            description=role.description,
            policy_document=document,
            # A policy keeps five versions; without this the sixth update fails.
            rotate_strategy="DeleteOldestNonDefaultVersionWhenLimitExceeded",
            tags=dict(base.scope.tags),
            opts=base.options(),
        )
        ram.RolePolicyAttachment(
            f"{role.name}-{number}",
            role_name=made.role_name,
            policy_name=policy.policy_name,
            policy_type="Custom",
            opts=base.options(),
        )


def _key_policy(arn: str) -> str:
    return policy_document([use_key(arn, reason="decrypts the state and its passphrase")])
