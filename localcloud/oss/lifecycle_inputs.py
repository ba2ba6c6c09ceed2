"""Conversion of lifecycle rules between ``alicloud:oss/bucket:Bucket`` and oss2. Pure.

Owns both directions, and whether two lists of rules are equivalent.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from typing import Any

from oss2 import models

from localcloud.core.errors import CloudError, not_supported

Rule = Mapping[str, Any]


def to_models(rules: Sequence[Rule]) -> Any:
    """Return the rules for ``put_bucket_lifecycle``.

    Raises:
        CloudError: ``InvalidArgument`` for a repeated block or an invalid date.
    """
    return models.BucketLifecycle([_to_model(rule, index) for index, rule in enumerate(rules)])


def _to_model(rule: Rule, index: int) -> Any:
    for name in ("transitions", "noncurrentVersionTransitions"):
        for item in rule.get(name) or ():
            if item.get("isAccessTime") or item.get("returnToStdWhenVisit"):
                raise not_supported(
                    f"lifecycleRules[{index}].{name} by access time",
                    "use days since the last change",
                )
    expiration = _only(rule, "expirations", index)
    abort = _only(rule, "abortMultipartUploads", index)
    noncurrent = _only(rule, "noncurrentVersionExpirations", index)
    return models.LifecycleRule(
        rule.get("id") or f"rule-{index + 1}",
        rule.get("prefix") or "",
        status="Enabled" if rule["enabled"] else "Disabled",
        expiration=_expiration(expiration),
        abort_multipart_upload=abort
        and models.AbortMultipartUpload(abort.get("days"), _date(abort.get("createdBeforeDate"))),
        storage_transitions=[
            models.StorageTransition(
                item.get("days"), _date(item.get("createdBeforeDate")), item["storageClass"]
            )
            for item in rule.get("transitions") or ()
        ],
        tagging=_tagging(rule.get("tags")),
        noncurrent_version_expiration=noncurrent
        and models.NoncurrentVersionExpiration(noncurrent["days"]),
        noncurrent_version_sotrage_transitions=[
            models.NoncurrentVersionStorageTransition(item["days"], item["storageClass"])
            for item in rule.get("noncurrentVersionTransitions") or ()
        ],
        filter=_filter(rule.get("filter")),
    )


def _only(rule: Rule, name: str, index: int) -> Mapping[str, Any] | None:
    blocks = rule.get(name) or []
    if len(blocks) > 1:
        raise CloudError(
            "InvalidArgument",
            f"lifecycleRules[{index}].{name} has {len(blocks)} blocks; only 1 is allowed",
        )
    return blocks[0] if blocks else None


def _date(value: str | None) -> datetime.date | None:
    if not value:
        return None
    try:
        return datetime.date.fromisoformat(value[:10])
    except ValueError as error:
        raise CloudError(
            "InvalidArgument", f"{value!r} is not a date such as 2026-11-21"
        ) from error


def _expiration(block: Mapping[str, Any] | None) -> Any:
    if block is None:
        return None
    expiration = models.LifecycleExpiration(
        days=block.get("days") or None,
        date=_date(block.get("date")),
        created_before_date=_date(block.get("createdBeforeDate")),
    )
    if block.get("expiredObjectDeleteMarker"):
        expiration.expired_detete_marker = True
    return expiration


def _tagging(tags: Mapping[str, str] | None) -> Any:
    if not tags:
        return None
    rule = models.TaggingRule()
    for key, value in tags.items():
        rule.add(key, value)
    return models.Tagging(rule)


def _filter(block: Mapping[str, Any] | None) -> Any:
    if not block:
        return None
    found = models.LifecycleFilter(
        object_size_greater_than=block.get("objectSizeGreaterThan"),
        object_size_less_than=block.get("objectSizeLessThan"),
    )
    negated = block.get("not")
    if negated:
        tag = negated.get("tag")
        found.filter_not = [
            models.FilterNot(
                negated.get("prefix") or "",
                models.FilterNotTag(tag["key"], tag["value"]) if tag else None,
            )
        ]
    return found


def to_inputs(rules: Sequence[Any]) -> list[dict[str, Any]]:
    """Return the rules of ``get_bucket_lifecycle`` in the shape of the inputs."""
    return [_to_input(rule) for rule in rules]


def _to_input(rule: Any) -> dict[str, Any]:
    expiration, abort = rule.expiration, rule.abort_multipart_upload
    noncurrent = rule.noncurrent_version_expiration
    values: dict[str, Any] = {
        "id": rule.id,
        "prefix": rule.prefix,
        "enabled": rule.status == "Enabled",
        "tags": dict(rule.tagging.tag_set.tagging_rule) if rule.tagging else None,
        "expirations": expiration
        and [
            {
                "days": expiration.days,
                "createdBeforeDate": _text(expiration.created_before_date or expiration.date),
                "expiredObjectDeleteMarker": expiration.expired_detete_marker,
            }
        ],
        "abortMultipartUploads": abort
        and [{"days": abort.days, "createdBeforeDate": _text(abort.created_before_date)}],
        "transitions": [
            {
                "days": item.days,
                "createdBeforeDate": _text(item.created_before_date),
                "storageClass": item.storage_class,
            }
            for item in rule.storage_transitions
        ],
        "noncurrentVersionExpirations": noncurrent and [{"days": noncurrent.noncurrent_days}],
        "noncurrentVersionTransitions": [
            {"days": item.noncurrent_days, "storageClass": item.storage_class}
            for item in rule.noncurrent_version_sotrage_transitions
        ],
        "filter": _filter_input(rule.filter),
    }
    pruned = _pruned(values)
    return {"prefix": "", "enabled": False, **pruned}


def _text(date: datetime.date | None) -> str | None:
    return date.isoformat() if date else None


def _filter_input(found: Any) -> dict[str, Any] | None:
    if found is None:
        return None
    negated = found.filter_not[0] if found.filter_not else None
    tag = negated.tag if negated is not None and negated.tag and negated.tag.key else None
    return {
        "objectSizeGreaterThan": found.object_size_greater_than,
        "objectSizeLessThan": found.object_size_less_than,
        "not": negated
        and {
            "prefix": negated.prefix,
            "tag": {"key": tag.key, "value": tag.value} if tag else None,
        },
    }


def same(first: Sequence[Rule], second: Sequence[Rule]) -> bool:
    """Return whether two lists of rules, in the shape of the inputs, are equivalent."""
    return _canonical(first) == _canonical(second)


def _canonical(rules: Sequence[Rule]) -> list[Any]:
    return [
        _pruned({"id": f"rule-{index + 1}", **rule} | _dates(rule))
        for index, rule in enumerate(rules)
    ]


def _dates(rule: Rule) -> dict[str, Any]:
    # 2026-11-21 and 2026-11-21T00:00:00.000Z are the same day.
    changed: dict[str, Any] = {}
    for name in ("expirations", "abortMultipartUploads", "transitions"):
        blocks = [dict(block) for block in rule.get(name) or ()]
        for block in blocks:
            written = block.pop("date", None) or block.get("createdBeforeDate")
            block["createdBeforeDate"] = written[:10] if written else None
        changed[name] = blocks
    return changed


def _pruned(value: Any) -> Any:
    """Drop empty, false and absent values, which all mean the default."""
    if isinstance(value, Mapping):
        items = {key: _pruned(item) for key, item in value.items()}
        return {key: item for key, item in items.items() if item}
    if isinstance(value, list):
        return [item for item in map(_pruned, value) if item]
    return value
