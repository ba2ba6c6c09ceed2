"""Evaluation of RAM policies and trust policies. Pure.

Does not own the language of the documents (``provider_facts.policies``), or who has which policy
(``access``). ``NotAction`` and ``NotResource`` are refused, and so is ``Condition``, except on the
claims of an OIDC token in a trust policy. To ignore a condition would allow what the cloud denies,
or deny what it allows. OIDC conditions: https://www.alibabacloud.com/help/en/ram/user-guide/
create-a-ram-role-for-a-trusted-idp (read 2026-11-21).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from localcloud.core.errors import CloudError, not_supported
from provider_facts.policies import (
    MAX_DOCUMENT_CHARACTERS,
    PolicyDocumentError,
    PolicyStatement,
    read_policy,
    read_trust_policy,
)

_OIDC_KEYS = ("oidc:iss", "oidc:aud", "oidc:sub")
_OPERATORS = ("StringEquals", "StringLike")


class Decision(StrEnum):
    """The result of evaluating policies for one action on one resource."""

    ALLOW = "allow"
    DENY = "deny"
    NONE = "none"


@dataclass(frozen=True, kw_only=True)
class Condition:
    """One test of a claim: any of its values must match any value in the caller's token."""

    operator: str
    key: str
    values: tuple[str, ...]

    def holds(self, claims: Mapping[str, Sequence[str]]) -> bool:
        """Return whether the claims meet the condition; a missing claim does not."""
        return any(
            _matches(value, claim) if self.operator == "StringLike" else value == claim
            for value in self.values
            for claim in claims.get(self.key, ())
        )


@dataclass(frozen=True, kw_only=True)
class Statement:
    """One statement of a policy; only trust policies have principals and conditions."""

    effect: str
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    principals: tuple[tuple[str, str], ...] = ()
    conditions: tuple[Condition, ...] = ()

    def covers(self, action: str, resource: str) -> bool:
        """Return whether the statement applies to this action on this resource."""
        return any(_matches(pattern.lower(), action.lower()) for pattern in self.actions) and any(
            _matches(pattern, resource) for pattern in self.resources
        )


@lru_cache(maxsize=4096)
def _pattern(pattern: str) -> re.Pattern[str]:
    pieces = (
        ".*" if character == "*" else "." if character == "?" else re.escape(character)
        for character in pattern
    )
    return re.compile("".join(pieces), re.DOTALL)


def _matches(pattern: str, text: str) -> bool:
    return _pattern(pattern).fullmatch(text) is not None


def evaluate(statements: Iterable[Statement], action: str, resource: str) -> Decision:
    """Evaluate the statements together; an explicit Deny wins over any Allow.

    Args:
        statements: The statements of every policy that applies.
        action: Such as ``oss:GetObject``; not case-sensitive.
        resource: Such as ``acs:oss:cn-hangzhou:1234567890123456:bucket/key``.
    """
    decision = Decision.NONE
    for statement in statements:
        if statement.covers(action, resource):
            if statement.effect == "Deny":
                return Decision.DENY
            decision = Decision.ALLOW
    return decision


@lru_cache(maxsize=512)
def parse_policy(text: str) -> tuple[Statement, ...]:
    """Parse a permission policy into its statements.

    Raises:
        CloudError: ``MalformedPolicyDocument`` with what is wrong and where, or an element that is
            not evaluated here.
    """
    statements = []
    for found in _read(text, read_policy):
        if found.conditions:
            raise _not_evaluated(f"{found.path}.Condition")
        statements.append(
            Statement(effect=found.effect, actions=found.actions, resources=found.resources)
        )
    return tuple(statements)


@lru_cache(maxsize=512)
def parse_trust_policy(text: str) -> tuple[Statement, ...]:
    """Parse a role's trust policy, which says who may assume the role, into its statements.

    Raises:
        CloudError: ``MalformedPolicyDocument`` with what is wrong and where, or an element that is
            not evaluated here.
    """
    return tuple(
        Statement(
            effect=found.effect,
            actions=found.actions,
            resources=("*",),
            principals=found.principals,
            conditions=_conditions(found),
        )
        for found in _read(text, read_trust_policy)
    )


def trusts(
    statements: Iterable[Statement],
    kind: str,
    name: str,
    claims: Mapping[str, Sequence[str]] | None = None,
) -> bool:
    """Return whether a trust policy lets a principal assume the role; a Deny wins.

    Args:
        statements: The statements of the trust policy.
        kind: ``Service``, ``RAM`` or ``Federated``.
        name: A service such as ``ecs.aliyuncs.com``, or an ARN such as ``acs:ram::<account>:root``.
        claims: The claims of the caller's token, by condition key. By default there is no token,
            and a statement with a condition does not apply.
    """
    allowed = False
    for statement in statements:
        named = any(
            entry_kind == kind and _matches(entry, name)
            for entry_kind, entry in statement.principals
        ) and all(condition.holds(claims or {}) for condition in statement.conditions)
        if named and statement.effect == "Deny":
            return False
        allowed = allowed or named
    return allowed


def _malformed(message: str) -> CloudError:
    return CloudError("MalformedPolicyDocument", f"The policy document is malformed: {message}.")


def _not_evaluated(path: str) -> CloudError:
    return not_supported(path, "use only Action, Effect, Principal and Resource")


def _read(
    text: str, read: Callable[[str], tuple[PolicyStatement, ...]]
) -> tuple[PolicyStatement, ...]:
    if len(text) > MAX_DOCUMENT_CHARACTERS:
        raise CloudError(
            "InvalidParameter.PolicyDocument.Length",
            f"The policy document has {len(text)} characters; at most "
            f"{MAX_DOCUMENT_CHARACTERS} are allowed.",
        )
    try:
        statements = read(text)
    except PolicyDocumentError as error:
        raise _malformed(str(error)) from error
    for statement in statements:
        if statement.negated:
            raise _not_evaluated(f"{statement.path}.{statement.negated[0]}")
    return statements


def _conditions(statement: PolicyStatement) -> tuple[Condition, ...]:
    """Return the conditions of a trust policy's statement."""
    found = []
    for operator, tests in statement.conditions.items():
        path = f"{statement.path}.Condition.{operator}"
        if operator not in _OPERATORS:
            raise not_supported(path, f"use {' or '.join(_OPERATORS)}")
        for key, values in tests.items():
            if key not in _OIDC_KEYS:
                raise not_supported(f"{path}.{key}", f"use one of {', '.join(_OIDC_KEYS)}")
            if operator != "StringEquals" and key != "oidc:sub":
                raise _malformed(f"{statement.path}.Condition: {key} allows StringEquals only")
            found.append(Condition(operator=operator, key=key, values=values))
    return tuple(found)
