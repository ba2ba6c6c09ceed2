"""Rules: roles have narrow permissions and narrow trust, and there are no static keys.

Owns RAM documents and identities. Facts: policy elements,
https://www.alibabacloud.com/help/en/ram/user-guide/policy-elements; trust policies of OIDC roles,
https://www.alibabacloud.com/help/en/ram/user-guide/overview-of-oidc-based-sso (read 2026-11-21).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from guardrails.policy.model import UNKNOWN, Resource, Setting, listed, resource_rule, statements_of

__all__ = ["RULES"]

_POLICY = "alicloud:ram/policy:Policy"
_ROLE = "alicloud:ram/role:Role"
_STATIC = {
    "alicloud:ram/accessKey:AccessKey": "An access key never expires",
    "alicloud:ram/loginProfile:LoginProfile": "A login profile is a console password",
    "alicloud:ram/user:User": "A RAM user needs an access key or a password",
}
# Services whose actions take a resource, and those of their actions that cannot.
_NAMED = ("oss", "kms", "ram", "sts")
_UNNAMED = frozenset({"oss:ListBuckets", "kms:GetKmsInstance", "sts:GetCallerIdentity"})
_OIDC_KEYS = ("oidc:iss", "oidc:aud", "oidc:sub")


def _allowed(resource: Resource, *keys: str) -> Iterator[Mapping[str, Any]]:
    """Yield the allowing statements of every policy document of a resource.

    Raises:
        ValueError: A document is not valid.
    """
    for key in keys:
        for statement in statements_of(resource.inputs.get(key)):
            if str(statement.get("Effect")).lower() != "deny":
                yield statement
    # An older form of the resource, in lower case and without JSON.
    for statement in listed(resource.inputs.get("statements")):
        if isinstance(statement, Mapping) and str(statement.get("effect")).lower() != "deny":
            yield {
                "Action": listed(statement.get("actions")),
                "Resource": listed(statement.get("resources")),
            }


@resource_rule("no-wildcard-action", "No policy grants actions with a wildcard.", _POLICY)
def _no_wildcards(resource: Resource, _: Setting) -> Iterator[str]:
    try:
        statements = list(_allowed(resource, "policyDocument", "document"))
    except ValueError as error:
        yield f"policyDocument is not valid: {error}."
        return
    for statement in statements:
        if "NotAction" in statement or "NotResource" in statement:
            yield "A statement uses NotAction or NotResource. List what it allows instead."
        for action in listed(statement.get("Action")):
            if "*" in str(action) or "?" in str(action):
                yield (
                    f"Action {action!r} contains a wildcard. List each action as service:Verb, "
                    "such as oss:GetObject, in components/permissions.py."
                )


def _is_everything(resource: Any) -> bool:
    """Return whether a pattern, such as `*` or `acs:oss:*:*:*`, covers a whole service."""
    parts = re.split(r"[:/]", str(resource))
    return set(parts[2:] if parts[0] == "acs" else parts) <= {"*", ""}


@resource_rule("no-wildcard-resource", "A policy names its buckets, keys and roles.", _POLICY)
def _resources_are_named(resource: Resource, _: Setting) -> Iterator[str]:
    try:
        statements = list(_allowed(resource, "policyDocument", "document"))
    except ValueError:  # no-wildcard-action reports it
        return
    for statement in statements:
        if not any(map(_is_everything, listed(statement.get("Resource")))):
            continue
        actions = [str(action) for action in listed(statement.get("Action"))]
        wide = [each for each in actions if each.startswith(_NAMED) and each not in _UNNAMED]
        if wide:
            yield (
                f"{', '.join(wide)} is allowed on every resource. Name the buckets, keys or "
                "roles, at least by a prefix."
            )


@resource_rule(
    "no-system-policy", "No role has a system policy, because system policies contain wildcards."
)
def _no_system_policy(resource: Resource, _: Setting) -> Iterator[str]:
    kind = resource.inputs.get("policyType")
    if resource.type.endswith("PolicyAttachment") and kind not in (None, UNKNOWN, "Custom"):
        yield (
            f"{resource.inputs.get('policyName')!r} is a system policy, whose wildcards change "
            "without notice. Attach a policy that lists its actions."
        )


@resource_rule(
    "trust-is-narrow", "A role names who may assume it; an OIDC role also names the tokens.", _ROLE
)
def _trust_is_narrow(resource: Resource, _: Setting) -> Iterator[str]:
    try:
        statements = list(_allowed(resource, "assumeRolePolicyDocument", "document"))
    except ValueError as error:
        yield f"assumeRolePolicyDocument is not valid: {error}."
        return
    for statement in statements:
        principal = statement.get("Principal")
        if "NotPrincipal" in statement or not isinstance(principal, Mapping):
            yield f"Principal {principal!r} may assume the role. Name services, roles or providers."
            continue
        yield from _wide_names(principal.items())
        if "Federated" in principal:
            yield from _oidc_problems(statement.get("Condition") or {})
    yield from _wide_names([("RAM", resource.inputs.get("ramUsers"))])


def _wide_names(principals: Iterable[tuple[str, Any]]) -> Iterator[str]:
    for kind, names in principals:
        for name in listed(names):
            if "*" in str(name):
                yield (
                    f"{kind} {name!r} may assume the role. Name accounts, roles or services "
                    f"instead."
                )


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
                f"The federated role has no condition on {key}, so any token of the provider can "
                "assume it. Add a StringEquals condition."
            )
        for value in values:
            # `repo:org/name:*` would trust every branch and every pull request.
            if value.endswith("*") or value.startswith("*"):
                yield f"{key} may be {value!r}. End it with the trusted environment or branch."


@resource_rule("no-static-keys", "People, machines and the provider have no access keys.")
def _no_static_keys(resource: Resource, setting: Setting) -> Iterator[str]:
    if resource.type in _STATIC:
        yield (
            f"{_STATIC[resource.type]}. Give people and machines roles instead (STS, OIDC, "
            "instance roles)."
        )
    if resource.type == "pulumi:providers:alicloud" and not _is_local(resource, setting):
        for key in ("accessKey", "secretKey"):
            if resource.inputs.get(key):
                yield f"The provider has {key} set. Remove it, and sign in with a role."


def _is_local(provider: Resource, setting: Setting) -> bool:
    """Return whether a provider is a local cloud's, whose key works for that local cloud only."""
    return not setting.is_cloud or str(provider.inputs.get("version")).endswith("-local")


RULES = (
    _no_wildcards,
    _resources_are_named,
    _no_system_policy,
    _trust_is_narrow,
    _no_static_keys,
)
