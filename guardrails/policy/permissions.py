"""Rules: roles may do what they need, are assumed by whom they are for, and nobody has static keys.

Owns RAM documents and identities. Facts: policy elements,
https://www.alibabacloud.com/help/en/ram/user-guide/policy-elements; trust policies of OIDC roles,
https://www.alibabacloud.com/help/en/ram/user-guide/overview-of-oidc-based-sso (read 2026-11-21).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from guardrails.policy.model import UNKNOWN, Resource, Rule, Setting, listed, statements_of

__all__ = ["RULES"]

_POLICY = "alicloud:ram/policy:Policy"
_ROLE = "alicloud:ram/role:Role"
_STATIC = {
    "alicloud:ram/accessKey:AccessKey": "an access key that never ends",
    "alicloud:ram/loginProfile:LoginProfile": "a password of the console",
    "alicloud:ram/user:User": "a RAM user, who would need an access key",
}
# Services whose actions name what they act on, and those of theirs that cannot.
_NAMED = ("oss", "kms", "ram", "sts")
_UNNAMED = frozenset({"oss:ListBuckets", "kms:GetKmsInstance", "sts:GetCallerIdentity"})
_OIDC_KEYS = ("oidc:iss", "oidc:aud", "oidc:sub")


def _allowed(resource: Resource, *keys: str) -> Iterator[Mapping[str, Any]]:
    """Statements that allow something, of every document that the resource has.

    Raises:
        ValueError: One cannot be read.
    """
    for key in keys:
        for statement in statements_of(resource.inputs.get(key)):
            if str(statement.get("Effect")).lower() != "deny":
                yield statement
    # An older form, in lower case and without JSON.
    for statement in listed(resource.inputs.get("statements")):
        if isinstance(statement, Mapping) and str(statement.get("effect")).lower() != "deny":
            yield {
                "Action": listed(statement.get("actions")),
                "Resource": listed(statement.get("resources")),
            }


def _no_wildcards(resource: Resource, _: Setting) -> Iterator[str]:
    if resource.type != _POLICY:
        return
    try:
        statements = list(_allowed(resource, "policyDocument", "document"))
    except ValueError as error:
        yield f"policyDocument cannot be read: {error}"
        return
    for statement in statements:
        if "NotAction" in statement or "NotResource" in statement:
            yield "a statement allows all but what it names; name what it allows"
        for action in listed(statement.get("Action")):
            if "*" in str(action) or "?" in str(action):
                yield (
                    f"action {action!r} has a wildcard; name each one as service:Verb, e.g. "
                    "oss:GetObject, in components/permissions.py"
                )


def _is_everything(resource: Any) -> bool:
    """Whether a pattern, such as `*` or `acs:oss:*:*:*`, leaves nothing of a service out."""
    parts = re.split(r"[:/]", str(resource))
    return set(parts[2:] if parts[0] == "acs" else parts) <= {"*", ""}


def _resources_are_named(resource: Resource, _: Setting) -> Iterator[str]:
    if resource.type != _POLICY:
        return
    try:
        statements = list(_allowed(resource, "policyDocument", "document"))
    except ValueError:  # no-wildcard-action says so
        return
    for statement in statements:
        if not any(map(_is_everything, listed(statement.get("Resource")))):
            continue
        actions = [str(action) for action in listed(statement.get("Action"))]
        wide = [each for each in actions if each.startswith(_NAMED) and each not in _UNNAMED]
        if wide:
            yield (
                f"{', '.join(wide)} on every resource; name the buckets, keys or roles, by a "
                "prefix of theirs at least"
            )


def _no_system_policy(resource: Resource, _: Setting) -> Iterator[str]:
    kind = resource.inputs.get("policyType")
    if resource.type.endswith("PolicyAttachment") and kind not in (None, UNKNOWN, "Custom"):
        yield (
            f"{resource.inputs.get('policyName')!r} is a policy of the cloud's own, with wildcards "
            "that change without notice; attach one that names its actions"
        )


def _trust_is_narrow(resource: Resource, _: Setting) -> Iterator[str]:
    if resource.type != _ROLE:
        return
    try:
        statements = list(_allowed(resource, "assumeRolePolicyDocument", "document"))
    except ValueError as error:
        yield f"assumeRolePolicyDocument cannot be read: {error}"
        return
    for statement in statements:
        principal = statement.get("Principal")
        if "NotPrincipal" in statement or not isinstance(principal, Mapping):
            yield f"principal {principal!r} may assume the role; name services, roles or providers"
            continue
        yield from _wide_names(principal.items())
        if "Federated" in principal:
            yield from _oidc_problems(statement.get("Condition") or {})
    yield from _wide_names([("RAM", resource.inputs.get("ramUsers"))])


def _wide_names(principals: Iterable[tuple[str, Any]]) -> Iterator[str]:
    for kind, names in principals:
        for name in listed(names):
            if "*" in str(name):
                yield f"{kind} {name!r} may assume the role; name who may"


def _oidc_problems(condition: Mapping[str, Any]) -> Iterator[str]:
    for key in _OIDC_KEYS:
        values = [
            value
            for operator, tests in condition.items()
            if operator in ("StringEquals", "StringLike")
            for value in listed(tests.get(key))
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
        name="no-wildcard-resource",
        description="A policy names the buckets, keys and roles that it is about.",
        on_resource=_resources_are_named,
    ),
    Rule(
        name="no-system-policy",
        description="Nobody is given a policy of the cloud's own, which are made of wildcards.",
        on_resource=_no_system_policy,
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
