"""The validation of CreateJob requests. Pure: the cloud's error codes are assumed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from localcloud.core.errors import CloudError
from localcloud.core.home import Platform, init_home
from localcloud.paidlc.requests import (
    bucket_and_prefix,
    environment_role,
    parse_create_job,
)


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Platform:
    """Return a platform."""
    home: Path = tmp_path_factory.mktemp("home")
    return init_home(home)


def request(**changes: Any) -> dict[str, Any]:
    """Return a valid request with changes; None removes a parameter."""
    spec = {"Type": "Worker", "PodCount": 1, "EcsSpec": "ecs.g7.xlarge", "Image": "any"}
    body = {
        "DisplayName": "a-job",
        "JobType": "PyTorchJob",
        "JobSpecs": [spec],
        "UserCommand": "true",
        "WorkspaceId": "1",
        **changes,
    }
    return {key: value for key, value in body.items() if value is not None}


def spec(**changes: Any) -> list[dict[str, Any]]:
    """Return one job spec with changes; None removes a field."""
    found = {**request()["JobSpecs"][0], **changes}
    return [{key: value for key, value in found.items() if value is not None}]


def data(**changes: Any) -> list[dict[str, Any]]:
    """Return one data source with changes."""
    return [{"Uri": "oss://corpus/docs/", "MountPath": "/mnt/corpus", **changes}]


@pytest.mark.parametrize(
    "name", ["DisplayName", "JobType", "JobSpecs", "UserCommand", "WorkspaceId"]
)
def test_missing_required_parameter_is_refused(platform: Platform, name: str) -> None:
    with pytest.raises(CloudError, match=name) as caught:
        parse_create_job(request(**{name: None}), platform)
    assert caught.value.code == "MissingParameter"


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"DisplayName": "no spaces"}, "DisplayName"),
        ({"Priority": 10}, "1 to 9"),
        ({"JobMaxRunningTimeMinutes": 0}, "JobMaxRunningTimeMinutes"),
        ({"Envs": {"1X": "y"}}, "1X"),
        ({"Envs": {"X": 1}}, "Envs.X"),
        ({"JobSpecs": spec(EcsSpec="ecs.none.large")}, "ecs.none.large"),
        ({"JobSpecs": spec(Type="PS")}, "Master"),
        ({"JobSpecs": spec(PodCount=0)}, "PodCount"),
        ({"JobSpecs": spec(RestartPolicy="Sometimes")}, "OnFailure"),
        ({"JobSpecs": spec(Type="Master", PodCount=2)}, "Master"),
        ({"JobSpecs": spec() + spec()}, "different types"),
        ({"DataSources": data(Uri="http://x/")}, "Uri"),
        ({"DataSources": data(Uri="oss://corpus.oss-us-west-1.aliyuncs.com/docs/")}, "region"),
        ({"DataSources": data(MountPath="mnt")}, "MountPath"),
        ({"DataSources": data(MountPath="/mnt/../etc")}, "MountPath"),
        ({"DataSources": data(MountAccess="WO")}, "RO, RW"),
        ({"DataSources": data() + data()}, "different paths"),
        ({"DataSources": data(RoleArn="acs:ram::1:role/x")}, "this account"),
        ({"UserCommand": "x" * 70_000}, "65536"),
    ],
)
def test_error_names_the_invalid_value(
    platform: Platform, changes: dict[str, Any], named: str
) -> None:
    with pytest.raises(CloudError, match=named) as caught:
        parse_create_job(request(**changes), platform)
    assert caught.value.code == "InvalidParameter"


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"JobType": "RayJob"}, "PyTorchJob or ElasticBatchJob"),
        ({"CodeSource": {"CodeSourceId": "1"}}, "CodeSource"),
        ({"SuccessPolicy": "AllWorkers"}, "SuccessPolicy"),
        ({"ThirdpartyLibDir": "/x"}, "ThirdpartyLibDir"),
        ({"DataSources": [{"DataSourceId": "d-1", "MountPath": "/mnt"}]}, "DataSourceId"),
        ({"JobSpecs": spec(AutoScalingSpec={"x": 1})}, "AutoScalingSpec"),
    ],
)
def test_error_names_the_unsupported_parameter(
    platform: Platform, changes: dict[str, Any], named: str
) -> None:
    with pytest.raises(CloudError, match=named) as caught:
        parse_create_job(request(**changes), platform)
    assert caught.value.code == "UnsupportedParameter"


def test_defaults_are_filled_in(platform: Platform) -> None:
    parsed = parse_create_job(request(DataSources=data()), platform)
    assert parsed["Priority"] == 1
    assert parsed["JobSpecs"][0]["RestartPolicy"] == "Never"
    assert parsed["DataSources"][0]["MountAccess"] == "RW"


def test_vpc_without_security_group_is_refused(platform: Platform) -> None:
    with pytest.raises(CloudError, match="SecurityGroupId"):
        parse_create_job(request(UserVpc={"VpcId": "vpc-1"}), platform)


@pytest.mark.parametrize(
    ("uri", "found"),
    [
        ("oss://corpus/docs/", ("corpus", "docs/")),
        ("oss://corpus/docs", ("corpus", "docs/")),
        ("oss://corpus/", ("corpus", "")),
        ("oss://corpus.oss-cn-hangzhou-internal.aliyuncs.com/a/b/", ("corpus", "a/b/")),
    ],
)
def test_data_source_uri_names_bucket_and_prefix(uri: str, found: tuple[str, str]) -> None:
    assert bucket_and_prefix(uri) == found


def test_uri_with_the_local_oss_endpoint_is_accepted(platform: Platform) -> None:
    host = platform.endpoints["oss"].removeprefix("http://")
    parsed = parse_create_job(request(DataSources=data(Uri=f"oss://corpus.{host}/d/")), platform)
    assert bucket_and_prefix(parsed["DataSources"][0]["Uri"]) == ("corpus", "d/")


def test_environment_role_follows_the_role_key(platform: Platform) -> None:
    def item(key: str, role: str) -> dict[str, Any]:
        arn = f"acs:ram::{platform.account_id}:role/{role}"
        return {"Key": key, "Type": "Role", "Roles": [{"RoleArn": arn}]}

    config = {
        "EnableCredentialInject": True,
        "AliyunEnvRoleKey": "1",
        "CredentialConfigItems": [item("0", "first"), item("1", "second")],
    }
    assert environment_role(parse_create_job(request(CredentialConfig=config), platform)) == (
        "second"
    )
    assert environment_role(parse_create_job(request(), platform)) is None
