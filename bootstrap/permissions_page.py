"""All roles, with every permitted action, its reason and its documentation. Pure.

Owns: the list of roles, for an example account and stack. It matches the real grants, because the
same functions build the policies. `tools.reference` writes docs/reference/permissions.md from it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bootstrap.program import state_bucket_name
from bootstrap.roles import Account, roles
from components.identity import IdentityArgs, machine_roles
from components.naming import Naming
from components.opensearch import CERTIFICATES_ROLE, INGEST, USERS, secret_role
from components.permissions import (
    Statement,
    document_of,
    replicate_from,
    replicate_to,
    use_key,
)
from components.replication import OSS_PRINCIPAL
from components.scope import Scope

__all__ = ["Holder", "documents", "holders"]

_ACCOUNT_ID = "1234567890123456"
_REGION_ID = "cn-hangzhou"
_STACK = "prod"
_KEY = f"acs:kms:{_REGION_ID}:{_ACCOUNT_ID}:key/key-example"
_ASSUMED_BY = {
    "preview": "Assumed with tokens of GitHub jobs in environment `prod-preview` or `prod-drift`.",
    "deploy": "Assumed with tokens of GitHub jobs in environment `prod`.",
    "operator": "Assumed through STS by the roles in `operatorPrincipals`.",
}


@dataclass(frozen=True, kw_only=True)
class Holder:
    """A role: its name, its purpose, who may assume it, and what it may do."""

    name: str
    description: str
    assumed_by: str
    grants: Sequence[Statement]


def holders() -> list[Holder]:
    """Return the roles of a stack's machines, then the roles that deploy it."""
    return [*_machines(), _copying(), *_deployers()]


def documents(grant: Statement) -> list[str]:
    """Return the pages that document the actions of a grant."""
    return list(dict.fromkeys(document_of(action) for action in grant.actions))


def _machines() -> list[Holder]:
    naming = Naming(project="customrag", stack=_STACK, account_id=_ACCOUNT_ID)
    arguments = IdentityArgs(
        scope=Scope(naming=naming, region_id=_REGION_ID),
        elasticsearch_secret_name=naming.physical("elasticsearch-password"),
        model_secret_name=naming.physical("model-api-key"),
        edge_secret_name=naming.physical("edge-key"),
        opensearch_secret_names=[
            naming.physical(CERTIFICATES_ROLE),
            *(naming.physical(secret_role(user)) for user in USERS),
        ],
        opensearch_ingest_secret_name=naming.physical(secret_role(INGEST)),
        corpus_bucket=naming.bucket("corpus"),
    )
    key = use_key(_KEY, reason="if the stack has its own key: decrypts what the key encrypts")
    return [
        Holder(
            name=naming.physical(name),
            description=role.description,
            assumed_by=f"Assumed by machines of `{role.principal}`.",
            grants=[*role.statements, key],
        )
        for name, role in machine_roles(arguments).items()
    ]


def _copying() -> Holder:
    naming = Naming(project="customrag", stack=_STACK, account_id=_ACCOUNT_ID)
    bucket = naming.bucket("corpus")
    return Holder(
        name=naming.physical("replication"),
        description="customrag: OSS copies the stack's buckets to another region",
        assumed_by=f"Assumed by `{OSS_PRINCIPAL}`. Each replicated bucket has such a role.",
        grants=[replicate_from(bucket), replicate_to(f"{bucket}-copy")],
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
            assumed_by=_ASSUMED_BY[role.name.rpartition("-")[2]],
            grants=role.statements,
        )
        for role in roles(account, _STACK)
    ]
