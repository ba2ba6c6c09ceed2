"""Validation of ``CreateJob`` requests, with defaults, in wire names.

Source of the parameters: ``CreateJobRequest`` and ``JobSpec`` in ``alibabacloud_pai_dlc20201203``
1.11.6. Parameters that only the cloud supports are refused.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from localcloud.core.home import Platform
from localcloud.core.instance_types import INSTANCE_TYPES
from localcloud.paidlc.errors import (
    invalid_parameter,
    missing_parameter,
    unsupported_parameter,
)

Body = dict[str, Any]

JOB_TYPES: Final[Mapping[str, frozenset[str]]] = {
    "PyTorchJob": frozenset({"Master", "Worker"}),
    "ElasticBatchJob": frozenset({"Master", "Worker"}),
}
"""Supported job types, with the pod types of each."""
RESTART_POLICIES: Final = ("Always", "Never", "OnFailure", "ExitCode")
# The limit of CreateJob for all parameters together, in bytes
# (https://help.aliyun.com/zh/pai/developer-reference/api-pai-dlc-2020-12-03-createjob, 2026-11).
MAX_BODY_BYTES: Final = 65_536
_DISPLAY_NAME = re.compile(r"[0-9A-Za-z_.-]{1,256}")
_ROLE_ARN = re.compile(r"acs:ram::(\d+):role/([A-Za-z0-9.-]{1,64})", re.IGNORECASE)
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_URI = re.compile(
    r"oss://(?P<bucket>[a-z0-9][a-z0-9-]{1,61}[a-z0-9])(\.(?P<host>[^/]+))?/(?P<key>.*)"
)
_PUBLIC_HOST = re.compile(r"oss-(?P<region>[a-z0-9-]+?)(-internal)?\.aliyuncs\.com")

# Stored and returned, without effect here.
_RECORDED = {"Accessibility", "Description", "Options", "ResourceId", "Settings", "UserVpc"}
_EFFECTIVE = {
    *("CredentialConfig", "DataSources", "DisplayName", "Envs", "JobMaxRunningTimeMinutes"),
    *("JobSpecs", "JobType", "Priority", "ThirdpartyLibs", "UserCommand", "WorkspaceId"),
}
_SPEC_EFFECTIVE = {"Type", "PodCount", "EcsSpec", "RestartPolicy", "UserCommand"}
_SPEC_RECORDED = {
    *("Image", "ImageConfig", "ResourceConfig", "UseSpotInstance", "SpotSpec", "SystemDisk"),
    *("QuotaId", "Driver", "IsChief", "IsCheif", "OversoldType"),
}
_SOURCE_EFFECTIVE = {"Uri", "MountPath", "MountAccess", "RoleArn"}
_SOURCE_RECORDED = {"Options", "EnableCache"}
_USER_VPC = {"VpcId", "SwitchId", "SecurityGroupId", "ExtendedCIDRs", "DefaultRoute"}


def parse_create_job(body: Body, platform: Platform) -> Body:
    """Validate a request and fill in the defaults.

    Raises:
        CloudError: ``MissingParameter``, ``InvalidParameter`` or ``UnsupportedParameter``.
    """
    size = len(json.dumps(body).encode())
    if size > MAX_BODY_BYTES:
        raise invalid_parameter("(total size)", f"{size} bytes", f"at most {MAX_BODY_BYTES}")
    # The SDK sends empty lists for parameters that are not given.
    given = {key: value for key, value in body.items() if value not in (None, [], {})}
    _refuse_others("", given, _EFFECTIVE | _RECORDED)
    for name in ("DisplayName", "JobType", "JobSpecs", "UserCommand", "WorkspaceId"):
        if not given.get(name):
            raise missing_parameter(name)
    if not _DISPLAY_NAME.fullmatch(str(given["DisplayName"])):
        raise invalid_parameter(
            "DisplayName", given["DisplayName"], "1 to 256 letters, digits, '_', '.' and '-'"
        )
    if given["JobType"] not in JOB_TYPES:
        raise unsupported_parameter(
            f"JobType {given['JobType']!r}", f"use {' or '.join(JOB_TYPES)}"
        )
    _whole_number(given, "Priority", 1, 9, default=1)
    _whole_number(given, "JobMaxRunningTimeMinutes", 1, 10_000_000, default=None)
    _one_of(given, "Accessibility", ("PRIVATE", "PUBLIC"), default="PRIVATE")
    _check_envs(given)
    _check_vpc(given)
    given["JobSpecs"] = [
        _job_spec(index, spec, given) for index, spec in enumerate(given["JobSpecs"])
    ]
    _check_spec_types(given)
    given["DataSources"] = _data_sources(given.get("DataSources", []), platform)
    _check_credentials(given.get("CredentialConfig"), platform)
    return given


def role_name(arn: str | None) -> str | None:
    """Return the name of the role in an ARN; None if it is not a role's ARN."""
    found = _ROLE_ARN.fullmatch(arn or "")
    return found.group(2) if found else None


def environment_role(request: Mapping[str, Any]) -> str | None:
    """Return the role for the pods' ``ALIBABA_CLOUD_CREDENTIALS_URI``, or None."""
    config = request.get("CredentialConfig") or {}
    if not config.get("EnableCredentialInject", True):
        return None
    items = config.get("CredentialConfigItems") or []
    wanted = config.get("AliyunEnvRoleKey")
    for item in items:
        if wanted in (None, "", item.get("Key")):
            return role_name(item["Roles"][-1]["RoleArn"])
    return None


def bucket_and_prefix(uri: str) -> tuple[str, str]:
    """Return the bucket and key prefix (ending in a slash, or empty) of a data source's URI."""
    found = _URI.fullmatch(uri)
    if found is None:
        raise invalid_parameter("DataSources[].Uri", uri, "oss://<bucket>[.<endpoint>]/<folder>/")
    prefix = found["key"].strip("/")
    return found["bucket"], f"{prefix}/" if prefix else ""


def _refuse_others(where: str, given: Mapping[str, Any], known: set[str]) -> None:
    for name in sorted(given.keys() - known):
        raise unsupported_parameter(f"{where}{name}", f"use only {', '.join(sorted(known))}")


def _whole_number(given: Body, name: str, low: int, high: int, default: int | None) -> None:
    value = given.get(name, default)
    if value is None:
        return
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise invalid_parameter(name, value, f"a whole number of {low} to {high}")
    given[name] = value


def _one_of(given: Body, name: str, allowed: tuple[str, ...], default: str | None) -> None:
    value = given.get(name, default)
    if value is None:
        return
    if value not in allowed:
        raise invalid_parameter(name, value, f"one of {', '.join(allowed)}")
    given[name] = value


def _check_envs(given: Body) -> None:
    envs = given.setdefault("Envs", {})
    for key, value in envs.items():
        if not _VARIABLE.fullmatch(key):
            raise invalid_parameter("Envs", key, "a map with variable names as keys")
        if not isinstance(value, str):
            raise invalid_parameter(f"Envs.{key}", value, "a string")


def _check_vpc(given: Body) -> None:
    vpc = given.get("UserVpc")
    if vpc is None:
        return
    _refuse_others("UserVpc.", vpc, _USER_VPC)
    for name in ("VpcId", "SecurityGroupId"):
        if not vpc.get(name):
            raise missing_parameter(f"UserVpc.{name}")


def _job_spec(index: int, spec: Body, given: Body) -> Body:
    where = f"JobSpecs[{index}]."
    spec = {key: value for key, value in spec.items() if value not in (None, [], {})}
    _refuse_others(where, spec, _SPEC_EFFECTIVE | _SPEC_RECORDED)
    for name in ("Type", "Image"):
        if not spec.get(name):
            raise missing_parameter(where + name)
    allowed = JOB_TYPES[given["JobType"]]
    if spec["Type"] not in allowed:
        raise invalid_parameter(where + "Type", spec["Type"], f"one of {sorted(allowed)}")
    _whole_number(spec, "PodCount", 1, 1000, default=1)
    policy = spec.setdefault("RestartPolicy", "Never")
    if policy not in RESTART_POLICIES:
        raise invalid_parameter(
            where + "RestartPolicy", policy, f"one of {', '.join(RESTART_POLICIES)}"
        )
    if given.get("ResourceId"):
        if not spec.get("ResourceConfig") and not spec.get("EcsSpec"):
            raise missing_parameter(where + "ResourceConfig")
    elif not spec.get("EcsSpec"):
        raise missing_parameter(where + "EcsSpec")
    if "EcsSpec" in spec and spec["EcsSpec"] not in INSTANCE_TYPES:
        raise invalid_parameter(
            where + "EcsSpec", spec["EcsSpec"], f"one of {', '.join(sorted(INSTANCE_TYPES))}"
        )
    return spec


def _check_spec_types(given: Body) -> None:
    types = [spec["Type"] for spec in given["JobSpecs"]]
    if len(set(types)) != len(types):
        raise invalid_parameter("JobSpecs", types, "specs of different types")
    for spec in given["JobSpecs"]:
        if spec["Type"] == "Master" and spec["PodCount"] != 1:
            raise invalid_parameter("JobSpecs[].PodCount", spec["PodCount"], "1 for a Master")


def _data_sources(sources: list[Body], platform: Platform) -> list[Body]:
    parsed: list[Body] = []
    for index, entry in enumerate(sources):
        where = f"DataSources[{index}]."
        source = {key: value for key, value in entry.items() if value not in (None, "")}
        if "DataSourceId" in source:
            raise unsupported_parameter(f"{where}DataSourceId", "give the Uri of the folder")
        _refuse_others(where, source, _SOURCE_EFFECTIVE | _SOURCE_RECORDED)
        for name in ("Uri", "MountPath"):
            if name not in source:
                raise missing_parameter(where + name)
        _check_uri(where, source["Uri"], platform)
        path = str(source["MountPath"]).rstrip("/")
        if not re.fullmatch(r"(/[A-Za-z0-9._-]+)+", path) or ".." in path:
            raise invalid_parameter(where + "MountPath", source["MountPath"], "an absolute path")
        source["MountPath"] = path
        _one_of(source, "MountAccess", ("RO", "RW"), default="RW")
        if "RoleArn" in source:
            _check_role(where + "RoleArn", source["RoleArn"], platform)
        parsed.append(source)
    paths = [source["MountPath"] for source in parsed]
    if len(set(paths)) != len(paths):
        raise invalid_parameter("DataSources[].MountPath", paths, "different paths")
    return parsed


def _check_uri(where: str, uri: str, platform: Platform) -> None:
    bucket_and_prefix(uri)
    found = _URI.fullmatch(uri)
    host = found["host"] if found else None
    if host is None or host == platform.endpoints["oss"].split("://", 1)[-1]:
        return
    public = _PUBLIC_HOST.fullmatch(host)
    if host != platform.endpoints["oss"].split("://", 1)[-1].split(":")[0] and (
        public is None or public["region"] != platform.region_id
    ):
        raise invalid_parameter(
            where + "Uri",
            uri,
            f"in OSS of this region ({platform.region_id})",
        )


def _check_role(where: str, arn: object, platform: Platform) -> None:
    found = _ROLE_ARN.fullmatch(str(arn))
    if found is None or found.group(1) != platform.account_id:
        raise invalid_parameter(
            where, arn, f"a role of this account: acs:ram::{platform.account_id}:role/<name>"
        )


def _check_credentials(config: Body | None, platform: Platform) -> None:
    if config is None:
        return
    _refuse_others(
        "CredentialConfig.",
        config,
        {"AliyunEnvRoleKey", "CredentialConfigItems", "EnableCredentialInject"},
    )
    items = config.get("CredentialConfigItems") or []
    for index, item in enumerate(items):
        where = f"CredentialConfig.CredentialConfigItems[{index}]."
        if item.get("Type") != "Role":
            raise invalid_parameter(where + "Type", item.get("Type"), "Role")
        roles = item.get("Roles") or []
        if len(roles) != 1:
            raise unsupported_parameter(
                f"{where}Roles", "give one role per item; chains are not supported"
            )
        _check_role(f"{where}Roles[0].RoleArn", roles[0].get("RoleArn"), platform)
    wanted = config.get("AliyunEnvRoleKey")
    if wanted and wanted not in [item.get("Key") for item in items]:
        raise invalid_parameter("CredentialConfig.AliyunEnvRoleKey", wanted, "the Key of an item")
