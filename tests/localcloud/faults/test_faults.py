"""Faults: kinds and parameters, turning them on and off, and their effects."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import oss2
import pytest
from starlette.testclient import TestClient

from localcloud.core.errors import CloudError
from localcloud.core.home import init_home
from localcloud.core.store import open_store
from localcloud.dashscope.server import application as model_endpoint
from localcloud.ecs.instances import Instances
from localcloud.elasticsearch.resources import Instance
from localcloud.faults import KINDS, FaultError, Faults
from localcloud.faults.__main__ import main
from tests.localcloud.control_plane import AlibabaCloudException, ControlPlane
from tests.localcloud.running import running_stack

MODEL = "smollm2-135m-instruct"


@pytest.fixture
def faults(tmp_path: Path) -> Faults:
    return Faults(open_store(tmp_path))


def test_fault_applies_only_to_its_parameters(faults: Faults) -> None:
    faults.inject("sold-out", {"instance_type": "ecs.g7.large"})
    assert faults.hits("sold-out", instance_type="ecs.g7.large", zone_id="cn-hangzhou-h")
    assert not faults.hits("sold-out", instance_type="ecs.g7.xlarge", zone_id="cn-hangzhou-h")
    assert not faults.hits("quota-used-up", instance_type="ecs.g7.large")


def test_fault_of_one_zone_does_not_affect_others(faults: Faults) -> None:
    faults.inject("sold-out", {"instance_type": "ecs.g7.large", "zone_id": "cn-hangzhou-h"})
    assert not faults.hits("sold-out", instance_type="ecs.g7.large", zone_id="cn-hangzhou-i")


def test_repeated_fault_is_stored_once(faults: Faults) -> None:
    for _ in range(2):
        faults.inject("pai-not-activated", {})
    assert len(faults.active()) == 1


def test_cleared_fault_no_longer_applies(faults: Faults) -> None:
    faults.inject("pai-not-activated", {})
    faults.clear()
    assert not faults.hits("pai-not-activated")


@pytest.mark.parametrize(
    ("kind", "about"),
    [
        ("no-such-fault", {}),
        ("sold-out", {}),
        ("sold-out", {"instance_type": "ecs.g7.large", "colour": "red"}),
    ],
)
def test_invalid_fault_is_refused(faults: Faults, kind: str, about: dict[str, str]) -> None:
    with pytest.raises(FaultError):
        faults.inject(kind, about)


@pytest.mark.parametrize(
    ("kind", "code", "status"),
    [
        ("credentials-expired", "InvalidSecurityToken.Expired", 403),
        ("clock-skewed", "InvalidTimeStamp.Expired", 400),
        ("api-down", "ServiceUnavailable", 503),
        ("api-throttled", "Throttling.User", 429),
        ("access-denied", "NoPermission", 403),
    ],
)
def test_call_fault_returns_the_error_code_of_the_cloud(
    faults: Faults, kind: str, code: str, status: int
) -> None:
    faults.inject(kind, dict.fromkeys(KINDS[kind].required, "GetRole"))
    with pytest.raises(CloudError) as refused:
        faults.check_call("GetRole")
    assert (refused.value.code, refused.value.http_status) == (code, status)


def test_fault_of_another_operation_does_not_affect_a_call(faults: Faults) -> None:
    faults.inject("api-down", {"operation": "GetRole"})
    faults.check_call("DescribeZones")


def test_fault_applies_to_a_signed_call(control_plane: ControlPlane) -> None:
    faults = Faults(control_plane.context.store)
    faults.inject("api-down", {"operation": "GetCallerIdentity"})
    try:
        with pytest.raises(AlibabaCloudException, match="temporary failure"):
            control_plane.sts().get_caller_identity()
    finally:
        faults.clear()
    assert control_plane.sts().get_caller_identity().body.account_id


def test_deletion_fault_keeps_the_resource(control_plane: ControlPlane) -> None:
    token, faults = "alicloud:kms/key:Key", Faults(control_plane.context.store)
    platform = control_plane.context.platform

    def ask(operation: str, **more: Any) -> Any:
        return httpx.post(
            f"{platform.endpoints['api']}/_local/resources/{operation}",
            json={"type": token, **more},
            headers={"X-Local-Secret": platform.access_key_secret},
        )

    inputs = {"pendingWindowInDays": 7}
    made = ask("create", inputs=inputs, client_token="refused").json()
    faults.inject("deletion-refused", {"type": token, "code": "DependencyViolation"})
    try:
        refused = ask("delete", id=made["id"], outputs={})
        assert (refused.status_code, refused.json()["Code"]) == (400, "DependencyViolation")
        assert ask("read", id=made["id"], outputs={}).json()["outputs"]
    finally:
        faults.clear()
    assert ask("delete", id=made["id"], outputs={}).status_code == 200
    assert ask("read", id=made["id"], outputs={}).json()["outputs"] is None


def test_command_changes_the_store_of_the_stack(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    init_home(tmp_path)
    home = ["--home", str(tmp_path)]
    assert main(["inject", "sold-out", "instance_type=ecs.g7.large", *home]) == 0
    assert main(["list", *home]) == 0
    assert capsys.readouterr().out == "sold-out instance_type=ecs.g7.large\n" * 2
    assert main(["clear", *home]) == 0
    assert capsys.readouterr().out == ""


def test_command_reports_invalid_arguments(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    init_home(tmp_path)
    assert main(["inject", "sold-out", "rubbish", "--home", str(tmp_path)]) == 1
    assert "'rubbish' must be name=value" in capsys.readouterr().err


def test_command_lists_every_kind(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["kinds"]) == 0
    out = capsys.readouterr().out
    assert [kind for kind in KINDS if kind not in out] == []


def test_retired_model_is_not_listed_and_does_not_answer() -> None:
    endpoint = TestClient(model_endpoint("sk-key", {}, lambda name: name == MODEL))
    own = {"Authorization": "Bearer sk-key"}
    assert endpoint.get("/compatible-mode/v1/models", headers=own).json()["data"] == []
    assert endpoint.get(f"/compatible-mode/v1/models/{MODEL}", headers=own).status_code == 404
    asked = {"model": MODEL, "messages": [{"role": "user", "content": "Hello?"}]}
    answer = endpoint.post("/compatible-mode/v1/chat/completions", headers=own, json=asked)
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "model_not_found")


def test_bucket_of_another_account_cannot_be_read_or_created(tmp_path: Path) -> None:
    with running_stack(tmp_path, ("ram",)) as stack:
        Faults(stack.context.store).inject("bucket-taken", {"bucket": "their-bucket"})
        bucket = stack.bucket("their-bucket")
        with pytest.raises(oss2.exceptions.AccessDenied):
            bucket.get_bucket_info()
        with pytest.raises(oss2.exceptions.ServerError) as refused:
            bucket.create_bucket()
    assert (refused.value.status, refused.value.code) == (409, "BucketAlreadyExists")


@pytest.mark.parametrize(
    ("kind", "code"),
    [("sold-out", "OperationDenied.NoStock"), ("quota-used-up", "QuotaExceed.ElasticQuota")],
)
def test_unavailable_instance_is_not_created(
    control_plane: ControlPlane, kind: str, code: str
) -> None:
    faults = Faults(control_plane.context.store)
    faults.inject(kind, {"instance_type": "ecs.g7.large"})
    try:
        with pytest.raises(CloudError) as refused:
            Instances(control_plane.context).create(
                {"instanceType": "ecs.g7.large", "availabilityZone": "cn-hangzhou-h"}
            )
    finally:
        faults.clear()
    assert refused.value.code == code


def test_withdrawn_version_is_refused(control_plane: ControlPlane) -> None:
    faults = Faults(control_plane.context.store)
    faults.inject("version-withdrawn", {"version": "8.17_with_X-Pack"})
    inputs = {"version": "8.17_with_X-Pack", "password": "Right-1234", "paymentType": "PayAsYouGo"}
    try:
        with pytest.raises(CloudError, match=r"version is .8\.17_with_X-Pack."):
            Instance().create(inputs, control_plane.context)
    finally:
        faults.clear()
