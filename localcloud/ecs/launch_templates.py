"""Launch templates of ECS and their versions.

Owns the templates, their versions, and the conversion of a version into the inputs of an instance.
Error codes: https://api.aliyun.com/document/Ecs/2014-05-26/CreateLaunchTemplate and
.../CreateLaunchTemplateVersion (2026-11).
"""

from __future__ import annotations

from typing import Any, ClassVar, Final

from localcloud.core.errors import CloudError
from localcloud.core.instance_types import INSTANCE_TYPES
from localcloud.core.resources import Context, Created, Properties, ResourceHandler
from localcloud.ecs.user_data import parse_user_data

TEMPLATES: Final = "ecs.launch_templates"
# CreateLaunchTemplateVersion: a template has at most 30 versions. The cloud provider deletes the
# oldest that is not the default before it creates the 31st.
_MAX_VERSIONS: Final = 30
_OF_TEMPLATE: Final = frozenset(
    {
        *("launchTemplateName", "templateTags", "templateResourceGroupId"),
        *("updateDefaultVersionNumber", "defaultVersionNumber", "versionDescription"),
    }
)
_SAME_NAME: Final = ("instanceType", "imageId", "userData", "instanceName", "description", "tags")
_RECORDED_BY_INSTANCE: Final = (
    *("spotStrategy", "spotPriceLimit", "httpEndpoint", "httpTokens", "httpPutResponseHopLimit"),
    *("securityEnhancementStrategy", "hostName", "deploymentSetId", "internetMaxBandwidthOut"),
)
_DISK: Final = {
    "category": "systemDiskCategory",
    "size": "systemDiskSize",
    "encrypted": "systemDiskEncrypted",
    "kmsKeyId": "systemDiskKmsKeyId",
    "performanceLevel": "systemDiskPerformanceLevel",
}


class LaunchTemplateHandler(ResourceHandler):
    """``alicloud:ecs/ecsLaunchTemplate:EcsLaunchTemplate``; every change creates a version."""

    token: ClassVar[str] = "alicloud:ecs/ecsLaunchTemplate:EcsLaunchTemplate"  # noqa: S105 - a type token
    effective: ClassVar[frozenset[str]] = frozenset(
        {
            *("launchTemplateName", "updateDefaultVersionNumber", "userData", "imageId"),
            *("instanceType", "securityGroupIds", "ramRoleName", "tags", "instanceName"),
            *("vpcId", "internetMaxBandwidthOut"),
        }
    )
    recorded: ClassVar[frozenset[str]] = frozenset(
        {
            *("description", "versionDescription", "templateTags", "templateResourceGroupId"),
            *("systemDisk", "httpEndpoint", "httpTokens", "httpPutResponseHopLimit"),
            *("securityEnhancementStrategy", "networkType", "instanceChargeType", "hostName"),
            *("spotStrategy", "spotPriceLimit", "spotDuration", "resourceGroupId"),
            *("deploymentSetId", "imageOwnerAlias", "ioOptimized"),
        }
    )

    def create(self, inputs: Properties, context: Context) -> Created:
        """Create it, as CreateLaunchTemplate does; version 1 is the default."""
        _check(inputs)
        templates = context.store.table(TEMPLATES)
        with context.store.transaction():
            name = inputs.get("launchTemplateName") or context.ids.new("lt-", 8)
            if any(record["name"] == name for record in templates.values()):
                raise CloudError(
                    "InvalidLaunchTemplateName.Duplicated",
                    f"launchTemplateName is {name!r}; a template with this name already exists.",
                )
            template_id = context.ids.new("lt-bp1", 17)
            record = {
                "name": name,
                "template": {key: inputs[key] for key in _OF_TEMPLATE if key in inputs},
                "versions": {"1": _content(inputs)},
                "latest": 1,
                "default": 1,
            }
            templates.put(template_id, record)
        return Created(template_id, _outputs(record))

    def read(self, id: str, outputs: Properties, context: Context) -> Properties | None:
        """Return the latest version, as DescribeLaunchTemplateVersions does."""
        record = context.store.table(TEMPLATES).get(id)
        return None if record is None else _outputs(record)

    def update(
        self, id: str, outputs: Properties, inputs: Properties, context: Context
    ) -> Properties:
        """Change it, as CreateLaunchTemplateVersion and ModifyLaunchTemplateDefaultVersion do."""
        _check(inputs)

        def change(record: dict[str, Any] | None) -> dict[str, Any]:
            if record is None:
                raise _missing(id)
            record["template"] = {key: inputs[key] for key in _OF_TEMPLATE if key in inputs}
            content = _content(inputs)
            if content != record["versions"][str(record["latest"])]:
                record["latest"] += 1
                record["versions"][str(record["latest"])] = content
                _drop_oldest(record)
            if inputs.get("updateDefaultVersionNumber"):
                record["default"] = record["latest"]
            return record

        changed = context.store.table(TEMPLATES).update(id, change)
        return _outputs(changed or {})

    def delete(self, id: str, outputs: Properties, context: Context) -> None:
        """Delete it with its versions, as DeleteLaunchTemplate does; its instances stay."""
        context.store.table(TEMPLATES).delete(id)


def instance_inputs(
    context: Context, template_id: str, version: str, vswitch_id: str
) -> Properties:
    """Return the inputs of an instance of that version, in that vSwitch.

    Raises:
        CloudError: There is no such template or version, or it lacks what RunInstances needs.
    """
    record = context.store.table(TEMPLATES).get(template_id)
    if record is None:
        raise _missing(template_id)
    content = record["versions"].get(version)
    if content is None:
        raise CloudError(
            "InvalidLaunchTemplateVersion.NotFound",
            f"The template {template_id} has no version {version!r}; use one of "
            f"{', '.join(record['versions'])}.",
            404,
        )
    for name in ("instanceType", "imageId", "securityGroupIds"):
        if not content.get(name):
            raise CloudError(
                f"MissingParameter.{name[0].upper()}{name[1:]}",
                f"The template {template_id} version {version} has no {name}.",
            )
    kept = {
        name: content[name] for name in (*_SAME_NAME, *_RECORDED_BY_INSTANCE) if name in content
    }
    disk = content.get("systemDisk") or {}
    return {
        **kept,
        **{wire: disk[name] for name, wire in _DISK.items() if name in disk},
        "vswitchId": vswitch_id,
        "securityGroups": content["securityGroupIds"],
        "instanceChargeType": "PostPaid",
        **({"roleName": content["ramRoleName"]} if content.get("ramRoleName") else {}),
    }


def _check(inputs: Properties) -> None:
    parse_user_data(inputs.get("userData") or "")
    kind = inputs.get("instanceType")
    if kind is not None and kind not in INSTANCE_TYPES:
        raise CloudError(
            "InvalidInstanceType.ValueNotSupported",
            f"instanceType is {kind!r}; it must be one of {', '.join(sorted(INSTANCE_TYPES))}.",
        )
    for name, allowed in (("instanceChargeType", "PostPaid"), ("networkType", "vpc")):
        if inputs.get(name) not in (None, allowed):
            raise CloudError(
                "LocalCloud.NotSupported",
                f"{name} is {inputs[name]!r}; the local cloud supports only {allowed}.",
            )


def _content(inputs: Properties) -> Properties:
    return {key: value for key, value in inputs.items() if key not in _OF_TEMPLATE}


def _drop_oldest(record: dict[str, Any]) -> None:
    numbers = sorted(record["versions"], key=int)
    if len(numbers) > _MAX_VERSIONS:
        oldest = next(number for number in numbers if int(number) != record["default"])
        del record["versions"][oldest]


def _outputs(record: dict[str, Any]) -> Properties:
    return {
        **record["template"],
        **record["versions"][str(record["latest"])],
        "launchTemplateName": record["name"],
        "latestVersionNumber": record["latest"],
        "defaultVersionNumber": None
        if record["template"].get("updateDefaultVersionNumber")
        else record["default"],
    }


def _missing(template_id: str) -> CloudError:
    return CloudError(
        "InvalidLaunchTemplate.NotFound",
        f"The launch template {template_id!r} does not exist.",
        404,
    )
