"""AssumeRoleWithOIDC through the vendor's SDK, with an issuer that publishes keys.

The tests cannot prove how long the cloud caches keys, nor its check of certificates.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import requests
from alibabacloud_sts20150401.client import Client as StsClient
from alibabacloud_sts20150401.models import AssumeRoleWithOIDCRequest
from alibabacloud_tea_openapi.utils_models import Config
from cryptography.hazmat.primitives import serialization

from localcloud.core.access import Principal
from localcloud.core.errors import CloudError
from localcloud.core.policies import parse_trust_policy
from tests.localcloud.control_plane import AlibabaCloudException, ControlPlane, document
from tests.support.oidc_issuer import Issuer, running_issuer

SUBJECT = "repo:org/name:environment:dev"


@dataclass(frozen=True)
class Setup:
    """A provider for an issuer, and a role that trusts one environment of one repository."""

    plane: ControlPlane
    issuer: Issuer
    provider_arn: str
    role_arn: str

    def assume(self, token: str, **changed: Any) -> Any:
        endpoint = self.plane.config().endpoint
        client = StsClient(Config(endpoint=endpoint, protocol="http"))
        request = AssumeRoleWithOIDCRequest(
            **{
                "oidcprovider_arn": self.provider_arn,
                "role_arn": self.role_arn,
                "oidctoken": token,
                "role_session_name": "ci",
                **changed,
            }
        )
        return client.assume_role_with_oidc(request).body

    def refusal(self, token: str, **changed: Any) -> str:
        with pytest.raises(AlibabaCloudException) as raised:
            self.assume(token, **changed)
        assert raised.value.status_code == 401
        return str(raised.value.code).removeprefix("AuthenticationFail.")


def trust(provider_arn: str, issuer: str, subject: str = SUBJECT) -> str:
    statement = {
        "Effect": "Allow",
        "Action": "sts:AssumeRole",
        "Principal": {"Federated": [provider_arn]},
        "Condition": {
            "StringEquals": {"oidc:iss": issuer, "oidc:aud": "customrag", "oidc:sub": [subject]}
        },
    }
    return document(statement)


@pytest.fixture(scope="module")
def issuer() -> Iterator[Issuer]:
    with running_issuer() as running:
        yield running


@pytest.fixture(scope="module")
def setup(control_plane: ControlPlane, issuer: Issuer) -> Setup:
    provider = control_plane.create(
        "ims/oidcProvider:OidcProvider",
        {
            "oidcProviderName": "github",
            "issuerUrl": issuer.url,
            "clientIds": ["customrag"],
            "issuanceLimitTime": 1,
        },
    )
    arn = str(provider.outputs["arn"])
    role = control_plane.create(
        "ram/role:Role",
        {"roleName": "ci-deploy", "assumeRolePolicyDocument": trust(arn, issuer.url)},
    )
    return Setup(control_plane, issuer, arn, str(role.outputs["arn"]))


def test_a_valid_token_assumes_the_role_without_an_access_key(setup: Setup) -> None:
    body = setup.assume(setup.issuer.token())
    assert body.assumed_role_user.arn.endswith("assumed-role/ci-deploy/ci")
    assert body.oidctoken_info.subject == SUBJECT
    session = Principal(
        arn=body.assumed_role_user.arn,
        access_key_id=body.credentials.access_key_id,
        access_key_secret=body.credentials.access_key_secret,
        security_token=body.credentials.security_token,
    )
    assert setup.plane.sts(session).get_caller_identity().body.arn == session.arn


@pytest.mark.parametrize(
    "subject",
    [
        "repo:org/name:environment:prod",
        "repo:org/name:pull_request",
        "repo:org/other:environment:dev",
        "repo:org/name:environment:dev2",
    ],
)
def test_another_subject_is_refused(setup: Setup, subject: str) -> None:
    assert setup.refusal(setup.issuer.token(sub=subject)) == "NoPermission"


def test_another_audience_is_refused(setup: Setup) -> None:
    token = setup.issuer.token(aud="sts.amazonaws.com")
    assert setup.refusal(token) == "OIDCToken.AudienceNotMatch"


def test_an_expired_token_is_refused(setup: Setup) -> None:
    token = setup.issuer.token(exp=setup.issuer.claims()["iat"] - 120)
    assert setup.refusal(token) == "OIDCToken.Expired"


def test_a_token_older_than_the_issuance_limit_is_refused(setup: Setup) -> None:
    token = setup.issuer.token(iat=setup.issuer.claims()["iat"] - 2 * 3600)
    assert setup.refusal(token) == "OIDCToken.Expired"


def test_another_issuers_token_is_refused(setup: Setup) -> None:
    assert setup.refusal(setup.issuer.token(iss="https://elsewhere")) == "OIDCToken.Invalid"


@pytest.mark.parametrize("claim", ["sub", "iat", "exp", "aud"])
def test_a_token_without_a_claim_is_refused(setup: Setup, claim: str) -> None:
    assert setup.refusal(setup.issuer.token(**{claim: None})).startswith("OIDCToken.")


def test_a_token_signed_with_an_unpublished_key_is_refused(setup: Setup) -> None:
    stranger = Issuer(url=setup.issuer.url)
    token = stranger.token(key_id=next(iter(setup.issuer.keys)))
    assert setup.refusal(token) == "OIDCToken.InvalidSignature"
    assert setup.refusal(setup.issuer.token(key_id="x")) == "OIDCToken.InvalidSignature"


def _unsigned(header: dict[str, str], claims: dict[str, Any]) -> str:
    parts = (json.dumps(part).encode() for part in (header, claims))
    return ".".join(urlsafe_b64encode(part).decode().rstrip("=") for part in parts)


def test_an_unsigned_token_is_refused(setup: Setup) -> None:
    header = {"alg": "none", "kid": next(iter(setup.issuer.keys))}
    assert setup.refusal(_unsigned(header, setup.issuer.claims()) + ".") == "OIDCToken.Invalid"


def test_a_token_signed_with_the_public_key_as_secret_is_refused(setup: Setup) -> None:
    key_id, key = next(iter(setup.issuer.keys.items()))
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    text = _unsigned({"alg": "HS256", "kid": key_id}, setup.issuer.claims())
    digest = hmac.new(public, text.encode(), hashlib.sha256).digest()
    token = f"{text}.{urlsafe_b64encode(digest).decode().rstrip('=')}"
    assert setup.refusal(token) == "OIDCToken.Invalid"


def test_text_that_is_not_a_token_is_refused(setup: Setup) -> None:
    assert setup.refusal("no-token") == "OIDCToken.Invalid"
    assert setup.refusal("a.b.c") == "OIDCToken.Invalid"


def test_a_provider_that_is_not_registered_is_refused(setup: Setup) -> None:
    other = setup.provider_arn + "-other"
    assert setup.refusal(setup.issuer.token(), oidcprovider_arn=other) == "NoPermission"


def test_a_token_cannot_assume_a_service_role(setup: Setup) -> None:
    arn = setup.plane.role("oidc-nodes-only", trust={"Service": ["ecs.aliyuncs.com"]})
    assert setup.refusal(setup.issuer.token(), role_arn=arn) == "NoPermission"


def test_an_issuer_that_does_not_answer_is_named_in_the_error(setup: Setup) -> None:
    provider = setup.plane.create(
        "ims/oidcProvider:OidcProvider",
        {"oidcProviderName": "gone", "issuerUrl": "http://127.0.0.1:1", "clientIds": ["customrag"]},
    )
    token = setup.issuer.token()
    refusal = setup.refusal(token, oidcprovider_arn=provider.outputs["arn"])
    assert refusal == "OIDCToken.HttpsUrlInvalid"


def test_a_rotated_key_works_at_once_and_the_old_one_does_not(setup: Setup) -> None:
    old = setup.issuer.token()
    setup.issuer.rotate()
    assert setup.assume(setup.issuer.token()).credentials.security_token
    assert setup.refusal(old) == "OIDCToken.InvalidSignature"


def test_every_other_action_needs_a_signature(setup: Setup) -> None:
    reply = requests.post(
        setup.plane.context.platform.endpoints["api"],
        data={"Action": "GetCallerIdentity", "Version": "2015-04-01"},
        timeout=10,
    )
    assert reply.json()["Code"] == "MissingAccessKeyId"


def test_a_session_cannot_exceed_the_roles_maximum_duration(setup: Setup) -> None:
    with pytest.raises(AlibabaCloudException, match="DurationSeconds"):
        setup.assume(setup.issuer.token(), duration_seconds=7200)


def test_a_subject_pattern_matches_only_its_subjects() -> None:
    statement = {
        "Effect": "Allow",
        "Action": "sts:AssumeRole",
        "Principal": {"Federated": ["p"]},
        "Condition": {"StringLike": {"oidc:sub": "repo:org/name:ref:refs/heads/release-?"}},
    }
    (parsed,) = parse_trust_policy(document(statement))
    (condition,) = parsed.conditions
    assert condition.holds({"oidc:sub": ["repo:org/name:ref:refs/heads/release-1"]})
    assert not condition.holds({"oidc:sub": ["repo:org/name:ref:refs/heads/release-10"]})
    assert not condition.holds({})


@pytest.mark.parametrize(
    ("condition", "wrong"),
    [
        ({"IpAddress": {"acs:SourceIp": "10.0.0.0/8"}}, "IpAddress"),
        ({"StringEquals": {"acs:SourceIp": "10.0.0.1"}}, "acs:SourceIp"),
        ({"StringLike": {"oidc:aud": "custom*"}}, "oidc:aud"),
        ({"StringEquals": {"oidc:sub": 5}}, "must be a string or a list of strings"),
        ({"StringEquals": {}}, "must be an object"),
    ],
)
def test_an_unsupported_condition_is_refused(condition: dict[str, Any], wrong: str) -> None:
    statement = {
        "Effect": "Allow",
        "Action": "sts:AssumeRole",
        "Principal": {"Federated": ["p"]},
        "Condition": condition,
    }
    with pytest.raises(CloudError, match=wrong):
        parse_trust_policy(document(statement))
