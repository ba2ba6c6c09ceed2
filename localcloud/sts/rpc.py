"""The RPC API of STS 2015-04-01, which ``alibabacloud_sts20150401`` calls.

Source: https://api.aliyun.com/document/Sts/2015-04-01/AssumeRole (read 2026-11) and
https://www.alibabacloud.com/help/en/ram/developer-reference/api-sts-2015-04-01-assumerolewithoidc
(read 2026-11-21).
"""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime
from typing import Any, Final

from localcloud.core.errors import CloudError
from localcloud.core.policies import parse_trust_policy, trusts
from localcloud.core.rpc import RpcApi, RpcCall
from localcloud.ims.resources import OIDC_PROVIDERS
from localcloud.sts.oidc import verified_claims

API: Final = RpcApi("sts", "Sts", "2015-04-01")
_SESSION_NAME = re.compile(r"[A-Za-z0-9.@_-]{2,64}")
_ROLE_ARN = re.compile(r"acs:ram::(\d+):role/(.+)")
_MAX_POLICY_CHARACTERS = 2048
_DEFAULT_DURATION_SECONDS = "3600"


@API.action(
    "AssumeRole",
    *("DurationSeconds", "Policy", "RoleArn", "RoleSessionName"),
    notes="no ExternalId or SourceIdentity; trust policies may have conditions on OIDC claims",
)
def assume_role(call: RpcCall) -> dict[str, Any]:
    """Answer AssumeRole; it needs the role's trust and the caller's permission."""
    arn = call.required("RoleArn")
    role_name = _role_name(call, arn)
    _check_trust(call, role_name, arn)
    return _issued(call, role_name)


@API.action(
    "AssumeRoleWithOIDC",
    *("DurationSeconds", "OIDCProviderArn", "OIDCToken", "Policy", "RoleArn", "RoleSessionName"),
    notes="verifies the token with the issuer's keys; does not compare certificate fingerprints",
)
def assume_role_with_oidc(call: RpcCall) -> dict[str, Any]:
    """Answer AssumeRoleWithOIDC; the token identifies the caller instead of a signature."""
    given, token = call.required("OIDCProviderArn"), call.required("OIDCToken")
    role_name = _role_name(call, call.required("RoleArn"))
    provider = _oidc_provider(call, given)
    claims = verified_claims(token, provider, time.time())
    audiences = claims["aud"] if isinstance(claims["aud"], list) else [claims["aud"]]
    statements = parse_trust_policy(call.context.access.role(role_name)["trust_policy"])
    tested = {
        "oidc:iss": [str(claims["iss"])],
        "oidc:aud": [str(audience) for audience in audiences],
        "oidc:sub": [str(claims["sub"])],
    }
    if not trusts(statements, "Federated", given, tested):
        raise CloudError(
            "AuthenticationFail.NoPermission",
            f"There is no permission: the trust policy of role {role_name} does not allow a "
            f"token of {given} with sub {claims['sub']!r} and aud {audiences} to assume it.",
            401,
        )
    return {
        **_issued(call, role_name),
        "OIDCTokenInfo": {
            "Issuer": claims["iss"],
            "Subject": claims["sub"],
            "ClientIds": ",".join(audiences),
            "IssuanceTime": _iso8601(claims["iat"]),
            "ExpirationTime": _iso8601(claims["exp"]),
            "VerificationInfo": "Success",
        },
    }


def _oidc_provider(call: RpcCall, arn: str) -> dict[str, Any]:
    for record in call.context.store.table(OIDC_PROVIDERS).values():
        if record["arn"] == arn:
            return record
    raise CloudError(
        "AuthenticationFail.NoPermission", f"No such OIDC Provider registered: {arn}.", 401
    )


def _issued(call: RpcCall, role_name: str) -> dict[str, Any]:
    session = call.required("RoleSessionName")
    if _SESSION_NAME.fullmatch(session) is None:
        raise CloudError(
            "InvalidParameter.RoleSessionName",
            f"RoleSessionName is {session!r}; it must match {_SESSION_NAME.pattern}.",
        )
    duration = call.parameters.get("DurationSeconds", _DEFAULT_DURATION_SECONDS)
    if not duration.isdigit():
        raise CloudError(
            "InvalidParameter.DurationSeconds",
            f"DurationSeconds is {duration!r}; it must be a whole number of seconds.",
        )
    policy = call.parameters.get("Policy")
    if policy is not None and len(policy) > _MAX_POLICY_CHARACTERS:
        raise CloudError(
            "InvalidParameter.PolicyGrammar",
            f"Policy has {len(policy)} characters; the limit is {_MAX_POLICY_CHARACTERS}.",
        )
    issued = call.context.access.issue(role_name, session, int(duration), policy=policy)
    role_id = call.context.access.role(role_name)["role_id"]
    return {
        "AssumedRoleUser": {"Arn": issued.arn, "AssumedRoleId": f"{role_id}:{session}"},
        "Credentials": {
            "AccessKeyId": issued.access_key_id,
            "AccessKeySecret": issued.access_key_secret,
            "SecurityToken": issued.security_token,
            "Expiration": issued.expiration,
        },
    }


@API.action("GetCallerIdentity")
def get_caller_identity(call: RpcCall) -> dict[str, Any]:
    """Answer GetCallerIdentity."""
    principal = call.principal
    account_id = call.context.platform.account_id
    identity = {"AccountId": account_id, "Arn": principal.arn}
    if principal.role_name is None:
        return identity | {
            "IdentityType": "Account",
            "PrincipalId": account_id,
            "UserId": account_id,
        }
    role_id = call.context.access.role(principal.role_name)["role_id"]
    session = principal.arn.rsplit("/", 1)[-1]
    return identity | {
        "IdentityType": "AssumedRoleUser",
        "PrincipalId": f"{role_id}:{session}",
        "RoleId": role_id,
    }


def _role_name(call: RpcCall, arn: str) -> str:
    match = _ROLE_ARN.fullmatch(arn)
    if match is None or match[1] != call.context.platform.account_id:
        raise CloudError(
            "InvalidParameter.RoleArn",
            f"RoleArn is {arn!r}; use acs:ram::{call.context.platform.account_id}:role/NAME.",
        )
    # A role's ARN is in lower case, while its name keeps its case.
    for name, role in call.context.access.roles():
        if role["arn"] == arn.lower():
            return name
    raise CloudError("EntityNotExist.Role", f"The role not exists: {match[2]}.", 404)


def _check_trust(call: RpcCall, role_name: str, arn: str) -> None:
    access, principal = call.context.access, call.principal
    statements = parse_trust_policy(access.role(role_name)["trust_policy"])
    who = principal.arn
    if principal.role_name is not None:
        who = str(access.role(principal.role_name)["arn"])
    account = f"acs:ram::{call.context.platform.account_id}:root"
    trusted = trusts(statements, "RAM", who) or trusts(statements, "RAM", account)
    if not trusted or not access.allows(principal, "sts:AssumeRole", arn):
        raise CloudError(
            "NoPermission",
            f"{principal.arn} may not assume {arn}: the role's trust policy must name it in "
            "Principal.RAM, and a role needs a policy that allows sts:AssumeRole.",
            403,
        )


def _iso8601(timestamp: float) -> str:
    return datetime.fromtimestamp(timestamp, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
