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
from localcloud.oss.errors import OssError, not_implemented
from localcloud.oss.models import ObjectVersion, Versioning
from localcloud.oss.storage import Storage
from localcloud.oss.xml import Value, text

CONFIGURATION = "replication"
_SERVICE = "oss.aliyuncs.com"
_BATCH = 200
_ELEMENTS = frozenset(
    {
        *("ID", "Action", "Destination", "HistoricalObjectReplication", "SyncRole"),
        *("SourceSelectionCriteria", "EncryptionConfiguration"),
    }
)
_ONLY = {"Destination/TransferType": "internal", "HistoricalObjectReplication": "enabled"}
_STATUSES = ("Enabled", "Disabled")

Rule = dict[str, Any]


def parse_rule(root: Element) -> Rule:
    """Return the rule of a ``ReplicationConfiguration`` as JSON.

    Raises:
        OssError: ``MalformedXML``, ``InvalidArgument``; ``NotImplemented`` for what ``_ELEMENTS``
            does not contain, and for other values than those in ``_ONLY``.
    """
    nodes = root.findall("Rule")
    if len(nodes) != 1:
        raise OssError("MalformedXML", f"There are {len(nodes)} Rule elements. There must be one.")
    node = nodes[0]
    destination = node.find("Destination")
    if destination is None:
        raise OssError("MalformedXML", "Destination is missing.")
    for item in node:
        if item.tag not in _ELEMENTS:
            raise not_implemented(f"{item.tag} of a replication rule")
    for name, only in _ONLY.items():
        value = text(node, name) or only
        if value != only:
            raise not_implemented(f"{name} {value!r} of a replication rule (only {only})")
    criteria = text(node, "SourceSelectionCriteria/SseKmsEncryptedObjects/Status") or "Disabled"
    rule: Rule = {
        "id": text(node, "ID") or str(uuid.uuid4()),
        "bucket": text(destination, "Bucket") or "",
        "location": text(destination, "Location") or "",
        "role": text(node, "SyncRole") or "",
        "kms": criteria == "Enabled",
        "replica_key": text(node, "EncryptionConfiguration/ReplicaKmsKeyID") or "",
    }
    if text(node, "Action") != "PUT":
        raise not_implemented("A replication rule whose Action is not PUT")
    if not rule["role"]:
        raise not_implemented("A replication rule without a SyncRole")
    if criteria not in _STATUSES:
        raise OssError(
            "InvalidArgument",
            f"SseKmsEncryptedObjects is {criteria!r}. It must be Enabled or Disabled.",
        )
    if rule["kms"] and not rule["replica_key"]:
        raise OssError("InvalidArgument", "SseKmsEncryptedObjects needs a ReplicaKmsKeyID.")
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
        "Action": "PUT",
        "Destination": {"Bucket": rule["bucket"], "Location": rule["location"]},
        "Status": "doing",
        "HistoricalObjectReplication": "enabled",
        "SyncRole": rule["role"],
        "EncryptionConfiguration": (
            {"ReplicaKmsKeyID": rule["replica_key"]} if rule["replica_key"] else None
        ),
        "SourceSelectionCriteria": (
            {"SseKmsEncryptedObjects": {"Status": "Enabled"}} if rule["kms"] else None
        ),
    }


@dataclass(frozen=True, kw_only=True)
class Replicated:
    """Counts of what a round of replication did."""

    copied: int = 0
    refused: int = 0


def replicate(storage: Storage, access: AccessControl) -> Replicated:
    """Copy one batch of pending versions for every rule."""
    copied = refused = 0
    for bucket, rule in storage.buckets.configured(CONFIGURATION):
        through = int(rule.get("through", 0))
        for version in storage.listing.written_after(bucket, through, _BATCH):
            done = _copy(storage, access, bucket, rule, version)
            copied += done == "copied"
            # A refused version is tried again, so that it is copied once the role may copy it.
            if done == "refused":
                refused += 1
                break
            rule = {**rule, "through": version.sequence}
            storage.buckets.set_configuration(bucket, CONFIGURATION, rule)
    return Replicated(copied=copied, refused=refused)


def _copy(
    storage: Storage, access: AccessControl, bucket: str, rule: Rule, version: ObjectVersion
) -> str:
    kms = version.settings.encryption.get("algorithm") == "KMS"
    if version.delete_marker or (kms and not rule["kms"]):
        return "passed"
    if storage.buckets.find(rule["bucket"]) is None:
        return "refused"
    for action, name in (("oss:ReplicateGet", bucket), ("oss:ReplicatePut", rule["bucket"])):
        if not _may(access, rule, action, name, version.key):
            return "refused"
    encryption = storage.buckets.configuration(rule["bucket"], "encryption") or {}
    if kms:
        encryption = {"algorithm": "KMS", "key_id": rule["replica_key"]}
    settings = replace(version.settings, encryption=encryption)
    storage.objects.copy(version, rule["bucket"], version.key, settings)
    return "copied"


def _may(access: AccessControl, rule: Rule, action: str, bucket: str, key: str) -> bool:
    role = Principal(
        arn=f"acs:ram::role/{rule['role']}",
        access_key_id="",
        access_key_secret="",
        role_name=rule["role"],
    )
    return access.decide(role, action, f"acs:oss:*:*:{bucket}/{key}") is Decision.ALLOW
