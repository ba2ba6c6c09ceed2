"""Replication rules: their XML documents, and the copying.

Owns parsing, validation and the copying: versions in the order of their writes, to a bucket that
may be in another region, with the permissions of the rule's role. The cloud copies asynchronously;
the local server copies about once a second.
Rules: https://help.aliyun.com/en/oss/developer-reference/putbucketreplication (read 2026-11).
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from xml.etree.ElementTree import Element

from localcloud.core.access import AccessControl, Principal
from localcloud.core.errors import CloudError
from localcloud.core.policies import Decision, parse_trust_policy, trusts
from localcloud.oss.conditions import http_date
from localcloud.oss.errors import OssError, not_implemented
from localcloud.oss.models import ObjectVersion, Versioning
from localcloud.oss.storage import Storage
from localcloud.oss.xml import Value, text

CONFIGURATION = "replication"
_SERVICE = "oss.aliyuncs.com"
_BATCH = 200
_ACTIONS = ("PUT", "ALL")
_STATUSES = ("Enabled", "Disabled")

Rule = dict[str, Any]


def parse_rule(root: Element) -> Rule:
    """Return the rule of a ``ReplicationConfiguration`` as JSON.

    Raises:
        OssError: ``MalformedXML``, ``InvalidArgument``; ``NotImplemented`` for transfer
            acceleration, tags and replication time control.
    """
    nodes = root.findall("Rule")
    if len(nodes) != 1:
        raise OssError("MalformedXML", f"There are {len(nodes)} Rule elements. There must be one.")
    node = nodes[0]
    destination = node.find("Destination")
    if destination is None:
        raise OssError("MalformedXML", "Destination is missing.")
    if (text(destination, "TransferType") or "internal") != "internal":
        raise not_implemented("A TransferType other than internal in a replication rule")
    for name in ("RTC", "FilterTags"):
        if node.find(name) is not None:
            raise not_implemented(f"{name} of a replication rule")
    criteria = text(node, "SourceSelectionCriteria/SseKmsEncryptedObjects/Status") or "Disabled"
    rule: Rule = {
        "id": text(node, "ID") or str(uuid.uuid4()),
        "bucket": text(destination, "Bucket") or "",
        "location": text(destination, "Location") or "",
        "action": text(node, "Action") or "ALL",
        "historical": (text(node, "HistoricalObjectReplication") or "enabled") == "enabled",
        "prefixes": [item.text or "" for item in node.findall("PrefixSet/Prefix")],
        "role": text(node, "SyncRole") or "",
        "kms": criteria == "Enabled",
        "replica_key": text(node, "EncryptionConfiguration/ReplicaKmsKeyID") or "",
    }
    if rule["action"] not in _ACTIONS:
        raise OssError("InvalidArgument", f"Action is {rule['action']!r}. It must be PUT or ALL.")
    if criteria not in _STATUSES:
        raise OssError(
            "InvalidArgument",
            f"SseKmsEncryptedObjects is {criteria!r}. It must be Enabled or Disabled.",
        )
    if rule["kms"] and not (rule["replica_key"] and rule["role"]):
        raise OssError(
            "InvalidArgument",
            "SseKmsEncryptedObjects needs a ReplicaKmsKeyID and a SyncRole.",
        )
    return rule


def check_rule(storage: Storage, access: AccessControl, bucket: str, rule: Rule, home: str) -> None:
    """Raise an error for a rule that cannot work.

    Args:
        storage: The buckets.
        access: Has the roles.
        bucket: The source.
        rule: The result of `parse_rule`.
        home: The stack's own region.

    Raises:
        OssError: ``InvalidTargetBucket``, ``InvalidTargetLocation``, ``InvalidArgument``,
            ``AccessDenied``.
    """
    source, target = storage.buckets.get(bucket), storage.buckets.find(rule["bucket"])
    if target is None or rule["bucket"] == bucket:
        raise OssError(
            "InvalidTargetBucket",
            f"The target bucket is {rule['bucket']!r}. It must be another existing bucket.",
        )
    location = f"oss-{storage.buckets.region_id(target.name) or home}"
    if rule["location"] != location:
        raise OssError(
            "InvalidTargetLocation", f"{target.name} is in {location}, not in {rule['location']!r}."
        )
    if (source.versioning is Versioning.ENABLED) != (target.versioning is Versioning.ENABLED):
        raise OssError("InvalidArgument", "Both buckets must have versioning enabled, or neither.")
    if rule["role"]:
        _check_trust(access, rule["role"])


def _check_trust(access: AccessControl, role_name: str) -> None:
    try:
        role = access.role(role_name)
    except CloudError as error:
        raise OssError("InvalidArgument", f"SyncRole: {error.message}") from error
    if not trusts(parse_trust_policy(role["trust_policy"]), "Service", _SERVICE):
        raise OssError("AccessDenied", f"The role {role_name} does not trust {_SERVICE}.")


def rule_document(rule: Rule) -> Mapping[str, Value]:
    """Return the rule as the content of a ``Rule``."""
    return {
        "ID": rule["id"],
        "PrefixSet": {"Prefix": list(rule["prefixes"])} if rule["prefixes"] else None,
        "Action": rule["action"],
        "Destination": {"Bucket": rule["bucket"], "Location": rule["location"]},
        "Status": "doing",
        "HistoricalObjectReplication": "enabled" if rule["historical"] else "disabled",
        "SyncRole": rule["role"] or None,
        "EncryptionConfiguration": (
            {"ReplicaKmsKeyID": rule["replica_key"]} if rule["replica_key"] else None
        ),
        "SourceSelectionCriteria": (
            {"SseKmsEncryptedObjects": {"Status": "Enabled"}} if rule["kms"] else None
        ),
    }


def progress_document(storage: Storage, bucket: str, rule: Rule) -> Mapping[str, Value]:
    """Return the rule with its progress."""
    waiting = len(_pending(storage, bucket, rule))
    copied_at = rule.get("copied_at")
    return {
        **rule_document(rule),
        "Progress": {
            "HistoricalObject": "1" if waiting == 0 else "0.5",
            "NewObject": http_date(copied_at) if copied_at is not None else None,
        },
    }


@dataclass(frozen=True, kw_only=True)
class Replicated:
    """Counts of what a round of replication did."""

    copied: int = 0
    deleted: int = 0
    refused: int = 0


def replicate(storage: Storage, access: AccessControl) -> Replicated:
    """Copy one batch of pending versions for every rule."""
    total = Replicated()
    for bucket, rule in storage.buckets.configured(CONFIGURATION):
        for version in _pending(storage, bucket, rule):
            done = _copy(storage, access, bucket, rule, version)
            total = Replicated(
                copied=total.copied + (done == "copied"),
                deleted=total.deleted + (done == "deleted"),
                refused=total.refused + (done == "refused"),
            )
            # A refused version is tried again, so that it is copied once the role may copy it.
            if done == "refused":
                break
            rule = {**rule, "through": version.sequence, "copied_at": storage.clock()}
            storage.buckets.set_configuration(bucket, CONFIGURATION, rule)
    return total


def _pending(storage: Storage, bucket: str, rule: Rule) -> list[ObjectVersion]:
    return storage.listing.written_after(bucket, int(rule.get("through", 0)), _BATCH)


def _copy(
    storage: Storage, access: AccessControl, bucket: str, rule: Rule, version: ObjectVersion
) -> str:
    if rule["prefixes"] and not version.key.startswith(tuple(rule["prefixes"])):
        return "passed"
    if storage.buckets.find(rule["bucket"]) is None:
        return "refused"
    if version.delete_marker:
        if rule["action"] != "ALL":
            return "passed"
        if not _may(access, rule, "oss:ReplicateDelete", rule["bucket"], version.key):
            return "refused"
        storage.objects.delete(rule["bucket"], version.key)
        return "deleted"
    if version.settings.encryption.get("algorithm") == "KMS" and not rule["kms"]:
        return "passed"
    for action, name in (("oss:ReplicateGet", bucket), ("oss:ReplicatePut", rule["bucket"])):
        if not _may(access, rule, action, name, version.key):
            return "refused"
    encryption = storage.buckets.configuration(rule["bucket"], "encryption") or {}
    if version.settings.encryption.get("algorithm") == "KMS":
        encryption = {"algorithm": "KMS", "key_id": rule["replica_key"]}
    settings = replace(version.settings, encryption=encryption)
    storage.objects.copy(version, rule["bucket"], version.key, settings)
    return "copied"


def _may(access: AccessControl, rule: Rule, action: str, bucket: str, key: str) -> bool:
    if not rule["role"]:
        return True
    role = Principal(
        arn=f"acs:ram::role/{rule['role']}",
        access_key_id="",
        access_key_secret="",
        role_name=rule["role"],
    )
    return access.decide(role, action, f"acs:oss:*:*:{bucket}/{key}") is Decision.ALLOW
