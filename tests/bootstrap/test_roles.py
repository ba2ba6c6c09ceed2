"""The roles of continuous integration, and the errors of signing in."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from bootstrap.program import state_bucket_name
from bootstrap.roles import Account, Role, roles
from bootstrap.sign_in import Endpoints, SignInError, Wanted, backend_url, main, sign_in
from components.permissions import policy_documents
from guardrails.policy import permissions
from guardrails.policy.model import Resource, Setting

ACCOUNT_ID = "1234567890123456"
ACCOUNT = Account(
    account_id=ACCOUNT_ID,
    region_id="cn-hangzhou",
    state_bucket=state_bucket_name(ACCOUNT_ID),
    repository="org/name",
    issuer_url="https://token.actions.githubusercontent.com",
    audience="customrag",
    operator_principals=[f"acs:ram::{ACCOUNT_ID}:role/platform-team"],
)


def subjects(role: Role) -> list[str]:
    (statement,) = json.loads(role.trust)["Statement"]
    found: list[str] = statement["Condition"]["StringEquals"]["oidc:sub"]
    return found


def by_purpose(environment: str) -> dict[str, Role]:
    return {role.name.rpartition("-")[2]: role for role in roles(ACCOUNT, environment)}


def actions(role: Role) -> Iterator[tuple[str, str]]:
    for statement in role.statements:
        for action in statement.actions:
            for resource in statement.resources:
                yield action, resource


def test_only_jobs_of_its_environment_may_deploy() -> None:
    assert subjects(by_purpose("prod")["deploy"]) == ["repo:org/name:environment:prod"]


@pytest.mark.parametrize("environment", ["dev", "prod", "pr"])
def test_jobs_of_the_preview_and_drift_environments_may_preview(environment: str) -> None:
    expected = [
        f"repo:org/name:environment:{environment}-preview",
        f"repo:org/name:environment:{environment}-drift",
    ]
    assert subjects(by_purpose(environment)["preview"]) == expected


def test_an_operator_role_exists_only_if_principals_are_configured() -> None:
    (statement,) = json.loads(by_purpose("dev")["operator"].trust)["Statement"]
    assert statement["Principal"] == {"RAM": [f"acs:ram::{ACCOUNT_ID}:role/platform-team"]}
    without = Account(**{**vars(ACCOUNT), "operator_principals": ()})
    assert len(roles(without, "dev")) == 2


@pytest.mark.parametrize("environment", ["dev", "prod", "pr"])
def test_roles_access_only_the_state_and_passphrase_of_their_environment(environment: str) -> None:
    for role in roles(ACCOUNT, environment):
        objects = {r for a, r in actions(role) if a.startswith("oss:") and "ci-state" in r}
        assert f"acs:oss:*:*:{ACCOUNT.state_bucket}/{environment}/*" in objects
        assert len(objects) == 2, "the bucket, to list it, and the environment's folder"
        secrets = {r for a, r in actions(role) if "customrag-ci-" in r and ":kms:" in r}
        assert secrets == {
            f"acs:kms:cn-hangzhou:{ACCOUNT_ID}:secret/customrag-ci-{environment}-passphrase"
        }


def test_the_preview_role_cannot_write_state() -> None:
    written = [a for a, _ in actions(by_purpose("dev")["preview"]) if a == "oss:PutObject"]
    assert written == []


def test_no_role_can_change_the_roles_of_continuous_integration() -> None:
    for environment in ("dev", "prod", "pr"):
        for role in roles(ACCOUNT, environment):
            changed = {r for a, r in actions(role) if a in ("ram:UpdateRole", "ram:CreatePolicy")}
            assert not any(r.endswith(("/*", "/customrag-*", "/customrag-ci-*")) for r in changed)


def wanted(role: str = "deploy") -> Wanted:
    return Wanted(environment="dev", role=role, account_id=ACCOUNT_ID, region_id="cn-hangzhou")


def test_the_backend_is_the_folder_of_the_environment_at_the_s3_endpoint_of_oss() -> None:
    assert backend_url(wanted(), Endpoints.of_region("cn-hangzhou")) == (
        f"s3://{ACCOUNT.state_bucket}/dev?region=cn-hangzhou"
        "&endpoint=https%3A%2F%2Fs3.oss-cn-hangzhou.aliyuncs.com"
    )


def test_the_error_for_a_person_names_the_operator_role() -> None:
    with pytest.raises(SignInError, match="--role operator"):
        sign_in(wanted(), Endpoints.of_region("cn-hangzhou"), {})


def test_the_error_for_a_job_without_a_token_names_the_permission() -> None:
    job = {"ACTIONS_ID_TOKEN_REQUEST_URL": "http://127.0.0.1:1/?v=1"}
    with pytest.raises(SignInError, match="id-token: write"):
        sign_in(wanted(), Endpoints.of_region("cn-hangzhou"), job)


def test_a_failed_sign_in_prints_an_error_and_exits_with_1(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ACTIONS_ID_TOKEN_REQUEST_URL", raising=False)
    asked = ["--environment", "dev", "--role", "preview", "--account-id", ACCOUNT_ID]
    assert main(asked) == 1
    assert "GitHub Actions" in capsys.readouterr().err


def test_a_local_cloud_is_called_over_http_with_the_bucket_in_the_path(tmp_path: Path) -> None:
    file = tmp_path / "platform.json"
    endpoints = {"api": "http://127.9.0.2:8080", "oss": "http://127.9.0.3:9000"}
    file.write_text(json.dumps({"endpoints": endpoints}))
    url = backend_url(wanted(), Endpoints.of_platform(file))
    assert "s3ForcePathStyle=true" in url
    assert "127.9.0.3" in url


@pytest.mark.parametrize("environment", ["dev", "prod", "pr"])
def test_every_role_complies_with_the_permission_rules_of_the_policy_pack(environment: str) -> None:
    for role in roles(ACCOUNT, environment):
        made = [
            Resource(
                type="alicloud:ram/role:Role",
                name=role.name,
                inputs={"assumeRolePolicyDocument": role.trust},
            ),
            *(
                Resource(
                    type="alicloud:ram/policy:Policy",
                    name=role.name,
                    inputs={"policyDocument": document},
                )
                for document in policy_documents(role.statements)
            ),
        ]
        setting = Setting(environment=environment)
        found = [item for rule in permissions.RULES for item in rule.violations(made, setting)]
        assert [f"{item.rule}: {item.message}" for item in found] == []
