"""Which values the alicloud provider accepts, for `tools.alicloud_facts`.

Owns reading the values that were read out of the provider, and the values that only its
documentation or the service's names. `VALUES_JSON` maps a type token to the provider's own
property paths, and each path to one of these, or to a list of them as alternatives::

    {"one_of": ["a", "b"]}   {"range": [1, 9]}   {"at_least": 1}   {"at_most": 9}
    {"length": [2, 256]}     {"message": "what the provider says about a text that it refuses"}

A message hides a regular expression: `_MESSAGES` has the rule that it describes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

__all__ = ["WITHOUT_VALUES", "ValuesError", "add_values"]

Entry = dict[str, Any]
Shapes = dict[str, dict[str, Any]]

_NAME = {
    "pattern": r"[A-Za-z0-9\u4e00-\u9fa5.:_-]+",
    "text": "letters, digits, periods, colons, underscores and hyphens",
}
_HEADER = {
    "pattern": r"[A-Za-z0-9_-]{1,40}",
    "text": "1 to 40 letters, digits, underscores and hyphens",
}
# Beginning of the provider's message, without what surrounds it, to the rule. None: the message
# does not say the rule, and no stack uses the property.
_MESSAGES: Mapping[str, Entry | None] = MappingProxyType(
    {
        "prefix must be 'ecs.'": {
            "pattern": r"ecs\.[a-z0-9-]+\.[a-z0-9-]+",
            "text": "an instance type as ecs.<family>.<size>",
        },
        "It can contain A-Z, a-z, Chinese characters, numbers, periods": _NAME,
        "It must begin with an English or a Chinese character.": {
            "pattern": r"[A-Za-z\u4e00-\u9fa5][A-Za-z0-9\u4e00-\u9fa5:_.,\[\]-]*",
            "text": "letters, digits and :_.,[]-, beginning with a letter",
        },
        "The name of the log project.": {
            "pattern": r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]",
            "text": "3 to 63 lower-case letters, digits and hyphens, no hyphen at either end",
        },
        "The name of the header.": _HEADER,
        "The host name must be 3 to 128 characters": {
            "pattern": r"[a-z0-9.*?-]{3,128}|\$\{host\}",
            "text": "3 to 128 lower-case letters, digits and -.*?, or ${host}",
        },
        "The http code must be an HTTP_2xx": {
            "pattern": r"(HTTP_)?[245]\d\d",
            "text": "a status of 2xx, 4xx or 5xx",
        },
        "contains an invalid JSON": {"format": "json"},
        "cannot be parsed as date YYYY-MM-DD": {"format": "date"},
        "to contain a valid IP": {"format": "ip"},
        "The Custom Header Field Name": None,
        "The ID of the dataset owner": None,
    }
)

# Checks of properties that the provider still has and the SDK no longer.
_NOT_IN_THE_SDK = frozenset(
    {("alicloud:cms/alarm:Alarm", "notify_type"), ("alicloud:cms/alarm:Alarm", "operator")}
)
# Types whose values neither the provider nor a document that was read limits.
WITHOUT_VALUES = (
    "alicloud:alb/aclEntryAttachment:AclEntryAttachment",
    "alicloud:cms/alarmContactGroup:AlarmContactGroup",
    "alicloud:ecs/ecsDiskAttachment:EcsDiskAttachment",
    "alicloud:ecs/ramRoleAttachment:RamRoleAttachment",
    "alicloud:ims/oidcProvider:OidcProvider",
    "alicloud:log/logTailAttachment:LogTailAttachment",
    "alicloud:oss/bucketPublicAccessBlock:BucketPublicAccessBlock",
    "alicloud:vpc/snatEntry:SnatEntry",
)

_ESS_NAME = {"length": [2, 64]}
_ELASTICSEARCH_SPEC = {
    "pattern": r"elasticsearch\.[a-z0-9.-]+",
    "text": "a specification as elasticsearch.sn2ne.large",
}
# What the provider does not check itself, by wire path; narrower than the provider where it checks.
# "SDK": the input documentation of pulumi_alicloud 4.0.0, generated from the provider's, read
# 2026-11-29.
_DOCUMENTED: Mapping[str, Mapping[str, Entry]] = MappingProxyType(
    {
        # SDK.
        "alicloud:alb/loadBalancer:LoadBalancer": {
            "addressIpVersion": {"one_of": ["IPv4", "DualStack"]}
        },
        "alicloud:alb/rule:Rule": {"priority": {"range": [1, 10000]}},
        "alicloud:alb/serverGroup:ServerGroup": {
            "serverGroupType": {"one_of": ["Instance", "Ip", "Fc"]}
        },
        # SDK; a threshold is a number in text, the dimensions are JSON:
        # https://www.alibabacloud.com/help/en/cms/cloudmonitor-1-0/developer-reference/api-cms-2019-01-01-putresourcemetricrule
        # (read 2026-11-29).
        "alicloud:cms/alarm:Alarm": {
            "effectiveInterval": {
                "pattern": r"([01]?\d|2[0-3]):[0-5]\d-([01]?\d|2[0-3]):[0-5]\d",
                "text": "hh:mm-hh:mm",
            },
            "escalationsCritical.threshold": {"pattern": r"-?\d+(\.\d+)?", "text": "a number"},
            "escalationsInfo.threshold": {"pattern": r"-?\d+(\.\d+)?", "text": "a number"},
            "escalationsWarn.threshold": {"pattern": r"-?\d+(\.\d+)?", "text": "a number"},
            "metricDimensions": {"format": "json"},
        },
        "alicloud:cms/alarmContact:AlarmContact": {"alarmContactName": {"length": [2, 40]}},
        # SDK, read 2026-11-30.
        "alicloud:ecs/ecsDisk:EcsDisk": {
            "description": {"length": [2, 256]},
            "diskName": {
                "pattern": r"[A-Za-z\u4e00-\u9fa5][A-Za-z0-9\u4e00-\u9fa5:_.-]{1,127}",
                "text": "2 to 128 letters, digits and :_.-, beginning with a letter",
            },
            "multiAttach": {"one_of": ["Enabled", "Disabled"]},
        },
        "alicloud:ecs/eipAssociation:EipAssociation": {
            "instanceType": {
                "one_of": [
                    *("Nat", "SlbInstance", "EcsInstance", "NetworkInterface", "HaVip"),
                    "IpAddress",
                ]
            }
        },
        # SDK; the levels: https://help.aliyun.com/en/es/developer-reference/
        # api-elasticsearch-2017-06-13-struct-nodespec (read 2026-11-29); the password:
        # https://alibabacloud.com/help/en/ros/developer-reference/aliyun-elasticsearch-instance
        # (read 2026-11-29).
        "alicloud:elasticsearch/instance:Instance": {
            "dataNodeConfiguration.performanceLevel": {"one_of": ["PL1", "PL2", "PL3"]},
            "dataNodeConfiguration.spec": _ELASTICSEARCH_SPEC,
            "masterConfiguration.spec": _ELASTICSEARCH_SPEC,
            "password": {"length": [8, 32]},
            "version": {
                "pattern": r"\d+\.\d+(\.\d+)?_with_X-Pack",
                "text": "a version as 8.17_with_X-Pack",
            },
        },
        # SDK.
        "alicloud:ess/lifecycleHook:LifecycleHook": {"name": _ESS_NAME},
        "alicloud:ess/scalingGroup:ScalingGroup": {
            "removalPolicies": {
                "one_of": ["OldestInstance", "NewestInstance", "OldestScalingConfiguration"]
            },
            "scalingGroupName": _ESS_NAME,
        },
        "alicloud:ess/scalingRule:ScalingRule": {
            "metricType": {"one_of": ["system", "custom", "hybrid"]},
            "scalingRuleName": _ESS_NAME,
        },
        "alicloud:kms/alias:Alias": {
            "aliasName": {"pattern": "alias/.{1,255}", "text": "alias/ and 1 to 255 characters"}
        },
        "alicloud:log/store:Store": {
            "mode": {"one_of": ["standard", "query", "lite"]},
            "retentionPeriod": {"range": [1, 3650]},
        },
        # https://www.alibabacloud.com/help/en/oss/user-guide/bucket-naming-conventions
        # (read 2026-11).
        "alicloud:oss/bucket:Bucket": {
            "bucket": {
                "pattern": r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]",
                "text": "3 to 63 lower-case letters, digits and hyphens, no hyphen at either end",
            }
        },
        # SDK.
        "alicloud:oss/bucketAcl:BucketAcl": {
            "acl": {"one_of": ["private", "public-read", "public-read-write"]}
        },
        "alicloud:oss/bucketReplication:BucketReplication": {
            "action": {
                "pattern": "ALL|(PUT|DELETE|ABORT)(,(PUT|DELETE|ABORT))*",
                "text": "ALL, or a list of PUT, DELETE and ABORT",
            }
        },
        "alicloud:pai/workspaceModelVersion:WorkspaceModelVersion": {
            "approvalStatus": {"one_of": ["Pending", "Approved", "Rejected"]},
            "formatType": {
                "one_of": [
                    *("OfflineModel", "SavedModel", "Keras H5", "Frozen Pb", "Caffe Prototxt"),
                    *("TorchScript", "XGBoost", "PMML", "AlinkModel", "ONNX"),
                ]
            },
            "frameworkType": {
                "one_of": [
                    *("Pytorch", "XGBoost", "Keras", "Caffe", "Alink", "Xflow", "TensorFlow"),
                ]
            },
            "sourceType": {"one_of": ["Custom", "PAIFlow", "TrainingService"]},
        },
        "alicloud:pai/workspaceWorkspace:WorkspaceWorkspace": {
            "envTypes": {"one_of": ["dev", "prod"]},
            "workspaceName": {
                "pattern": r"[A-Za-z]\w{2,22}",
                "text": "3 to 23 letters, digits and underscores, beginning with a letter",
            },
        },
        # SDK; the role's name: https://api.aliyun.com/document/Ram/2015-05-01/CreateRole
        # (read 2026-11).
        "alicloud:ram/policy:Policy": {
            "policyName": {
                "pattern": "[A-Za-z0-9-]{1,128}",
                "text": "1 to 128 letters, digits and hyphens",
            }
        },
        "alicloud:ram/role:Role": {
            "maxSessionDuration": {"range": [3600, 43200]},
            "roleName": {
                "pattern": "[A-Za-z0-9._-]{1,64}",
                "text": "1 to 64 letters, digits, periods, underscores and hyphens",
            },
        },
        "alicloud:vpc/switch:Switch": {
            "cidrBlock": {
                "pattern": r"(\d{1,3}\.){3}\d{1,3}/(1[6-9]|2\d)",
                "text": "an IPv4 CIDR block with a mask of 16 to 29 bits",
            }
        },
    }
)


class ValuesError(Exception):
    """A value cannot be carried over; the message says which and what to do."""


def add_values(
    token: str, inputs: Shapes, reference: Mapping[str, Any], values: Mapping[str, Any]
) -> None:
    """Add what the provider accepts to the shapes of one type's inputs.

    Args:
        token: The type.
        inputs: Shapes by wire name; changed in place.
        reference: Facts by wire name; they have the provider's names.
        values: The provider's checks by its own property paths.

    Raises:
        ValuesError: A check is of a kind that is not known here, or names no input; or a type has
            no values and is not in `WITHOUT_VALUES`, or has some and is.
    """
    found = 0
    for path, entry in values.items():
        if (token, path) in _NOT_IN_THE_SDK:
            continue
        shape = _by_provider_path(inputs, reference, path)
        if shape is None:
            raise ValuesError(f"{token} has no input {path}; add it to _NOT_IN_THE_SDK")
        alternatives = list(_alternatives(token, path, entry))
        if alternatives:
            _set(shape, alternatives)
            found += 1
    for path, entry in _DOCUMENTED.get(token, {}).items():
        shape = _by_wire_path(inputs, path)
        if shape is None:
            raise ValuesError(f"{token} has no input {path}; correct _DOCUMENTED")
        _set(shape, [_entry(entry)])
        found += 1
    if (token in WITHOUT_VALUES) == bool(found):
        raise ValuesError(
            f"{token} has {found} inputs with known values; correct WITHOUT_VALUES, which lists "
            "the types without limited values"
        )


def _alternatives(token: str, path: str, entry: Any) -> Iterator[Entry]:
    seen = []
    for item in entry if isinstance(entry, list) else [entry]:
        found = _message(token, path, item["message"]) if "message" in item else _entry(item)
        if found is not None and found not in seen:
            seen.append(found)
            yield found


def _entry(item: Mapping[str, Any]) -> Entry:
    found = dict(item)
    if "range" in found:
        found["minimum"], found["maximum"] = found.pop("range")
    if "length" in found:
        found["shortest"], found["longest"] = found.pop("length")
    for old, new in (("at_least", "minimum"), ("at_most", "maximum")):
        if old in found:
            found[new] = found.pop(old)
    return found


def _message(token: str, path: str, message: str) -> Entry | None:
    for beginning, rule in _MESSAGES.items():
        if beginning in message:
            return rule
    if set(message) <= {'"', "\u2026"}:
        return None  # An echo of the value; another message of the same check says more.
    raise ValuesError(f"{token}: {path} says {message!r}; add the rule that it means to _MESSAGES")


def _set(shape: dict[str, Any], alternatives: list[Entry]) -> None:
    if shape["type"] == "list":
        shape = shape["items"]
    for entry in alternatives:
        if "one_of" in entry and shape["type"] in ("integer", "number"):
            entry["one_of"] = [int(item) for item in entry["one_of"]]
    shape["values"] = alternatives


def _by_provider_path(
    inputs: Shapes, reference: Mapping[str, Any], path: str
) -> dict[str, Any] | None:
    """Return the shape at a path of provider names; None when it is not an input of the SDK."""
    name, _, rest = path.partition(".")
    for wire_name, fact in reference.items():
        if fact["terraform"] == name and wire_name in inputs:
            shape = inputs[wire_name]
            if not rest:
                return shape
            nested = shape if shape["type"] == "object" else shape.get("items", {})
            return _by_provider_path(nested.get("properties", {}), fact.get("properties", {}), rest)
    return None


def _by_wire_path(inputs: Shapes, path: str) -> dict[str, Any] | None:
    name, _, rest = path.partition(".")
    shape = inputs.get(name)
    return _by_wire_path(shape["properties"], rest) if shape is not None and rest else shape
