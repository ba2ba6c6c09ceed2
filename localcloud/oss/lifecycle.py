"""Lifecycle rules: their XML documents, and their application to objects.

Owns parsing, validating and applying rules. The cloud applies them once a day; the local server
applies them in each sweep.
Rules: https://help.aliyun.com/en/oss/developer-reference/putbucketlifecycle (read 2026-11).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar
from xml.etree.ElementTree import Element

from localcloud.oss.errors import OssError, not_implemented
from localcloud.oss.listing import Page, Query
from localcloud.oss.models import ObjectVersion, Upload
from localcloud.oss.storage import Storage
from localcloud.oss.xml import Value, text

CONFIGURATION = "lifecycle"
_DAY_SECONDS = 86_400
_MAX_RULES = 1000
_PAGE = 1000
_MARKER = "ExpiredObjectDeleteMarker"
_LONE_MARKER = "expired_object_delete_marker"
# The actions of a rule: their elements, their names in the database, the elements of their days.
_ACTIONS = {
    "Expiration": ("expiration", "Days"),
    "AbortMultipartUpload": ("abort", "Days"),
    "NoncurrentVersionExpiration": ("noncurrent_expiration", "NoncurrentDays"),
}

Rule = dict[str, Any]
T = TypeVar("T")


def parse_rules(root: Element) -> list[Rule]:
    """Return the rules of a ``LifecycleConfiguration`` as JSON.

    Raises:
        OssError: ``InvalidArgument``, ``MalformedXML``; ``NotImplemented`` for other actions and
            conditions than those in ``_ACTIONS``.
    """
    rules = [_rule(node, index) for index, node in enumerate(root.findall("Rule"))]
    if not 1 <= len(rules) <= _MAX_RULES:
        raise OssError(
            "MalformedXML", f"There are {len(rules)} rules. There must be 1 to {_MAX_RULES}."
        )
    names = [rule["id"] for rule in rules]
    if len(set(names)) != len(names):
        raise OssError("InvalidArgument", "Rule ID must be unique.")
    return rules


def _rule(node: Element, index: int) -> Rule:
    status = text(node, "Status")
    if status not in ("Enabled", "Disabled"):
        raise OssError("MalformedXML", f"Status is {status!r}. It must be Enabled or Disabled.")
    actions: dict[str, Any] = {}
    for item in node:
        if item.tag in _ACTIONS:
            name, days = _ACTIONS[item.tag]
            actions[name] = _when(item, days)
        elif item.tag not in ("ID", "Prefix", "Status"):
            raise not_implemented(f"{item.tag} of a lifecycle rule")
    rule_id = text(node, "ID") or f"rule-{index + 1}"
    if not actions:
        raise OssError(
            "InvalidArgument", f"Rule {rule_id!r} has no action. Add an expiration or an abort."
        )
    return {
        "id": rule_id,
        "prefix": text(node, "Prefix") or "",
        "enabled": status == "Enabled",
        **actions,
    }


def _when(node: Element, name: str) -> dict[str, Any]:
    """Return when an action is due: after days, or as soon as a delete marker is alone."""
    for item in node:
        if item.tag not in (name, _MARKER):
            raise not_implemented(f"{item.tag} of {node.tag} in a lifecycle rule")
    days = text(node, name)
    if days is not None:
        if not (days.isascii() and days.isdigit()) or int(days) < 1:
            raise OssError("InvalidArgument", f"Days is {days!r}. It must be a positive integer.")
        return {"days": int(days)}
    if node.tag == "Expiration" and (text(node, _MARKER) or "").lower() == "true":
        return {_LONE_MARKER: True}
    raise OssError("MalformedXML", f"{node.tag} must have {name}.")


def rules_document(rules: list[Rule]) -> Mapping[str, Value]:
    """Return the rules as the content of a ``LifecycleConfiguration``."""
    return {"Rule": [_rule_document(rule) for rule in rules]}


def _rule_document(rule: Rule) -> Mapping[str, Value]:
    actions = {
        element: {days: rule[name].get("days"), _MARKER: rule[name].get(_LONE_MARKER)}
        for element, (name, days) in _ACTIONS.items()
        if rule.get(name)
    }
    status = "Enabled" if rule["enabled"] else "Disabled"
    return {"ID": rule["id"], "Prefix": rule["prefix"], "Status": status, **actions}


@dataclass(frozen=True, kw_only=True)
class Swept:
    """Counts of what a sweep changed."""

    expired: int = 0
    aborted_uploads: int = 0


def sweep(storage: Storage) -> Swept:
    """Apply the enabled rules of every bucket at the time of the store's clock."""
    expired = aborted = 0
    now = storage.clock()
    for bucket, rules in storage.buckets.configured(CONFIGURATION):
        for rule in rules:
            if rule["enabled"]:
                query = Query(bucket=bucket, prefix=rule["prefix"], delimiter="", limit=_PAGE)
                aborted += _abort(storage, query, rule, now)
                expired += _expire(storage, query, rule, now)
    return Swept(expired=expired, aborted_uploads=aborted)


def _abort(storage: Storage, query: Query, rule: Rule, now: float) -> int:
    count = 0
    for upload in _pages(lambda key, last: storage.listing.uploads(query, key, last), _upload_id):
        if _is_due(rule, "abort", upload.initiated_at, now):
            storage.uploads.abort(query.bucket, upload.key, upload.upload_id)
            count += 1
    return count


def _expire(storage: Storage, query: Query, rule: Rule, now: float) -> int:
    count = 0
    for version in _pages(
        lambda key, last: storage.listing.versions(query, key, last), _version_id
    ):
        if _is_expired(storage, rule, version, now):
            lone_marker = version.is_latest and version.delete_marker
            storage.objects.expire(version, permanently=lone_marker or not version.is_latest)
            count += 1
    return count


def _upload_id(upload: Upload) -> tuple[str, str]:
    return upload.key, upload.upload_id


def _version_id(version: ObjectVersion) -> tuple[str, str]:
    return version.key, version.version_id


def _pages(
    fetch: Callable[[str, str], Page[T]], marker: Callable[[T], tuple[str, str]]
) -> Iterator[T]:
    page = fetch("", "")
    while True:
        # Fetch the next page before the caller removes the entries that the markers name.
        following = fetch(*marker(page.items[-1])) if page.truncated else None
        yield from page.items
        if following is None:
            return
        page = following


def _is_due(rule: Rule, action: str, since: float, now: float) -> bool:
    days = (rule.get(action) or {}).get("days")
    return days is not None and now - since >= days * _DAY_SECONDS


def _is_expired(storage: Storage, rule: Rule, version: ObjectVersion, now: float) -> bool:
    if not version.is_latest:
        since = version.noncurrent_since or version.modified_at
        return _is_due(rule, "noncurrent_expiration", since, now)
    if version.delete_marker:
        when = rule.get("expiration") or {}
        return bool(when.get(_LONE_MARKER)) and _is_alone(storage, version)
    return _is_due(rule, "expiration", version.modified_at, now)


def _is_alone(storage: Storage, version: ObjectVersion) -> bool:
    query = Query(bucket=version.bucket, prefix=version.key, delimiter="", limit=2)
    page = storage.listing.versions(query, "", "")
    return [item.key for item in page.items].count(version.key) == 1
