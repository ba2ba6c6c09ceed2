"""Example values of a stack's file that were not replaced."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator

from guardrails.preflight.cloud import Cloud
from guardrails.preflight.result import Check, Finding, Needs, failed, named, passed, warned
from guardrails.preflight.subject import Subject
from stack_config.config import NAMESPACE, StackConfig
from stack_config.kinds import Environment

__all__ = ["CHECKS", "placeholder"]

# Reserved names, which have no owner: RFC 2606, 2 and 3; RFC 6761, 6.
_RESERVED_TOP = frozenset({"example", "invalid", "test"})
_RESERVED = re.compile(r"(?:^|\.)example\.(?:com|net|org)$")
_HOST = re.compile(r"[a-z0-9-]+(?:\.[a-z0-9-]+)+", re.IGNORECASE)
# Networks of documentation: RFC 5737, RFC 3849.
_NETWORKS = tuple(
    ipaddress.ip_network(block)
    for block in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32")
)
# Examples of this project's documentation.
_OF_DOCUMENTS = frozenset({"1234567890123456", "1234567-cn-hangzhou"})
_IN_BRACKETS = re.compile(r"<[^<>]*>|…")
# Free text, in which any value is valid.
_TEXTS = frozenset({"smokeQuestion", "corpusDir"})


def placeholder(value: str) -> str:
    """Return why a config value is an example; empty if it may be real."""
    if value in _OF_DOCUMENTS or _IN_BRACKETS.search(value):
        return "is an example from the documentation"
    if re.fullmatch(r"0{8,}", value):
        return "is not an id: it has only zeros"
    for host in _HOST.findall(value):
        lower = host.lower()
        if _RESERVED.search(lower) or lower.rpartition(".")[2] in _RESERVED_TOP:
            where = "is" if host == value else f"is at {host},"
            return f"{where} a name reserved for examples, which does not exist"
    try:
        network = ipaddress.ip_network(value, strict=False)
    except ValueError:
        return ""
    for block in _NETWORKS:
        if network.version == block.version and network.overlaps(block) and network.prefixlen:
            return "is a network reserved for documentation, which has no clients"
    return ""


def _placeholders(subject: Subject, cloud: Cloud) -> Iterator[Finding]:
    well = True
    for name, path, value in _values(subject.config):
        why = placeholder(value)
        if name == "accountId" and not subject.account_id:
            continue  # Another line reports that it is not set.
        if why:
            well = False
            key = f"{NAMESPACE}:{name}"
            words = f"--path '{key}{path}'" if path else key
            do = f"pulumi config set --stack {subject.stack} {words} <yours>"
            yield named(f"{key}{path}", failed(f"{value} {why}", do))
    config = subject.config
    if config.environment is Environment.PROD and not config.observability.alarm_contact_emails:
        well = False
        key = f"{NAMESPACE}:alarmContactEmails"
        do = (
            "add an address of your on-call team: pulumi config set --stack "
            f"{subject.stack} --path '{key}[0]' <address>"
        )
        yield named(key, warned("is empty, so that no one receives the alarms", do))
    if well:
        yield passed("no example values are left")


def _values(config: StackConfig) -> Iterator[tuple[str, str, str]]:
    """Yield key, index within a list, and text of every value that is a text."""
    dumped = config.model_dump(by_alias=True)
    for name, found in dumped.items():
        for key, value in found.items() if isinstance(found, dict) else [(name, found)]:
            if key in _TEXTS:
                continue
            if isinstance(value, str):
                yield key, "", value
            elif isinstance(value, tuple):
                for index, item in enumerate(value):
                    yield key, f"[{index}]", str(item)


CHECKS: tuple[Check, ...] = (
    Check(
        name="placeholder",
        needs=Needs.NOTHING,
        run=_placeholders,
        # A local cloud sends no mail, and has its own names.
        concerns=lambda subject: not subject.is_local,
    ),
)
