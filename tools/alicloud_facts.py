"""Write `provider_facts/alicloud.json`: the facts about each alicloud resource type in use.

Usage: python -m tools.alicloud_facts PROPERTIES_JSON VALUES_JSON

1. Shapes (names, types, what is required) come from the typed `Args` of the installed
   `pulumi_alicloud`.
2. Facts (computed, replaces, default, deprecated, secret, max_items, conflicts_with) come from
   PROPERTIES_JSON, one entry per type of the Terraform provider, property by property.
3. Values (what the provider accepts) come from VALUES_JSON, and from documents where the provider
   has no check of its own: `tools.alicloud_values`, which describes the file.
4. Only the types in `TYPES` are carried over.
"""

from __future__ import annotations

import argparse
import collections.abc
import importlib
import importlib.metadata
import inspect
import json
import typing
from pathlib import Path
from typing import Any

from pulumi import _types
from pulumi.output import Output

from tools.alicloud_values import add_values

TERRAFORM_PROVIDER_VERSION = "1.285"
FACTS_FILE = Path("provider_facts/alicloud.json")
# The reference has nothing about this type of the SDK, so only its shape is known.
_NO_FACTS: dict[str, Any] = {"properties": {}, "terraform": ""}
# The reference has nothing about this type. Its facts, and that the lists are sets:
# https://help.aliyun.com/zh/terraform/alicloud-ims-oidc-provider (read 2026-11-21).
_OWN_FACTS: dict[str, Any] = {
    "alicloud:ims/oidcProvider:OidcProvider": {
        "terraform": "alicloud_ims_oidc_provider",
        "properties": {
            "clientIds": {"terraform": "client_ids", "type": "set"},
            "fingerprints": {"terraform": "fingerprints", "type": "set"},
            "issuanceLimitTime": {"terraform": "issuance_limit_time", "computed": True},
            "issuerUrl": {"terraform": "issuer_url", "replaces": True},
            "oidcProviderName": {"terraform": "oidc_provider_name", "replaces": True},
        },
    }
}
_CARRIED = ("computed", "replaces", "default", "deprecated", "secret", "max_items")
_SCALARS: dict[Any, str] = {str: "string", bool: "boolean", int: "integer", float: "number"}

TYPES = (
    "alicloud:alb/acl:Acl",
    "alicloud:alb/aclEntryAttachment:AclEntryAttachment",
    "alicloud:alb/listener:Listener",
    "alicloud:alb/listenerAclAttachment:ListenerAclAttachment",
    "alicloud:alb/loadBalancer:LoadBalancer",
    "alicloud:alb/rule:Rule",
    "alicloud:alb/serverGroup:ServerGroup",
    "alicloud:cms/alarm:Alarm",
    "alicloud:cms/alarmContact:AlarmContact",
    "alicloud:cms/alarmContactGroup:AlarmContactGroup",
    "alicloud:ecs/ecsDisk:EcsDisk",
    "alicloud:ecs/ecsDiskAttachment:EcsDiskAttachment",
    "alicloud:ecs/ecsLaunchTemplate:EcsLaunchTemplate",
    "alicloud:ecs/eipAddress:EipAddress",
    "alicloud:ecs/eipAssociation:EipAssociation",
    "alicloud:ecs/instance:Instance",
    "alicloud:ecs/ramRoleAttachment:RamRoleAttachment",
    "alicloud:ecs/securityGroup:SecurityGroup",
    "alicloud:ecs/securityGroupRule:SecurityGroupRule",
    "alicloud:elasticsearch/instance:Instance",
    "alicloud:ess/lifecycleHook:LifecycleHook",
    "alicloud:ess/scalingGroup:ScalingGroup",
    "alicloud:ess/scalingRule:ScalingRule",
    "alicloud:ims/oidcProvider:OidcProvider",
    "alicloud:kms/alias:Alias",
    "alicloud:kms/key:Key",
    "alicloud:kms/secret:Secret",
    "alicloud:log/logTailAttachment:LogTailAttachment",
    "alicloud:log/logTailConfig:LogTailConfig",
    "alicloud:log/machineGroup:MachineGroup",
    "alicloud:log/project:Project",
    "alicloud:log/store:Store",
    "alicloud:log/storeIndex:StoreIndex",
    "alicloud:oss/bucket:Bucket",
    "alicloud:oss/bucketAcl:BucketAcl",
    "alicloud:oss/bucketObject:BucketObject",
    "alicloud:oss/bucketPublicAccessBlock:BucketPublicAccessBlock",
    "alicloud:oss/bucketReplication:BucketReplication",
    "alicloud:oss/bucketServerSideEncryption:BucketServerSideEncryption",
    "alicloud:oss/bucketVersioning:BucketVersioning",
    "alicloud:pai/workspaceDataset:WorkspaceDataset",
    "alicloud:pai/workspaceModel:WorkspaceModel",
    "alicloud:pai/workspaceModelVersion:WorkspaceModelVersion",
    "alicloud:pai/workspaceWorkspace:WorkspaceWorkspace",
    "alicloud:ram/policy:Policy",
    "alicloud:ram/role:Role",
    "alicloud:ram/rolePolicyAttachment:RolePolicyAttachment",
    "alicloud:vpc/natGateway:NatGateway",
    "alicloud:vpc/network:Network",
    "alicloud:vpc/snatEntry:SnatEntry",
    "alicloud:vpc/switch:Switch",
)


def sdk_classes(token: str) -> tuple[Any, Any]:
    """Return the resource class of a type, and its args class."""
    package, path, name = token.split(":")
    # Cloudflare's SDK has all types in one module.
    part = "" if path.startswith("index/") else f".{path.partition('/')[0]}"
    module = importlib.import_module(f"pulumi_{package}{part}")
    # The SDK uses InitArgs where a nested type has the name.
    args_class = getattr(module, f"{name}InitArgs", None) or getattr(module, f"{name}Args")
    return getattr(module, name), args_class


def shapes(args_class: Any) -> dict[str, dict[str, Any]]:
    """Return the inputs of an `Args` class by wire name: their type, and whether required."""
    wire = _types.input_type_py_to_pulumi_names(args_class)
    hints = _types.input_type_types(args_class)
    parameters = inspect.signature(args_class.__init__).parameters
    found = {}
    for python_name, wire_name in wire.items():
        shape = _shape(hints[wire_name])
        if parameters[python_name].default is inspect.Parameter.empty:
            shape["required"] = True
        found[wire_name] = shape
    return found


def _shape(hint: Any) -> dict[str, Any]:
    hint = _plain(hint)
    if hint in _SCALARS:
        return {"type": _SCALARS[hint]}
    if hint is typing.Any:
        return {"type": "any"}
    if _types.is_input_type(hint):
        return {"type": "object", "properties": shapes(hint)}
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is collections.abc.Sequence:
        return {"type": "list", "items": _shape(arguments[0])}
    if origin is collections.abc.Mapping:
        return {"type": "map", "items": _shape(arguments[1])}
    raise TypeError(f"no shape for the type hint {hint!r}")


def _plain(hint: Any) -> Any:
    """Return the hint without Optional, Awaitable and Output."""
    if typing.get_origin(hint) is not typing.Union:
        return hint
    kept = [
        item
        for item in typing.get_args(hint)
        if item is not type(None)
        and typing.get_origin(item) not in (collections.abc.Awaitable, Output)
        and not (isinstance(item, type) and issubclass(item, dict))
    ]
    names = {_plain(item) for item in kept}
    if len(names) != 1:
        raise TypeError(f"the type hint {hint!r} has {len(names)} plain types")
    return names.pop()


def output_names(resource_class: Any) -> list[str]:
    """Return the wire names of a resource class's outputs."""
    return sorted(_types.resource_types(resource_class))


def _with_facts(
    inputs: dict[str, dict[str, Any]], facts: dict[str, dict[str, Any]]
) -> dict[str, dict[str, Any]]:
    wire_names = {fact["terraform"]: name for name, fact in facts.items()}
    for name, shape in inputs.items():
        fact = facts.get(name, {})
        shape.update({key: fact[key] for key in _CARRIED if key in fact})
        if fact.get("type") == "set":
            shape["set"] = True
        # The facts cannot express a conflict with a property of another level.
        conflicts = [wire_names.get(other) for other in fact.get("conflicts_with", ())]
        if any(other in inputs for other in conflicts):
            shape["conflicts_with"] = [other for other in conflicts if other in inputs]
        nested = shape if shape["type"] == "object" else shape.get("items", {})
        if nested.get("type") == "object":
            _with_facts(nested["properties"], fact.get("properties", {}))
    return inputs


def facts_of(token: str, reference: dict[str, Any], values: dict[str, Any]) -> dict[str, Any]:
    """Return the entry of one type.

    Args:
        token: The type.
        reference: Its entry in PROPERTIES_JSON.
        values: Its entry in VALUES_JSON.
    """
    properties = reference["properties"]
    resource_class, args_class = sdk_classes(token)
    inputs = _with_facts(shapes(args_class), properties)
    add_values(token, inputs, properties, values)
    outputs = output_names(resource_class)
    return {
        "computed": [name for name in outputs if name not in inputs],
        "inputs": dict(sorted(inputs.items())),
        "secret_outputs": [name for name in outputs if properties.get(name, {}).get("secret")],
        "terraform": reference["terraform"],
    }


def main() -> None:
    """Write the file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("properties", type=Path, help="properties by type, as JSON")
    parser.add_argument("values", type=Path, help="accepted values by type, as JSON")
    given = parser.parse_args()
    properties = json.loads(given.properties.read_text(encoding="utf-8"))
    values = json.loads(given.values.read_text(encoding="utf-8"))
    known = {**_OWN_FACTS, **properties}
    document = {
        "provenance": {
            "facts": f"Terraform provider aliyun/alicloud {TERRAFORM_PROVIDER_VERSION}",
            "shapes": "the typed Args of pulumi_alicloud "
            + importlib.metadata.version("pulumi-alicloud"),
            "values": f"Terraform provider aliyun/alicloud {TERRAFORM_PROVIDER_VERSION}, and "
            "tools/alicloud_values.py",
            "written_by": "python -m tools.alicloud_facts PROPERTIES_JSON VALUES_JSON",
        },
        "types": {
            token: facts_of(token, known.get(token, _NO_FACTS), values.get(token, {}))
            for token in TYPES
        },
    }
    FACTS_FILE.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
