"""Conversion of lifecycle rules between ``alicloud:oss/bucket:Bucket`` and oss2. Pure.

Owns both directions, and whether two lists of rules are equivalent.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from oss2 import models

from localcloud.core.errors import CloudError, not_supported

Rule = Mapping[str, Any]

# The blocks of a rule, and what each may contain.
_BLOCKS = {
    "abortMultipartUploads": ("days",),
    "expirations": ("days", "expiredObjectDeleteMarker"),
    "noncurrentVersionExpirations": ("days",),
}


def to_models(rules: Sequence[Rule]) -> Any:
    """Return the rules for ``put_bucket_lifecycle``.

    Raises:
        CloudError: ``InvalidArgument`` for a repeated block, ``LocalCloud.NotSupported`` for other
            blocks than those in ``_BLOCKS``.
    """
    return models.BucketLifecycle([_to_model(rule, index) for index, rule in enumerate(rules)])


def _to_model(rule: Rule, index: int) -> Any:
    given = _pruned(rule)
    for name in sorted(given.keys() - {"id", "prefix", "enabled", *_BLOCKS}):
        raise not_supported(f"lifecycleRules[{index}].{name}", f"use {', '.join(_BLOCKS)}")
    blocks = {name: _only(given, name, index) for name in _BLOCKS}
    expiration, abort, noncurrent = (
        blocks[name]
        for name in ("expirations", "abortMultipartUploads", "noncurrentVersionExpirations")
    )
    expires = expiration and models.LifecycleExpiration(days=expiration.get("days"))
    if expires:
        expires.expired_detete_marker = expiration.get("expiredObjectDeleteMarker")
    return models.LifecycleRule(
        rule.get("id") or f"rule-{index + 1}",
        rule.get("prefix") or "",
        status="Enabled" if rule["enabled"] else "Disabled",
        expiration=expires or None,
        abort_multipart_upload=models.AbortMultipartUpload(abort["days"]) if abort else None,
        noncurrent_version_expiration=(
            models.NoncurrentVersionExpiration(noncurrent["days"]) if noncurrent else None
        ),
    )


def _only(rule: Rule, name: str, index: int) -> Mapping[str, Any]:
    blocks = rule.get(name) or [{}]
    if len(blocks) > 1:
        raise CloudError(
            "InvalidArgument",
            f"lifecycleRules[{index}].{name} has {len(blocks)} blocks; only 1 is allowed",
        )
    for key in sorted(blocks[0].keys() - set(_BLOCKS[name])):
        raise not_supported(
            f"lifecycleRules[{index}].{name}.{key}", f"use {' or '.join(_BLOCKS[name])}"
        )
    return dict(blocks[0])


def to_inputs(rules: Sequence[Any]) -> list[dict[str, Any]]:
    """Return the rules of ``get_bucket_lifecycle`` in the shape of the inputs."""
    return [{"prefix": "", "enabled": False, **_pruned(_to_input(rule))} for rule in rules]


def _to_input(rule: Any) -> dict[str, Any]:
    expiration, abort = rule.expiration, rule.abort_multipart_upload
    noncurrent = rule.noncurrent_version_expiration
    return {
        "id": rule.id,
        "prefix": rule.prefix,
        "enabled": rule.status == "Enabled",
        "expirations": expiration
        and [
            {
                "days": expiration.days,
                "expiredObjectDeleteMarker": expiration.expired_detete_marker,
            }
        ],
        "abortMultipartUploads": abort and [{"days": abort.days}],
        "noncurrentVersionExpirations": noncurrent and [{"days": noncurrent.noncurrent_days}],
    }


def same(first: Sequence[Rule], second: Sequence[Rule]) -> bool:
    """Return whether two lists of rules, in the shape of the inputs, are equivalent."""
    return _canonical(first) == _canonical(second)


def _canonical(rules: Sequence[Rule]) -> list[Any]:
    return [_pruned({"id": f"rule-{index + 1}", **rule}) for index, rule in enumerate(rules)]


def _pruned(value: Any) -> Any:
    """Drop empty, false and absent values, which all mean the default."""
    if isinstance(value, Mapping):
        items = {key: _pruned(item) for key, item in value.items()}
        return {key: item for key, item in items.items() if item}
    if isinstance(value, list):
        return [item for item in map(_pruned, value) if item]
    return value
