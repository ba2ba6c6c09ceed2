"""The permission tables are complete and narrow, and fit into RAM's limits."""

from __future__ import annotations

import json

import pytest

from components.deployment_permissions import (
    GRANTS,
    DeploymentScope,
    deploy_statements,
    preview_statements,
)
from components.identity import IdentityArgs, machine_roles
from components.naming import Naming
from components.permissions import (
    Statement,
    account_trust_document,
    document_of,
    oidc_trust_document,
    policy_documents,
)
from components.scope import Scope
from tests.support.stacks import STACKS, declared

PROD = DeploymentScope(account_id="1234567890123456", region_id="cn-hangzhou", environment="prod")
CHANGING = ("Create", "Delete", "Put", "Update", "Modify", "Attach", "Detach", "Release", "Run")


def machine_statements() -> list[Statement]:
    roles = machine_roles(
        IdentityArgs(
            scope=Scope(
                naming=Naming(project="customrag", stack="prod", account_id="1234567890123456"),
                region_id="cn-hangzhou",
            ),
            elasticsearch_secret_name="es",
            model_secret_name="model",
            edge_secret_name="edge",
            corpus_bucket="corpus",
            base_model_uri="oss://models/bge-m3/",
        )
    )
    return [statement for role in roles.values() for statement in role.statements]


ALL = [*machine_statements(), *deploy_statements(PROD)]


def test_the_training_job_reads_only_the_folder_of_its_base_model() -> None:
    (models,) = [s for s in machine_statements() if "models" in str(s.resources)]
    assert models.resources == ("acs:oss:*:*:models", "acs:oss:*:*:models/bge-m3/*")
    assert not any("Put" in action or "Delete" in action for action in models.actions)


def test_every_action_has_a_document() -> None:
    assert all(document_of(action) for statement in ALL for action in statement.actions)


def test_the_error_names_an_action_of_an_unknown_service() -> None:
    with pytest.raises(ValueError, match="'polardb:CreateDBCluster'"):
        document_of("polardb:CreateDBCluster")


def test_every_statement_has_a_reason() -> None:
    assert all(len(statement.reason) > 15 for statement in ALL)


def test_a_permission_for_all_resources_says_that_no_resource_level_exists() -> None:
    wide = [statement.reason for statement in ALL if "*" in statement.resources]
    assert wide
    assert all("no resource level" in reason for reason in wide)


@pytest.mark.parametrize("stack", [stack for stack in STACKS if stack != "local"])
def test_every_type_that_a_stack_declares_can_be_deployed(stack: str) -> None:
    granted = {type_ for grant in GRANTS for type_ in grant.types}
    # Access inside the search cluster uses its password instead of RAM.
    names = ("Alias", "Capabilities", "Index", "SearchTemplate")
    inside = {f"customrag:elasticsearch:{name}" for name in names}
    found = {item.type for item in declared(stack)}
    missing = {t for t in found - granted - inside if not t.startswith("cloudflare:")}
    assert missing - {"pulumi:providers:cloudflare"} == set()


def test_preview_permissions_only_read() -> None:
    actions = [action for s in preview_statements(PROD) for action in s.actions]
    assert [a for a in actions if a.partition(":")[2].startswith(CHANGING)] == []


def test_an_environment_has_permissions_only_for_its_own_names() -> None:
    for environment in ("dev", "prod", "pr"):
        scope = DeploymentScope(account_id="1", region_id="r", environment=environment)
        named = [r for s in deploy_statements(scope) for r in s.resources if "customrag" in r]
        assert named
        assert all(f"customrag-{environment}-" in resource for resource in named)


def test_a_deployer_can_create_roles_only_for_its_own_stacks() -> None:
    for statement in deploy_statements(PROD):
        if "ram:CreateRole" in statement.actions:
            assert all("/customrag-prod-*" in resource for resource in statement.resources)


def test_the_policies_fit_into_the_limit_of_ram() -> None:
    documents = policy_documents(deploy_statements(PROD))
    assert all(len(document) <= 6144 for document in documents)
    granted = [s for document in documents for s in json.loads(document)["Statement"]]
    assert len(granted) == len(deploy_statements(PROD))


def test_the_error_names_a_statement_that_is_too_long() -> None:
    long = Statement(actions=("oss:GetObject",), resources=("acs:x" * 2000,), reason="is long")
    with pytest.raises(ValueError, match="is long"):
        policy_documents([long])


def test_the_trust_policy_for_tokens_names_complete_subjects() -> None:
    document = oidc_trust_document(
        "acs:ram::1:oidc-provider/github",
        issuer_url="https://issuer",
        audience="customrag",
        subjects=["repo:org/name:environment:dev"],
    )
    (statement,) = json.loads(document)["Statement"]
    assert statement["Condition"]["StringEquals"] == {
        "oidc:aud": "customrag",
        "oidc:iss": "https://issuer",
        "oidc:sub": ["repo:org/name:environment:dev"],
    }


@pytest.mark.parametrize("subjects", [[], ["repo:org/name:*"], ["repo:org/name:ref:refs/heads/?"]])
def test_a_role_for_any_token_is_refused(subjects: list[str]) -> None:
    with pytest.raises(ValueError, match="without wildcards"):
        oidc_trust_document("p", issuer_url="i", audience="a", subjects=subjects)


@pytest.mark.parametrize("principals", [[], ["acs:ram::*:role/x"], ["acs:ram::1:root"], ["x"]])
def test_a_trust_policy_for_anyone_is_rejected(principals: list[str]) -> None:
    with pytest.raises(ValueError, match="the ARN of one role"):
        account_trust_document(principals)
