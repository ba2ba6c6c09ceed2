"""The language of RAM policy and trust documents. Pure.

Owns the elements, their values and their form. Does not evaluate policies (the local cloud does).
Sources: https://www.alibabacloud.com/help/en/ram/policy-structure-and-syntax (read 2026-11),
https://help.aliyun.com/en/ram/policy-elements and
https://www.alibabacloud.com/help/en/ram/conditional-operator (read 2026-11-29).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

__all__ = [
    "MAX_DOCUMENT_CHARACTERS",
    "PolicyDocumentError",
    "PolicyStatement",
    "read_policy",
    "read_trust_policy",
]

MAX_DOCUMENT_CHARACTERS = 6144
_ELEMENTS = frozenset(
    {"Effect", "Action", "NotAction", "Resource", "NotResource", "Principal", "Condition"}
)
_PRINCIPAL_KINDS = ("Service", "RAM", "Federated")
_OPERATORS = (
    *("StringEquals", "StringNotEquals", "StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase"),
    *("StringLike", "StringNotLike", "NumericEquals", "NumericNotEquals", "NumericLessThan"),
    *("NumericLessThanEquals", "NumericGreaterThan", "NumericGreaterThanEquals", "DateEquals"),
    *("DateNotEquals", "DateLessThan", "DateLessThanEquals", "DateGreaterThan"),
    *("DateGreaterThanEquals", "Bool", "IpAddress", "NotIpAddress", "IpAddressIncludeBorder"),
    "NotIpAddressIncludeBorder",
)


class PolicyDocumentError(ValueError):
    """The document is not valid; the message names the element."""


@dataclass(frozen=True, kw_only=True)
class PolicyStatement:
    """One valid statement.

    Attributes:
        path: Where it is in the document, for example `Statement[0]`.
        effect: `Allow` or `Deny`.
        actions: From Action; empty when the statement has NotAction.
        resources: From Resource; empty in a trust document.
        principals: Pairs of kind and name; only in a trust document.
        conditions: Operator to condition key to values.
        negated: `NotAction` and `NotResource`, as far as the statement has them.
    """

    path: str
    effect: str
    actions: tuple[str, ...]
    resources: tuple[str, ...] = ()
    principals: tuple[tuple[str, str], ...] = ()
    conditions: Mapping[str, Mapping[str, tuple[str, ...]]]
    negated: tuple[str, ...] = ()


def read_policy(text: str) -> tuple[PolicyStatement, ...]:
    """Read a permission policy.

    Raises:
        PolicyDocumentError: It is not valid.
    """
    found = []
    for path, entry in _entries(text):
        if "Principal" in entry:
            raise PolicyDocumentError(
                f"{path}.Principal is allowed in trust and resource policies only"
            )
        resources = () if "NotResource" in entry else _texts(entry, "Resource", path)
        found.append(_statement(path, entry, resources=resources))
    return tuple(found)


def read_trust_policy(text: str) -> tuple[PolicyStatement, ...]:
    """Read a role's trust policy, which says who may assume the role.

    Raises:
        PolicyDocumentError: It is not valid.
    """
    found = []
    for path, entry in _entries(text):
        if "Resource" in entry:
            raise PolicyDocumentError(f"{path}.Resource is not part of a trust policy")
        statement = _statement(path, entry, principals=_principals(entry, path))
        if any(action.lower() != "sts:assumerole" for action in statement.actions):
            raise PolicyDocumentError(
                f"{path}.Action is {list(statement.actions)}; a trust policy allows only "
                "sts:AssumeRole"
            )
        found.append(statement)
    return tuple(found)


def _statement(
    path: str,
    entry: Mapping[str, Any],
    *,
    resources: tuple[str, ...] = (),
    principals: tuple[tuple[str, str], ...] = (),
) -> PolicyStatement:
    effect = entry.get("Effect")
    if effect not in ("Allow", "Deny"):
        raise PolicyDocumentError(f"{path}.Effect is {effect!r}; it must be Allow or Deny")
    return PolicyStatement(
        path=path,
        effect=effect,
        actions=() if "NotAction" in entry else _texts(entry, "Action", path),
        resources=resources,
        principals=principals,
        conditions=_conditions(entry, path),
        negated=tuple(sorted(entry.keys() & {"NotAction", "NotResource"})),
    )


def _entries(text: str) -> list[tuple[str, dict[str, Any]]]:
    try:
        document = json.loads(text)
    except ValueError as error:
        raise PolicyDocumentError(f"it is not valid JSON ({error})") from error
    if not isinstance(document, dict):
        raise PolicyDocumentError("it must be a JSON object with Version and Statement")
    unknown = sorted(document.keys() - {"Version", "Statement"})
    if unknown:
        raise PolicyDocumentError(
            f"it has unknown elements {unknown}; it may have Version and Statement"
        )
    if document.get("Version") != "1":
        raise PolicyDocumentError(f'Version is {document.get("Version")!r}; it must be "1"')
    entries = document.get("Statement")
    if isinstance(entries, dict):
        entries = [entries]
    if not isinstance(entries, list) or not entries:
        raise PolicyDocumentError("Statement must be a list of at least one statement")
    for index, entry in enumerate(entries):
        if not isinstance(entry, dict):
            raise PolicyDocumentError(f"Statement[{index}] must be an object")
        unknown = sorted(entry.keys() - _ELEMENTS)
        if unknown:
            raise PolicyDocumentError(
                f"Statement[{index}] has unknown elements {unknown}; it may have "
                f"{sorted(_ELEMENTS)}"
            )
    return [(f"Statement[{index}]", entry) for index, entry in enumerate(entries)]


def _texts(entry: Mapping[str, Any], key: str, path: str) -> tuple[str, ...]:
    value = entry.get(key)
    values = [value] if isinstance(value, str) else value
    if not isinstance(values, list) or not values:
        raise PolicyDocumentError(
            f"{path}.{key} must be a string or a list of strings, not {value!r}"
        )
    for text in values:
        if not isinstance(text, str) or not text:
            raise PolicyDocumentError(
                f"{path}.{key} contains {text!r}; every entry must be a string"
            )
        if key == "Action" and text != "*" and ":" not in text:
            raise PolicyDocumentError(f"{path}.Action {text!r} must be <service>:<operation> or *")
        if key == "Resource" and text != "*" and not text.startswith("acs:"):
            raise PolicyDocumentError(
                f"{path}.Resource {text!r} must be acs:<service>:<region>:<account>:<resource> or *"
            )
    return tuple(values)


def _principals(entry: Mapping[str, Any], path: str) -> tuple[tuple[str, str], ...]:
    principal = entry.get("Principal")
    if not isinstance(principal, dict) or not principal:
        raise PolicyDocumentError(
            f"{path}.Principal must be an object with one of {_PRINCIPAL_KINDS}"
        )
    found: list[tuple[str, str]] = []
    for kind, names in principal.items():
        if kind not in _PRINCIPAL_KINDS:
            raise PolicyDocumentError(
                f"{path}.Principal.{kind} is unknown; it must be one of {_PRINCIPAL_KINDS}"
            )
        listed = [names] if isinstance(names, str) else names
        if not isinstance(listed, list) or not all(isinstance(name, str) for name in listed):
            raise PolicyDocumentError(f"{path}.Principal.{kind} must be a list of strings")
        found.extend((kind, name) for name in listed)
    return tuple(found)


def _conditions(entry: Mapping[str, Any], path: str) -> Mapping[str, Mapping[str, tuple[str, ...]]]:
    given = entry.get("Condition", {})
    if not isinstance(given, dict):
        raise PolicyDocumentError(f"{path}.Condition must be an object")
    found: dict[str, dict[str, tuple[str, ...]]] = {}
    for operator, tests in given.items():
        if operator not in _OPERATORS:
            raise PolicyDocumentError(
                f"{path}.Condition.{operator} is unknown; it must be one of {', '.join(_OPERATORS)}"
            )
        if not isinstance(tests, dict) or not tests:
            raise PolicyDocumentError(f"{path}.Condition.{operator} must be an object")
        found[operator] = {}
        for key, value in tests.items():
            values = [value] if isinstance(value, str) else value
            if not isinstance(values, list) or not all(isinstance(item, str) for item in values):
                raise PolicyDocumentError(
                    f"{path}.Condition.{operator}.{key} must be a string or a list of strings"
                )
            found[operator][key] = tuple(values)
    return found
