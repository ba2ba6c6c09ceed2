"""Rules: roles may do what they need, are assumed by whom they are for, and nobody has static keys.

Owns RAM documents and identities. Facts: policy elements,
https://www.alibabacloud.com/help/en/ram/user-guide/policy-elements; trust policies of OIDC roles,
https://www.alibabacloud.com/help/en/ram/user-guide/overview-of-oidc-based-sso (read 2026-11-21).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from infra.policy.model import Resource, Rule, Setting

__all__ = ["RULES"]

_POLICY = "alicloud:ram/policy:Policy"
_ROLE = "alicloud:ram/role:Role"
_STATIC = {
    "alicloud:ram/accessKey:AccessKey": "an access key that never ends",
    "alicloud:ram/loginProfile:LoginProfile": "a password of the console",
    "alicloud:ram/user:User": "a RAM user, who would need an access key",
}
_OIDC_KEYS = ("oidc:iss", "oidc:aud", "oidc:sub")


def _statements(text: Any) -> list[Mapping[str, Any]]:
    """Statements of a document; none where it is not known yet or no document."""
    if not isinstance(text, str) or not text:
        return []
    document = json.loads(text)
    found = document.get("Statement", [])
    return [found] if isinstance(found, Mapping) else list(found)


def _listed(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value or ())


def _document(resource: Resource, *keys: str) -> Any:
    given = (resource.inputs.get(key) for key in keys)
    return next((document for document in given if document), None)


def _no_wildcards(resource: Resource, _: Setting) -> Iterator[str]:
    if resource.type != _POLICY:
        return
    try:
        statements = _statements(_document(resource, "policyDocument", "document"))
    except ValueError as error:
        yield f"policyDocument is no JSON: {error}"
        return
    for statement in statements:
        if statement.get("Effect") != "Allow":
            continue
        if "NotAction" in statement or "NotResource" in statement:
            yield "a statement allows all but what it names; name what it allows"
        for action in _listed(statement.get("Action")):
            if "*" in action:
                yield (
                    f"action {action!r} has a wildcard; name each one as service:Verb, e.g. "
                    "oss:GetObject, in components/permissions.py"
                )


def _trust_is_narrow(resource: Resource, _: Setting) -> Iterator[str]:
    if resource.type != _ROLE:
        return
    try:
        statements = _statements(_document(resource, "assumeRolePolicyDocument", "document"))
    except ValueError as error:
        yield f"assumeRolePolicyDocument is no JSON: {error}"
        return
    for statement in statements:
        if statement.get("Effect") != "Allow":
            continue
        principal = statement.get("Principal") or {}
        for kind, names in principal.items() if isinstance(principal, Mapping) else ():
            for name in _listed(names):
                if "*" in name:
                    yield f"{kind} {name!r} may assume the role; name who may"
        if isinstance(principal, Mapping) and "Federated" in principal:
            yield from _oidc_problems(statement.get("Condition") or {})


def _oidc_problems(condition: Mapping[str, Any]) -> Iterator[str]:
    for key in _OIDC_KEYS:
        values = [
            value
            for operator, tests in condition.items()
            if operator in ("StringEquals", "StringLike")
            for value in _listed(tests.get(key))
        ]
        if not values:
            yield (
                f"a federated role has no condition on {key}, so that any token of the provider "
                "opens it; demand it by StringEquals"
            )
        for value in values:
            # `repo:org/name:*` would let every branch and every pull request's author in.
            if value.endswith("*") or value.startswith("*"):
                yield f"{key} may be {value!r}; end it with the environment or branch that may"


def _no_static_keys(resource: Resource, setting: Setting) -> Iterator[str]:
    if resource.type in _STATIC:
        yield (
            f"{_STATIC[resource.type]}; give people and machines roles (STS, OIDC, instance roles) "
            "instead"
        )
    if resource.type == "pulumi:providers:alicloud" and not _is_local(resource, setting):
        for key in ("accessKey", "secretKey"):
            if resource.inputs.get(key):
                yield f"the provider is given {key}; leave it out, and sign in by a role"


def _is_local(provider: Resource, setting: Setting) -> bool:
    """Whether it is a local cloud's, whose key opens nothing but that local cloud."""
    return not setting.is_cloud or str(provider.inputs.get("version")).endswith("-local")


RULES = (
    Rule(
        name="no-wildcard-action",
        description="No policy grants an action by a wildcard.",
        on_resource=_no_wildcards,
    ),
    Rule(
        name="trust-is-narrow",
        description="A role names who may assume it, and an OIDC role also which tokens.",
        on_resource=_trust_is_narrow,
    ),
    Rule(
        name="no-static-keys",
        description="Nobody gets an access key: not people, not machines, not the provider.",
        on_resource=_no_static_keys,
    ),
)
