"""Everybody who may do anything, with every action, its reason and its document. Pure.

Owns the list of holders, for an account and stacks of made-up names. What it says is what is
granted: the same functions make the policies. docs/reference/permissions.md is written from it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bootstrap.program import state_bucket_name
from bootstrap.roles import Account, roles
from components.identity import IdentityArgs, machine_roles
from components.naming import Naming
from components.permissions import (
    Statement,
    document_of,
    replicate_from,
    replicate_to,
    use_key,
)
from components.replication import OSS_PRINCIPAL
from components.scope import Scope

__all__ = ["GrantLine", "Holder", "holders"]

_ACCOUNT_ID = "1234567890123456"
_REGION_ID = "cn-hangzhou"
_STACK = "prod"
_KEY = f"acs:kms:{_REGION_ID}:{_ACCOUNT_ID}:key/key-example"
_OPENED_BY = {
    "preview": "Opened by tokens of GitHub's jobs in environments `prod-preview` and `prod-drift`.",
    "deploy": "Opened by tokens of GitHub's jobs in environment `prod`.",
    "operator": "Opened, by STS, to the roles of people that the bootstrap names.",
}


@dataclass(frozen=True, kw_only=True)
class GrantLine:
    """Actions that are granted for one reason."""

    actions: tuple[str, ...]
    resources: tuple[str, ...]
    reason: str
    documents: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Holder:
    """A role: what it is called, what for, who opens it, and what it may do."""

    name: str
    description: str
    opened_by: str
    grants: Sequence[GrantLine]


def holders() -> list[Holder]:
    """Machines of a stack first, then those who deploy it."""
    return [*_machines(), _copying(), *_deployers()]


def _line(statement: Statement) -> GrantLine:
    documents = dict.fromkeys(document_of(action) for action in statement.actions)
    return GrantLine(
        actions=statement.actions,
        resources=statement.resources,
        reason=statement.reason,
        documents=tuple(documents),
    )


def _machines() -> list[Holder]:
    naming = Naming(project="customrag", stack=_STACK, account_id=_ACCOUNT_ID)
    arguments = IdentityArgs(
        scope=Scope(naming=naming, region_id=_REGION_ID),
        elasticsearch_secret_name=naming.physical("elasticsearch-password"),
        model_secret_name=naming.physical("model-api-key"),
        edge_secret_name=naming.physical("edge-key"),
        corpus_bucket=naming.bucket("corpus"),
    )
    key = use_key(_KEY, reason="with a key of the stack's own: opens what it encrypts")
    return [
        Holder(
            name=naming.physical(name),
            description=role.description,
            opened_by=f"Opened to machines of `{role.principal}`.",
            grants=[_line(statement) for statement in (*role.statements, key)],
        )
        for name, role in machine_roles(arguments).items()
    ]


def _copying() -> Holder:
    naming = Naming(project="customrag", stack=_STACK, account_id=_ACCOUNT_ID)
    bucket = naming.bucket("corpus")
    return Holder(
        name=naming.physical("replication"),
        description="customrag: OSS copies the stack's buckets to another region",
        opened_by=f"Opened to `{OSS_PRINCIPAL}`. The same for each bucket that is copied.",
        grants=[_line(replicate_from(bucket)), _line(replicate_to(f"{bucket}-copy"))],
    )


def _deployers() -> list[Holder]:
    account = Account(
        account_id=_ACCOUNT_ID,
        region_id=_REGION_ID,
        state_bucket=state_bucket_name(_ACCOUNT_ID),
        repository="owner/name",
        issuer_url="https://token.actions.githubusercontent.com",
        audience="customrag",
        operator_principals=[f"acs:ram::{_ACCOUNT_ID}:role/platform-team"],
    )
    return [
        Holder(
            name=role.name,
            description=role.description,
            opened_by=_OPENED_BY[role.name.rpartition("-")[2]],
            grants=[_line(statement) for statement in role.statements],
        )
        for role in roles(account, _STACK)
    ]
