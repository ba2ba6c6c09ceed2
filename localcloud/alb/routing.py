"""The routing of requests by the rules and default action of a listener. Pure.

Owns the matching of rules, redirect targets, and access lists. Supports the conditions ``Path`` and
``Host`` (with ``*`` and ``?``) and the actions ``ForwardGroup`` and ``Redirect``; the handlers
refuse the rest.
"""

from __future__ import annotations

import fnmatch
import ipaddress
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

from localcloud.alb.ports import served_port

ACTIONS: Final = ("ForwardGroup", "Redirect")
CONDITIONS: Final = ("Path", "Host")
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}


@dataclass(frozen=True)
class Forward:
    """Forward to one of these server groups, by weight."""

    server_groups: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class Redirect:
    """Send the client to another URL."""

    location: str
    status: int


def route(
    listener: Mapping[str, Any], rules: Iterable[Mapping[str, Any]], url: str
) -> Forward | Redirect:
    """Return the action for a request to ``url`` (absolute, as the client sent it)."""
    parts = urlsplit(url)
    for rule in sorted(rules, key=lambda entry: int(entry["priority"])):
        if all(
            _holds(condition, parts.hostname or "", parts.path)
            for condition in rule["ruleConditions"]
        ):
            return _action(rule["ruleActions"], url)
    return _action(listener["defaultActions"], url)


def _holds(condition: Mapping[str, Any], host: str, path: str) -> bool:
    name, value = ("pathConfig", path) if condition["type"] == "Path" else ("hostConfig", host)
    patterns = (condition.get(name) or {}).get("values") or ()
    return any(_matches(pattern, value) for pattern in patterns)


def _matches(pattern: str, value: str) -> bool:
    escaped = pattern.replace("[", "[[]")
    return re.fullmatch(fnmatch.translate(escaped), value) is not None


def _action(actions: Sequence[Mapping[str, Any]], url: str) -> Forward | Redirect:
    action = actions[-1]
    if action["type"] == "Redirect":
        return _redirect(action["redirectConfig"], url)
    groups = action["forwardGroupConfig"]["serverGroupTuples"]
    return Forward(
        tuple((str(group["serverGroupId"]), int(group.get("weight", 100))) for group in groups)
    )


def _redirect(config: Mapping[str, Any], url: str) -> Redirect:
    parts = urlsplit(url)

    def given(name: str, own: str) -> str:
        value = str(config.get(name) or f"${{{name}}}")
        return value.replace(f"${{{name}}}", own)

    scheme = given("protocol", parts.scheme.upper()).lower()
    own_port = str(parts.port or _DEFAULT_PORTS[parts.scheme])
    port = served_port(int(given("port", own_port)))
    host = given("host", parts.hostname or "")
    netloc = host if port == _DEFAULT_PORTS[scheme] else f"{host}:{port}"
    path, query = given("path", parts.path), given("query", parts.query)
    location = urlunsplit((scheme, netloc, path if path.startswith("/") else f"/{path}", query, ""))
    return Redirect(location, int(config.get("httpCode") or 301))


def allowed(peer: str, acls: Iterable[tuple[str, Sequence[str]]]) -> bool:
    """Return whether a client may use a listener.

    Args:
        peer: The address of the client.
        acls: Kind (``White`` or ``Black``) and CIDR blocks of each access list of the listener.

    Source: https://www.alibabacloud.com/help/doc-detail/200280.html (read 2026-11-21): an empty
    white list lets in every client.
    """
    address = ipaddress.ip_address(peer)
    lists = list(acls)
    listed = any(address in ipaddress.ip_network(block) for _, blocks in lists for block in blocks)
    if any(kind == "White" and blocks for kind, blocks in lists):
        return listed
    return not any(kind == "Black" for kind, _ in lists) or not listed
