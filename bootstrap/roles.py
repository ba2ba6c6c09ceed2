"""The roles of continuous integration and of operators, as plain values. Pure.

Owns: names, trust policies and permissions. The roles of one environment cannot access another:
names begin with the environment, and each environment has its own prefix for state and its own
passphrase. A role may not change the names that these roles have, so it cannot extend its own
permissions.
Subjects of GitHub's tokens: https://docs.github.com/en/actions/reference/security/oidc (read
2026-11-21).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from components.deployment_permissions import DeploymentScope, deploy_statements, preview_statements
from components.permissions import (
    Statement,
    account_trust_document,
    oidc_trust_document,
    read_objects,
    read_secret,
    write_objects,
)

__all__ = [
    "DRIFT_SUFFIX",
    "PREVIEW_SUFFIX",
    "Account",
    "Role",
    "passphrase_name",
    "passphrase_role",
    "role_name",
    "roles",
]

PREVIEW_SUFFIX = "-preview"
"""Suffix of the GitHub environment whose jobs preview pull requests: `prod-preview`."""
DRIFT_SUFFIX = "-drift"
"""Suffix of the one for the nightly drift check of main, without a reviewer: `prod-drift`."""
_HOUR, _LONG = 3600, 4 * 3600  # a first update waits for Elasticsearch and for a training job


@dataclass(frozen=True, kw_only=True)
class Account:
    """The account and repository to which the roles belong.

    Attributes:
        account_id: The account.
        region_id: The region.
        state_bucket: Bucket of the state.
        repository: `owner/name` on GitHub.
        issuer_url: Issuer of the tokens.
        audience: Audience of the tokens.
        operator_principals: ARNs of the RAM roles that may assume the operator role.
    """

    account_id: str
    region_id: str
    state_bucket: str
    repository: str
    issuer_url: str
    audience: str
    operator_principals: Sequence[str] = ()

    @property
    def provider_name(self) -> str:
        """Name of the OIDC provider."""
        return "customrag-github"

    @property
    def provider_arn(self) -> str:
        """ARN of the OIDC provider."""
        return f"acs:ram::{self.account_id}:oidc-provider/{self.provider_name}"


@dataclass(frozen=True, kw_only=True)
class Role:
    """One role.

    Attributes:
        name: Physical name.
        description: Its purpose.
        trust: Its trust policy.
        statements: What it may do, each with its reason.
        max_session_duration_seconds: Longest lifetime of its credentials.
    """

    name: str
    description: str
    trust: str
    statements: Sequence[Statement]
    max_session_duration_seconds: int


def role_name(environment: str, purpose: str) -> str:
    """Return `customrag-ci-dev-deploy`; stacks' own names begin with `customrag-dev-`."""
    return f"customrag-ci-{environment}-{purpose}"


def passphrase_role(environment: str) -> str:
    """Return the role of the passphrase in `components.naming`."""
    return f"{environment}-passphrase"


def passphrase_name(environment: str) -> str:
    """Return the name of the KMS secret with the passphrase for the environment's state."""
    return f"customrag-ci-{passphrase_role(environment)}"


def roles(account: Account, environment: str) -> list[Role]:
    """Return the roles of one environment: `preview`, `deploy`, and `operator` if configured."""
    scope = DeploymentScope(
        account_id=account.account_id, region_id=account.region_id, environment=environment
    )
    made = [
        _preview(account, scope),
        Role(
            name=role_name(environment, "deploy"),
            description=f"customrag: jobs of GitHub environment {environment} deploy",
            trust=_trust(account, [f"environment:{environment}"]),
            statements=[*_keep_state(account, environment), *deploy_statements(scope)],
            max_session_duration_seconds=_LONG,
        ),
    ]
    if account.operator_principals:
        made.append(
            Role(
                name=role_name(environment, "operator"),
                description=f"customrag: people operate the stacks of {environment}, by STS",
                trust=account_trust_document(account.operator_principals),
                statements=[*_keep_state(account, environment), *deploy_statements(scope)],
                max_session_duration_seconds=_LONG,
            )
        )
    return made


def _preview(account: Account, scope: DeploymentScope) -> Role:
    environment = scope.environment
    return Role(
        name=role_name(environment, "preview"),
        description=f"customrag: jobs preview the stacks of {environment}, read-only",
        # A preview runs the code of a pull request. GitHub's environment names its reviewers.
        trust=_trust(
            account,
            [f"environment:{environment}{suffix}" for suffix in (PREVIEW_SUFFIX, DRIFT_SUFFIX)],
        ),
        statements=[
            read_objects(
                account.state_bucket,
                f"{environment}/",
                reason="reads the stacks' state; a preview takes no lock",
            ),
            _passphrase(account, environment),
            *preview_statements(scope),
        ],
        max_session_duration_seconds=_HOUR,
    )


def _trust(account: Account, subjects: Sequence[str]) -> str:
    return oidc_trust_document(
        account.provider_arn,
        issuer_url=account.issuer_url,
        audience=account.audience,
        subjects=[f"repo:{account.repository}:{subject}" for subject in subjects],
    )


def _keep_state(account: Account, environment: str) -> list[Statement]:
    return [
        write_objects(
            account.state_bucket,
            f"{environment}/",
            reason="reads and writes the stacks' state, history and locks",
        ),
        _passphrase(account, environment),
    ]


def _passphrase(account: Account, environment: str) -> Statement:
    return read_secret(
        account.region_id,
        account.account_id,
        passphrase_name(environment),
        reason="reads the passphrase that decrypts the secrets in the state",
    )
