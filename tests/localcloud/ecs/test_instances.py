"""Instances of the local ECS. Cannot prove what an image or a kernel does: it has neither."""

from __future__ import annotations

import json
import os
import signal
import urllib.request
from pathlib import Path
from typing import Any

import psutil
import pytest
import yaml
from alibabacloud_tea_openapi.client import Client
from alibabacloud_tea_openapi.utils_models import Config, OpenApiRequest, Params
from darabonba.runtime import RuntimeOptions

from localcloud.core.errors import CloudError
from localcloud.ecs.workers import instances_of
from providers.clients.credentials import credentials_provider
from providers.clients.ecs_instances import STOPPED, EcsInstancesClient
from providers.clients.generic import GenericClient
from tests.localcloud.ecs.conftest import ATTACHMENT, INSTANCE, Ecs, with_network
from tests.localcloud.running import lives, running_stack, until

UNIT = """
[Unit]
Description=a test service
StartLimitIntervalSec=0
[Service]
Type=exec
StateDirectory=customrag
WorkingDirectory=/var/lib/customrag
Environment=COLOUR=red "SHAPE=a square" CUSTOMRAG_BIND_HOST=0.0.0.0
EnvironmentFile=/etc/customrag/web.env
ExecStart=/usr/bin/env python3 /opt/customrag/web.py
Restart=always
NoNewPrivileges=yes
[Install]
WantedBy=multi-user.target
"""
WEB = """
import http.server, json, os

class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(dict(os.environ)).encode())

host = os.environ["CUSTOMRAG_BIND_HOST"]
http.server.ThreadingHTTPServer((host, 8000), Page).serve_forever()
"""


def user_data(runcmd: list[Any], **files: str) -> str:
    """Return a cloud-config with these commands and files (contents by path)."""
    entries = [{"path": path, "content": content} for path, content in files.items()]
    return "#cloud-config\n" + yaml.safe_dump({"write_files": entries, "runcmd": runcmd})


def web(*before: Any) -> str:
    """Return a cloud-config whose service serves its environment on port 8000."""
    return user_data(
        [*before, ["systemctl", "daemon-reload"], ["systemctl", "enable", "--now", "web.service"]],
        **{
            "/etc/systemd/system/web.service": UNIT,
            "/etc/customrag/web.env": 'SIZE="10 \\"inches\\""\n',
            "/opt/customrag/web.py": WEB,
        },
    )


def served(address: str) -> Any:
    """Wait until the node serves its environment, and return it."""

    def get() -> Any:
        try:
            with urllib.request.urlopen(f"http://{address}:8000/", timeout=5) as response:
                return json.load(response)
        except OSError:
            return None

    return until(get, f"{address}:8000 answers")


def test_service_from_user_data_answers_on_the_private_address(ecs: Ecs) -> None:
    instance_id = ecs.create(web())
    outputs = ecs.read(instance_id)
    assert outputs is not None and outputs["privateIp"].startswith("127.")
    environment = served(outputs["privateIp"])
    assert environment["COLOUR"] == "red"
    assert environment["SHAPE"] == "a square"
    assert environment["SIZE"] == '10 "inches"'
    assert environment["CUSTOMRAG_BIND_HOST"] == outputs["privateIp"]
    assert ecs.boot(instance_id)["state"] == "done"


def test_killed_service_restarts(ecs: Ecs) -> None:
    instance_id = ecs.create(web())
    address = (ecs.read(instance_id) or {})["privateIp"]
    served(address)
    first = ecs.process(instance_id, "web").pid
    os.kill(first, signal.SIGKILL)

    def restarted() -> bool:
        status = ecs.process(instance_id, "web")
        return status.restarts == 1 and status.pid not in (None, first)

    until(restarted, "the service restarts")
    served(address)


def test_failed_command_is_reported_and_later_commands_run(ecs: Ecs) -> None:
    instance_id = ecs.create(user_data(["false", "echo after", "exit 4"]))
    boot = ecs.boot(instance_id)
    assert boot["state"] == "failed"
    assert "exit code 4" in boot["reason"] and "cloud-init-output.log" in boot["reason"]
    assert "after" in ecs.log(instance_id)
    assert (ecs.read(instance_id) or {})["status"] == "Running"


def test_set_e_ends_the_boot_at_the_first_failure(ecs: Ecs) -> None:
    instance_id = ecs.create(user_data(["set -e", "false", "echo after"]))
    assert ecs.boot(instance_id)["state"] == "failed"
    assert "after" not in ecs.log(instance_id)


def test_files_are_written_below_the_instance_with_their_modes(ecs: Ecs) -> None:
    text = "#cloud-config\n" + yaml.safe_dump(
        {
            "write_files": [
                {"path": "/etc/customrag/a", "content": "a"},
                {"path": "/srv/b", "content": "b", "permissions": "0600"},
            ],
            "runcmd": [["cp", "/srv/b", "/opt/customrag/copy"], "cat /etc/customrag/a >/srv/b"],
        }
    )
    instance_id = ecs.create(text)
    assert ecs.boot(instance_id)["state"] == "done"
    root = ecs.root(instance_id)
    assert (root / "etc/customrag/a").read_text() == "a"
    assert (root / "opt/customrag/copy").read_text() == "b"
    assert (root / "srv/b").read_text() == "a"
    assert (root / "srv/b").stat().st_mode & 0o777 == 0o600
    assert not Path("/srv/b").exists()


@pytest.mark.parametrize("command", ["apt-get install -y x", "useradd x", "reboot", "ip link"])
def test_command_that_would_change_this_machine_is_refused(ecs: Ecs, command: str) -> None:
    instance_id = ecs.create(user_data(["set -e", command]))
    assert ecs.boot(instance_id)["state"] == "failed"
    assert "would change this machine" in ecs.log(instance_id)


def test_unsupported_unit_fails_the_boot(ecs: Ecs) -> None:
    unit = UNIT.replace("Type=exec", "Type=notify")
    files = {"/etc/systemd/system/web.service": unit}
    instance_id = ecs.create(user_data(["systemctl enable --now web"], **files))
    assert ecs.boot(instance_id)["state"] == "failed"
    assert "Type=notify is not supported" in ecs.log(instance_id)


def test_systemctl_answers_scripts_as_systemd_does(ecs: Ecs) -> None:
    text = web(
        "systemctl frobnicate web || echo refused: $?",
        "systemctl enable missing || echo missing: $?",
    )
    instance_id = ecs.create(text)
    ecs.boot(instance_id)
    log = ecs.log(instance_id)
    assert "refused: 1" in log and "missing: 1" in log
    assert "systemctl frobnicate web is not supported" in log


def test_stopped_instance_runs_no_process_until_it_starts(ecs: Ecs) -> None:
    text = web()
    instance_id = ecs.create(text)
    address = (ecs.read(instance_id) or {})["privateIp"]
    served(address)
    process = psutil.Process(ecs.process(instance_id, "web").pid)
    outputs = ecs.update(instance_id, ecs.inputs(text, status="Stopped"))
    assert outputs["status"] == "Stopped"
    assert not lives(process)
    ecs.update(instance_id, ecs.inputs(text, status="Running"))
    served(address)


def test_unfinished_boot_runs_again_after_a_stop(ecs: Ecs) -> None:
    instance_id = ecs.create(web())
    address = (ecs.read(instance_id) or {})["privateIp"]
    served(address)
    ecs.boot(instance_id)
    instances = instances_of(ecs.stack.context)
    instances._booted(instance_id, "booting", "")
    ecs.update(instance_id, ecs.inputs(web(), status="Stopped"))
    ecs.update(instance_id, ecs.inputs(web(), status="Running"))
    served(address)
    assert ecs.boot(instance_id)["state"] == "done"


def test_new_user_data_restarts_services_but_not_commands(ecs: Ecs) -> None:
    text = web("echo ran >>/var/lib/customrag/runs")
    instance_id = ecs.create(text)
    address = (ecs.read(instance_id) or {})["privateIp"]
    served(address)
    ecs.boot(instance_id)
    ecs.update(instance_id, ecs.inputs(text + "# changed\n"))
    served(address)
    assert (ecs.root(instance_id) / "var/lib/customrag/runs").read_text() == "ran\n"


def test_tag_change_does_not_restart_the_service(ecs: Ecs) -> None:
    text = web()
    instance_id = ecs.create(text)
    served((ecs.read(instance_id) or {})["privateIp"])
    pid = ecs.process(instance_id, "web").pid
    outputs = ecs.update(instance_id, ecs.inputs(text, tags={"owner": "me"}))
    assert outputs["tags"] == {"owner": "me"}
    assert ecs.process(instance_id, "web").pid == pid


def test_release_removes_processes_and_files_and_frees_the_address(ecs: Ecs) -> None:
    instance_id = ecs.create(web())
    address = (ecs.read(instance_id) or {})["privateIp"]
    served(address)
    process = psutil.Process(ecs.process(instance_id, "web").pid)
    ecs.delete(instance_id)
    assert not lives(process)
    assert not ecs.root(instance_id).exists()
    assert ecs.read(instance_id) is None
    assert (ecs.read(ecs.create()) or {})["privateIp"] == address


def test_release_during_the_boot_ends_the_boot(ecs: Ecs) -> None:
    instance_id = ecs.create(user_data(["sleep 600"]))
    until(lambda: ecs.process(instance_id, "cloud-init"), "the script runs")
    pid = until(lambda: ecs.process(instance_id, "cloud-init").pid, "its pid is known")
    process = psutil.Process(pid)
    ecs.delete(instance_id)
    assert not lives(process)


def test_release_of_a_missing_instance_is_success(ecs: Ecs) -> None:
    ecs.delete("i-bp1missing")


def test_protected_instance_is_not_released(ecs: Ecs) -> None:
    instance_id = ecs.create(deletionProtection=True)
    with pytest.raises(CloudError) as caught:
        ecs.delete(instance_id)
    assert caught.value.code == "InvalidOperation.DeletionProtection"
    assert ecs.read(instance_id) is not None


def test_running_service_gets_credentials_of_a_role_attached_later(ecs: Ecs) -> None:
    instance_id = ecs.create(web())
    uri = served((ecs.read(instance_id) or {})["privateIp"])["ALIBABA_CLOUD_CREDENTIALS_URI"]
    with pytest.raises(OSError, match="404"):
        urllib.request.urlopen(uri, timeout=5)
    allowed = [{"Effect": "Allow", "Action": "oss:GetObject", "Resource": "*"}]
    ecs.stack.make_role("node", "ecs.aliyuncs.com", allowed)
    ecs.stack.make(ATTACHMENT, {"instanceId": instance_id, "ramRoleName": "node"})
    with urllib.request.urlopen(uri, timeout=5) as response:
        answer = json.load(response)
    principal = ecs.stack.context.access.principal(answer["AccessKeyId"], answer["SecurityToken"])
    assert principal.role_name == "node"
    assert (ecs.read(instance_id) or {})["roleName"] == "node"


def test_role_that_does_not_trust_ecs_is_not_attached(ecs: Ecs) -> None:
    allowed = [{"Effect": "Allow", "Action": "oss:GetObject", "Resource": "*"}]
    ecs.stack.make_role("job", "pai.aliyuncs.com", allowed)
    with pytest.raises(CloudError, match=r"ecs\.aliyuncs\.com"):
        ecs.stack.make(ATTACHMENT, {"instanceId": ecs.create(), "ramRoleName": "job"})


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"instanceType": "ecs.none"}, "InvalidInstanceType.ValueNotSupported"),
        ({"vswitchId": "vsw-none"}, "InvalidVSwitchId.NotFound"),
        ({"securityGroups": ["sg-none"]}, "InvalidSecurityGroupId.NotFound"),
        ({"availabilityZone": "cn-hangzhou-z"}, "InvalidVSwitchId.ZoneMismatch"),
        ({"internetMaxBandwidthOut": 10}, "LocalCloud.NotSupported"),
        ({"instanceChargeType": "PrePaid"}, "LocalCloud.NotSupported"),
        ({"userData": "%%%"}, "InvalidUserData.Base64FormatInvalid"),
    ],
)
def test_invalid_input_is_refused_and_creates_nothing(
    ecs: Ecs, changes: dict[str, Any], code: str
) -> None:
    with pytest.raises(CloudError) as caught:
        ecs.stack.make(INSTANCE, {**ecs.inputs(), **changes})
    assert caught.value.code == code
    assert not (ecs.stack.home / "cloud" / "ecs").exists()


def test_instances_are_described_by_tag_through_the_rpc_api(ecs: Ecs) -> None:
    wanted = ecs.create(tags={"stack": "local"}, instanceName="chat")
    ecs.create(tags={"stack": "other"})
    platform = ecs.stack.context.platform
    client = Client(
        Config(
            access_key_id=platform.access_key_id,
            access_key_secret=platform.access_key_secret,
            endpoint=platform.endpoints["api"].removeprefix("http://"),
            protocol="http",
            region_id=platform.region_id,
        )
    )
    params = Params(
        action="DescribeInstances",
        version="2014-05-26",
        protocol="HTTP",
        pathname="/",
        method="POST",
        auth_type="AK",
        style="RPC",
        req_body_type="formData",
        body_type="json",
    )
    query = {"RegionId": platform.region_id, "Tag.1.Key": "stack", "Tag.1.Value": "local"}
    answer = client.call_api(params, OpenApiRequest(query=query), RuntimeOptions())["body"]
    assert answer["TotalCount"] == 1
    found = answer["Instances"]["Instance"][0]
    assert (found["InstanceId"], found["InstanceName"], found["Status"]) == (
        wanted,
        "chat",
        "Running",
    )


def test_the_client_tells_the_status_of_an_instance_or_that_it_is_gone(ecs: Ecs) -> None:
    platform = ecs.stack.context.platform
    credentials = credentials_provider(
        access_key_id=platform.access_key_id, access_key_secret=platform.access_key_secret
    )
    api = GenericClient(platform.endpoints["api"], platform.region_id, credentials)
    client = EcsInstancesClient(api, platform.region_id)
    one = ecs.create()
    ecs.create()
    assert client.status(one) == "Running"
    api.rpc("StopInstances", "2014-05-26", {"RegionId": platform.region_id, "InstanceId.1": one})
    assert client.status(one) in STOPPED
    assert client.status("i-none") is None


def test_next_daemon_watches_services_that_outlived_the_last(tmp_path: Path) -> None:
    home, services = tmp_path / "home", ["vpc", "ecs"]
    with running_stack(home, services, leave_processes=True) as stack:
        ecs = with_network(stack)
        instance_id = ecs.create(web())
        address = (ecs.read(instance_id) or {})["privateIp"]
        served(address)
        ecs.boot(instance_id)
        pid = ecs.process(instance_id, "web").pid
    with running_stack(home, services) as stack:
        after = Ecs(stack, ecs.vswitch_id, ecs.security_group_id)
        served(address)
        assert after.process(instance_id, "web").pid == pid
        os.kill(pid, signal.SIGKILL)
        until(lambda: after.process(instance_id, "web").restarts == 1, "it is started again")


def test_next_daemon_continues_a_boot_without_repeating_it(tmp_path: Path) -> None:
    home, services = tmp_path / "home", ["vpc", "ecs"]
    text = web(
        "echo ran >>/var/lib/customrag/runs",
        "until test -e /var/lib/customrag/go; do sleep 0.05; done",
    )
    with running_stack(home, services, leave_processes=True) as stack:
        ecs = with_network(stack)
        instance_id = ecs.create(text)
        runs = ecs.root(instance_id) / "var/lib/customrag/runs"
        until(runs.exists, "the boot has begun")
        address = (ecs.read(instance_id) or {})["privateIp"]
    (runs.parent / "go").touch()
    with running_stack(home, services) as stack:
        served(address)
        assert Ecs(stack, "", "").boot(instance_id)["state"] == "done"
    assert runs.read_text() == "ran\n"


def test_services_restart_with_the_local_cloud(tmp_path: Path) -> None:
    home, services = tmp_path / "home", ["vpc", "ecs"]
    with running_stack(home, services) as stack:
        ecs = with_network(stack)
        instance_id = ecs.create(web())
        address = (ecs.read(instance_id) or {})["privateIp"]
        served(address)
        ecs.boot(instance_id)
    with running_stack(home, services):
        served(address)
