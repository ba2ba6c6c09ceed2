"""Bucket policies: parsing, validation, evaluation. Pure.

Owns the policy language of buckets. The server refuses to store a condition that it cannot
evaluate, because a statement without its condition would allow what the cloud denies.
Language: https://help.aliyun.com/en/oss/user-guide/oss-bucket-policy (read 2026-11).

Traffic here never leaves the machine, so ``acs:SecureTransport`` counts as true.
"""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from localcloud.core.access import Principal
from localcloud.core.policies import Decision
from localcloud.oss.errors import OssError, not_implemented

_KEYS = {"Effect", "Action", "Principal", "NotPrincipal", "Resource", "Condition"}
_CONDITIONS = {
    "IpAddress": ("acs:SourceIp",),
    "NotIpAddress": ("acs:SourceIp",),
    "Bool": ("acs:SecureTransport",),
    "StringEquals": ("oss:Prefix", "oss:Delimiter"),
    "StringLike": ("oss:Prefix", "oss:Delimiter"),
    "StringNotEquals": ("oss:Prefix", "oss:Delimiter"),
    "StringNotLike": ("oss:Prefix", "oss:Delimiter"),
}


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A request that a policy decides about.

    Attributes:
        principal: The caller; None if anonymous.
        action: For example ``oss:GetObject``.
        resource: For example ``acs:oss:cn-hangzhou:1234567890123456:bucket/key``.
        source_ip: The client's address.
        parameters: ``prefix`` and ``delimiter`` of a listing.
    """

    principal: Principal | None
    action: str
    resource: str
    source_ip: str
    parameters: Mapping[str, str]


class BucketPolicy:
    """One bucket's policy.

    Args:
        text: The JSON document.

    Raises:
        OssError: ``InvalidPolicyDocument``; ``NotImplemented`` for a condition this server cannot
            evaluate.
    """

    def __init__(self, text: str) -> None:
        try:
            document = json.loads(text)
        except ValueError as error:
            raise _invalid(f"it is not valid JSON ({error})") from error
        if not isinstance(document, dict) or document.get("Version") != "1":
            raise _invalid('it must be an object with "Version": "1"')
        statements = document.get("Statement")
        if not isinstance(statements, list) or not statements:
            raise _invalid("Statement must be a list of at least one statement")
        for index, statement in enumerate(statements):
            _check(f"Statement[{index}]", statement)
        self._statements: list[dict[str, Any]] = statements

    def decide(self, asked: Asked) -> Decision:
        """Return the policy's decision; an explicit Deny wins."""
        decision = Decision.NONE
        for statement in self._statements:
            if not _applies(statement, asked):
                continue
            if statement["Effect"] == "Deny":
                return Decision.DENY
            decision = Decision.ALLOW
        return decision

    @property
    def is_public(self) -> bool:
        """Whether a statement allows something to everyone, whatever its conditions."""
        return any(
            statement["Effect"] == "Allow" and "*" in _list(statement.get("Principal", []))
            for statement in self._statements
        )


def _invalid(message: str) -> OssError:
    return OssError("InvalidPolicyDocument", f"The policy document is invalid: {message}.")


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _check(path: str, statement: Any) -> None:
    if not isinstance(statement, dict):
        raise _invalid(f"{path} must be an object")
    unknown = sorted(statement.keys() - _KEYS)
    if unknown:
        raise _invalid(f"{path} has unknown elements {unknown}")
    if "NotPrincipal" in statement:
        raise not_implemented(f"{path}.NotPrincipal of a bucket policy")
    if statement.get("Effect") not in ("Allow", "Deny"):
        raise _invalid(f"{path}.Effect must be Allow or Deny")
    for name in ("Action", "Principal", "Resource"):
        values = _list(statement.get(name, []))
        if not values or not all(isinstance(value, str) and value for value in values):
            raise _invalid(f"{path}.{name} must be a list of strings")
    for resource in _list(statement["Resource"]):
        if not resource.startswith("acs:oss:"):
            raise _invalid(f"{path}.Resource {resource!r} must start with acs:oss:")
    conditions = statement.get("Condition", {})
    if not isinstance(conditions, dict):
        raise _invalid(f"{path}.Condition must be an object")
    for operator, terms in conditions.items():
        if not isinstance(terms, dict) or not terms:
            raise _invalid(f"{path}.Condition.{operator} must be an object")
        for key, values in terms.items():
            if key not in _CONDITIONS.get(operator, ()):
                raise not_implemented(f"{path}.Condition.{operator}.{key} of a bucket policy")
            if operator in ("IpAddress", "NotIpAddress"):
                _check_networks(path, _list(values))


def _check_networks(path: str, values: Sequence[Any]) -> None:
    for value in values:
        try:
            ipaddress.ip_network(value, strict=False)
        except ValueError as error:
            raise _invalid(f"{path}.Condition: {error}") from error


def _matches(pattern: str, text: str) -> bool:
    pieces = (".*" if c == "*" else "." if c == "?" else re.escape(c) for c in pattern)
    return re.fullmatch("".join(pieces), text, re.DOTALL) is not None


def _applies(statement: Mapping[str, Any], asked: Asked) -> bool:
    return (
        any(_is_principal(pattern, asked.principal) for pattern in _list(statement["Principal"]))
        and any(
            _matches(pattern.lower(), asked.action.lower())
            for pattern in _list(statement["Action"])
        )
        and any(_matches(pattern, asked.resource) for pattern in _list(statement["Resource"]))
        and all(
            _holds(operator, key, _list(values), asked)
            for operator, terms in statement.get("Condition", {}).items()
            for key, values in terms.items()
        )
    )


def _is_principal(pattern: str, principal: Principal | None) -> bool:
    if pattern == "*":
        return True
    # Bucket policies write a role's session as arn:sts::<account>:assumed-role/<role>/<session>.
    wanted = re.sub(r"^(arn:sts|acs:sts|acs:ram)::", "", pattern)
    return principal is not None and _matches(wanted, principal.arn.removeprefix("acs:ram::"))


def _holds(operator: str, key: str, values: Sequence[Any], asked: Asked) -> bool:
    if key == "acs:SourceIp":
        address = ipaddress.ip_address(asked.source_ip)
        inside = any(address in ipaddress.ip_network(value, strict=False) for value in values)
        return inside == (operator == "IpAddress")
    if key == "acs:SecureTransport":
        return any(str(value).lower() == "true" for value in values)
    given = asked.parameters.get(key.removeprefix("oss:").lower(), "")
    if operator.endswith("Like"):
        found = any(_matches(str(value), given) for value in values)
    else:
        found = given in [str(value) for value in values]
    return found != operator.startswith("StringNot")
