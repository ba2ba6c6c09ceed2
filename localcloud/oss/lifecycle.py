"""Lifecycle rules: their XML documents, and their application to objects.

Owns parsing, validating and applying rules. The cloud applies them once a day; the local server
applies them in each sweep. A transition changes the reported storage class, and moves no bytes.
Rules: https://help.aliyun.com/en/oss/developer-reference/putbucketlifecycle (read 2026-11).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, TypeVar
from xml.etree.ElementTree import Element

from localcloud.oss.errors import OssError, not_implemented
from localcloud.oss.listing import Page, Query
from localcloud.oss.models import STORAGE_CLASSES, ObjectVersion, Upload
from localcloud.oss.storage import Storage
from localcloud.oss.xml import Value, text

CONFIGURATION = "lifecycle"
_DAY_SECONDS = 86_400
_MAX_RULES = 1000
_PAGE = 1000

Rule = dict[str, Any]
T = TypeVar("T")


def parse_rules(root: Element) -> list[Rule]:
    """Return the rules of a ``LifecycleConfiguration`` as JSON.

    Raises:
        OssError: ``InvalidArgument``, ``MalformedXML``; ``NotImplemented`` for rules based on
            access time.
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
    rule: Rule = {
        "id": text(node, "ID") or f"rule-{index + 1}",
        "prefix": text(node, "Prefix") or "",
        "enabled": status == "Enabled",
        "tags": {text(tag, "Key") or "": text(tag, "Value") or "" for tag in node.findall("Tag")},
        "expiration": _when(node.find("Expiration")),
        "abort": _when(node.find("AbortMultipartUpload")),
        "transitions": [_transition(item) for item in node.findall("Transition")],
        "noncurrent_expiration": _when(node.find("NoncurrentVersionExpiration")),
        "noncurrent_transitions": [
            _transition(item) for item in node.findall("NoncurrentVersionTransition")
        ],
        "filter": _filter(node.find("Filter")),
    }
    actions = ("expiration", "abort", "transitions", "noncurrent_expiration")
    if not any(rule[name] for name in (*actions, "noncurrent_transitions")):
        raise OssError(
            "InvalidArgument",
            f"Rule {rule['id']!r} has no action. Add an expiration or a transition.",
        )
    return rule


def _when(node: Element | None) -> dict[str, Any] | None:
    if node is None:
        return None
    days = text(node, "Days") or text(node, "NoncurrentDays")
    date = text(node, "CreatedBeforeDate") or text(node, "Date")
    marker = text(node, "ExpiredObjectDeleteMarker")
    if days is not None:
        if not (days.isascii() and days.isdigit()) or int(days) < 1:
            raise OssError("InvalidArgument", f"Days is {days!r}. It must be a positive integer.")
        return {"days": int(days)}
    if date is not None:
        return {"before": date, "timestamp": _date(date)}
    if marker is not None and marker.lower() == "true":
        return {"expired_object_delete_marker": True}
    raise OssError("MalformedXML", f"{node.tag} must have Days or CreatedBeforeDate.")


def _date(value: str) -> float:
    try:
        moment = datetime.fromisoformat(value)
    except ValueError as error:
        raise OssError("InvalidArgument", f"{value!r} is not an ISO 8601 date.") from error
    return moment.replace(tzinfo=moment.tzinfo or UTC).timestamp()


def _transition(node: Element) -> dict[str, Any]:
    for name in ("IsAccessTime", "ReturnToStdWhenVisit", "AllowSmallFile"):
        if (text(node, name) or "false").lower() == "true":
            raise not_implemented(f"{name} of a lifecycle rule")
    storage_class = text(node, "StorageClass")
    if storage_class not in STORAGE_CLASSES[1:]:
        raise OssError(
            "InvalidArgument",
            f"StorageClass is {storage_class!r}. A transition needs one of {STORAGE_CLASSES[1:]}.",
        )
    return {**(_when(node) or {}), "storage_class": storage_class}


def _filter(node: Element | None) -> dict[str, Any] | None:
    if node is None:
        return None
    return {
        "larger_than": int(text(node, "ObjectSizeGreaterThan") or -1),
        "smaller_than": int(text(node, "ObjectSizeLessThan") or 0),
        "not": [
            {
                "prefix": text(item, "Prefix") or "",
                "key": text(item, "Tag/Key"),
                "value": text(item, "Tag/Value"),
            }
            for item in node.findall("Not")
        ],
    }


def rules_document(rules: list[Rule]) -> Mapping[str, Value]:
    """Return the rules as the content of a ``LifecycleConfiguration``."""
    return {"Rule": [_rule_document(rule) for rule in rules]}


def _rule_document(rule: Rule) -> Mapping[str, Value]:
    return {
        "ID": rule["id"],
        "Prefix": rule["prefix"],
        "Status": "Enabled" if rule["enabled"] else "Disabled",
        "Tag": [{"Key": key, "Value": value} for key, value in rule["tags"].items()],
        "Filter": _filter_document(rule["filter"]),
        "Expiration": _when_document(rule["expiration"], "Days"),
        "AbortMultipartUpload": _when_document(rule["abort"], "Days"),
        "Transition": [_transition_document(item, "Days") for item in rule["transitions"]],
        "NoncurrentVersionExpiration": _when_document(
            rule["noncurrent_expiration"], "NoncurrentDays"
        ),
        "NoncurrentVersionTransition": [
            _transition_document(item, "NoncurrentDays") for item in rule["noncurrent_transitions"]
        ],
    }


def _when_document(when: dict[str, Any] | None, days: str) -> Mapping[str, Value] | None:
    if when is None:
        return None
    return {
        days: when.get("days"),
        "CreatedBeforeDate": when.get("before"),
        "ExpiredObjectDeleteMarker": when.get("expired_object_delete_marker"),
    }


def _transition_document(item: dict[str, Any], days: str) -> Mapping[str, Value]:
    return {"StorageClass": item["storage_class"], **(_when_document(item, days) or {})}


def _filter_document(found: dict[str, Any] | None) -> Mapping[str, Value] | None:
    if found is None:
        return None
    return {
        "ObjectSizeGreaterThan": found["larger_than"] if found["larger_than"] >= 0 else None,
        "ObjectSizeLessThan": found["smaller_than"] or None,
        "Not": [
            {
                "Prefix": item["prefix"],
                "Tag": {"Key": item["key"], "Value": item["value"]} if item["key"] else None,
            }
            for item in found["not"]
        ],
    }


@dataclass(frozen=True, kw_only=True)
class Swept:
    """Counts of what a sweep changed."""

    expired: int = 0
    transitioned: int = 0
    aborted_uploads: int = 0

    def __add__(self, other: Swept) -> Swept:
        return Swept(
            expired=self.expired + other.expired,
            transitioned=self.transitioned + other.transitioned,
            aborted_uploads=self.aborted_uploads + other.aborted_uploads,
        )


def sweep(storage: Storage) -> Swept:
    """Apply the enabled rules of every bucket at the time of the store's clock."""
    total = Swept()
    now = storage.clock()
    for bucket, rules in storage.buckets.configured(CONFIGURATION):
        for rule in rules:
            if rule["enabled"]:
                total += _apply(storage, bucket, rule, now)
    return total


def _apply(storage: Storage, bucket: str, rule: Rule, now: float) -> Swept:
    total = Swept()
    query = Query(bucket=bucket, prefix=rule["prefix"], delimiter="", limit=_PAGE)
    for upload in _pages(lambda key, last: storage.listing.uploads(query, key, last), _upload_id):
        if _is_due(rule["abort"], upload.initiated_at, now):
            storage.uploads.abort(bucket, upload.key, upload.upload_id)
            total += Swept(aborted_uploads=1)
    versions = _pages(lambda key, last: storage.listing.versions(query, key, last), _version_id)
    for version in versions:
        if _concerns(rule, version):
            total += _apply_to(storage, rule, version, now)
    return total


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


def _is_due(when: dict[str, Any] | None, since: float, now: float) -> bool:
    if when is None:
        return False
    if "days" in when:
        return now - since >= int(when["days"]) * _DAY_SECONDS
    # CreatedBeforeDate: an object written before that date is due at once.
    return "timestamp" in when and bool(since < when["timestamp"])


def _concerns(rule: Rule, version: ObjectVersion) -> bool:
    tags = version.settings.tags
    if any(tags.get(key) != value for key, value in rule["tags"].items()):
        return False
    found = rule["filter"]
    if found is None or version.delete_marker:
        return True
    if version.size <= found["larger_than"]:
        return False
    if found["smaller_than"] and version.size >= found["smaller_than"]:
        return False
    return not any(
        version.key.startswith(item["prefix"])
        and (item["key"] is None or tags.get(item["key"]) == item["value"])
        for item in found["not"]
    )


def _apply_to(storage: Storage, rule: Rule, version: ObjectVersion, now: float) -> Swept:
    expiration = rule["expiration"] or {}
    if version.is_latest and version.delete_marker:
        if expiration.get("expired_object_delete_marker") and _is_alone(storage, version):
            storage.objects.expire(version, permanently=True)
            return Swept(expired=1)
        return Swept()
    since = version.modified_at
    when, transitions = rule["expiration"], rule["transitions"]
    if not version.is_latest:
        since = version.noncurrent_since or version.modified_at
        when, transitions = rule["noncurrent_expiration"], rule["noncurrent_transitions"]
    if _is_due(when, since, now):
        storage.objects.expire(version, permanently=not version.is_latest)
        return Swept(expired=1)
    if version.delete_marker:
        return Swept()
    due = [item["storage_class"] for item in transitions if _is_due(item, since, now)]
    coldest = max(due, key=STORAGE_CLASSES.index, default=version.settings.storage_class)
    if STORAGE_CLASSES.index(coldest) <= STORAGE_CLASSES.index(version.settings.storage_class):
        return Swept()
    with storage.unchanged():
        current = storage.objects.find(version.bucket, version.key, version.version_id)
        if current is None or current.sequence != version.sequence:
            return Swept()
        settings = replace(current.settings, storage_class=coldest)
        storage.objects.change_settings(current, settings)
    return Swept(transitioned=1)


def _is_alone(storage: Storage, version: ObjectVersion) -> bool:
    query = Query(bucket=version.bucket, prefix=version.key, delimiter="", limit=2)
    page = storage.listing.versions(query, "", "")
    return [item.key for item in page.items].count(version.key) == 1
