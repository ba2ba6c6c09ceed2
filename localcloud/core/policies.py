"""RAM policy and trust policy documents: parsing, validation, evaluation. Pure.

Owns the policy language. It does not store policies or know who has which (``access`` does).
Language: https://www.alibabacloud.com/help/en/ram/policy-structure-and-syntax (read 2026-11).
``NotAction`` and ``NotResource`` are refused, and so is ``Condition``, except on the claims of an
OIDC token in a trust policy. To ignore a condition would allow what the cloud denies, or deny what
it allows. OIDC conditions: https://www.alibabacloud.com/help/en/ram/user-guide/
create-a-ram-role-for-a-trusted-idp (read 2026-11-21).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Any

from localcloud.core.errors import CloudError, not_supported

_STATEMENT_KEYS = frozenset({"Effect", "Action", "Resource", "Principal", "Condition"})
_PRINCIPAL_KINDS = ("Service", "RAM", "Federated")
_MAX_DOCUMENT_CHARACTERS = 6144
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
        CloudError: ``MalformedPolicyDocument`` with what is wrong and where.
    """
    statements = []
    for path, entry in _statements(text):
        if "Principal" in entry:
            raise _malformed(f"{path}.Principal is allowed in trust and resource policies only")
        statements.append(
            Statement(
                effect=_effect(entry, path),
                actions=_texts(entry, "Action", path),
                resources=_texts(entry, "Resource", path),
            )
        )
    return tuple(statements)


@lru_cache(maxsize=512)
def parse_trust_policy(text: str) -> tuple[Statement, ...]:
    """Parse a role's trust policy, which says who may assume the role, into its statements.

    Raises:
        CloudError: ``MalformedPolicyDocument`` with what is wrong and where.
    """
    statements = []
    for path, entry in _statements(text, conditions=True):
        if "Resource" in entry:
            raise _malformed(f"{path}.Resource is not part of a trust policy")
        actions = _texts(entry, "Action", path)
        if any(action.lower() != "sts:assumerole" for action in actions):
            raise _malformed(
                f"{path}.Action is {list(actions)}; a trust policy allows only sts:AssumeRole"
            )
        statements.append(
            Statement(
                effect=_effect(entry, path),
                actions=actions,
                resources=("*",),
                principals=_principals(entry, path),
                conditions=_conditions(entry, path),
            )
        )
    return tuple(statements)


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


def _statements(text: str, *, conditions: bool = False) -> list[tuple[str, dict[str, Any]]]:
    if len(text) > _MAX_DOCUMENT_CHARACTERS:
        raise CloudError(
            "InvalidParameter.PolicyDocument.Length",
            f"The policy document has {len(text)} characters; at most "
            f"{_MAX_DOCUMENT_CHARACTERS} are allowed.",
        )
    try:
        document = json.loads(text)
    except ValueError as error:
        raise _malformed(f"it is not valid JSON ({error})") from error
    if not isinstance(document, dict):
        raise _malformed("it must be a JSON object with Version and Statement")
    unknown = sorted(document.keys() - {"Version", "Statement"})
    if unknown:
        raise _malformed(f"it has unknown elements {unknown}; it may have Version and Statement")
    if document.get("Version") != "1":
        raise _malformed(f'Version is {document.get("Version")!r}; it must be "1"')
    entries = document.get("Statement")
    if isinstance(entries, dict):
        entries = [entries]
    if not isinstance(entries, list) or not entries:
        raise _malformed("Statement must be a list of at least one statement")
    checked = []
    for index, entry in enumerate(entries):
        path = f"Statement[{index}]"
        if not isinstance(entry, dict):
            raise _malformed(f"{path} must be an object")
        narrow = {"NotAction", "NotResource"} | (set() if conditions else {"Condition"})
        refused = sorted(entry.keys() & narrow)
        if refused:
            raise not_supported(
                f"{path}.{refused[0]}", f"use only {', '.join(sorted(_STATEMENT_KEYS - narrow))}"
            )
        unknown = sorted(entry.keys() - _STATEMENT_KEYS)
        if unknown:
            raise _malformed(
                f"{path} has unknown elements {unknown}; it may have {sorted(_STATEMENT_KEYS)}"
            )
        checked.append((path, entry))
    return checked


def _effect(entry: dict[str, Any], path: str) -> str:
    effect = entry.get("Effect")
    if effect not in ("Allow", "Deny"):
        raise _malformed(f"{path}.Effect is {effect!r}; it must be Allow or Deny")
    return str(effect)


def _texts(entry: dict[str, Any], key: str, path: str) -> tuple[str, ...]:
    value = entry.get(key)
    values = [value] if isinstance(value, str) else value
    if not isinstance(values, list) or not values:
        raise _malformed(f"{path}.{key} must be a string or a list of strings, not {value!r}")
    for text in values:
        if not isinstance(text, str) or not text:
            raise _malformed(f"{path}.{key} contains {text!r}; every entry must be a string")
        if key == "Action" and text != "*" and ":" not in text:
            raise _malformed(f"{path}.Action {text!r} must be <service>:<operation> or *")
        if key == "Resource" and text != "*" and not text.startswith("acs:"):
            raise _malformed(
                f"{path}.Resource {text!r} must be acs:<service>:<region>:<account>:<resource> or *"
            )
    return tuple(values)


def _principals(entry: dict[str, Any], path: str) -> tuple[tuple[str, str], ...]:
    principal = entry.get("Principal")
    if not isinstance(principal, dict) or not principal:
        raise _malformed(f"{path}.Principal must be an object with one of {_PRINCIPAL_KINDS}")
    found: list[tuple[str, str]] = []
    for kind, names in principal.items():
        if kind not in _PRINCIPAL_KINDS:
            raise _malformed(
                f"{path}.Principal.{kind} is unknown; it must be one of {_PRINCIPAL_KINDS}"
            )
        listed = [names] if isinstance(names, str) else names
        if not isinstance(listed, list) or not all(isinstance(name, str) for name in listed):
            raise _malformed(f"{path}.Principal.{kind} must be a list of strings")
        found.extend((kind, name) for name in listed)
    return tuple(found)


def _conditions(entry: dict[str, Any], path: str) -> tuple[Condition, ...]:
    """Return the conditions of a trust policy's statement."""
    given = entry.get("Condition", {})
    if not isinstance(given, dict):
        raise _malformed(f"{path}.Condition must be an object")
    found = []
    for operator, tests in given.items():
        if operator not in _OPERATORS:
            raise not_supported(f"{path}.Condition.{operator}", f"use {' or '.join(_OPERATORS)}")
        if not isinstance(tests, dict) or not tests:
            raise _malformed(f"{path}.Condition.{operator} must be an object")
        for key, value in tests.items():
            if key not in _OIDC_KEYS:
                raise not_supported(
                    f"{path}.Condition.{operator}.{key}", f"use one of {', '.join(_OIDC_KEYS)}"
                )
            if operator != "StringEquals" and key != "oidc:sub":
                raise _malformed(f"{path}.Condition: {key} allows StringEquals only")
            values = [value] if isinstance(value, str) else value
            if not isinstance(values, list) or not all(isinstance(v, str) for v in values):
                raise _malformed(
                    f"{path}.Condition.{operator}.{key} must be a string or a list of strings"
                )
            found.append(Condition(operator=operator, key=key, values=tuple(values)))
    return tuple(found)
