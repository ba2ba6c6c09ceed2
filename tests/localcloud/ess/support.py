"""A local scaling group behind a load balancer, and its clients."""

from __future__ import annotations

import base64
import threading
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import yaml
from alibabacloud_tea_openapi.client import Client
from alibabacloud_tea_openapi.utils_models import Config, OpenApiRequest, Params
from darabonba.runtime import RuntimeOptions

from localcloud.ess import state
from tests.localcloud.alb.support import Balancer
from tests.localcloud.running import until

TEMPLATE = "alicloud:ecs/ecsLaunchTemplate:EcsLaunchTemplate"
GROUP = "alicloud:ess/scalingGroup:ScalingGroup"
HOOK = "alicloud:ess/lifecycleHook:LifecycleHook"
PORT = 8080

# It ends at once on SIGTERM, so open requests are lost unless the server was drained before.
WEB = """
import http.server, os, time
class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/health":
            self.send_response({health})
            self.end_headers()
            return
        if self.path == "/slow":
            time.sleep(1.5)
        body = b"{version}"
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *_):
        pass
host = os.environ["CUSTOMRAG_BIND_HOST"]
http.server.ThreadingHTTPServer((host, 8080), Page).serve_forever()
"""
UNIT = """
[Service]
ExecStart=/usr/bin/env python3 /opt/customrag/web.py
Restart=always
[Install]
WantedBy=multi-user.target
"""


def user_data(version: str, health: int = 200) -> str:
    """Return Base64 user data of a node that answers with its version."""
    document = {
        "write_files": [
            {
                "path": "/opt/customrag/web.py",
                "content": WEB.replace("{version}", version).replace("{health}", str(health)),
            },
            {"path": "/etc/systemd/system/web.service", "content": UNIT},
        ],
        "runcmd": [["systemctl", "enable", "--now", "web.service"]],
    }
    text = "#cloud-config\n" + yaml.safe_dump(document)
    return base64.b64encode(text.encode()).decode()


@dataclass
class Fleet:
    """A scaling group and its launch template."""

    balancer: Balancer
    template_id: str
    group_id: str
    security_group_id: str

    @property
    def context(self) -> Any:
        """The local cloud."""
        return self.balancer.stack.context

    def members(self) -> dict[str, dict[str, Any]]:
        """Return the members of the group by instance id."""
        return state.members_of(self.context.store, self.group_id)

    def in_service(self, count: int, version: str | None = None) -> set[str]:
        """Wait until the group has exactly ``count`` members in service (of this version)."""

        def settled() -> set[str]:
            members = self.members()
            fitting = {
                key
                for key, member in members.items()
                if member["state"] == "InService" and version in (None, member["version"])
            }
            return fitting if len(fitting) == len(members) == count else set()

        if count == 0:
            until(lambda: not self.members(), "no member is left")
            return set()
        found: set[str] = until(settled, f"{count} members of version {version}")
        return found

    def serving(self, text: bytes) -> None:
        """Wait until the load balancer answers with this text."""
        until(lambda: self.balancer.ask("/").body == text, f"{text!r} is served")

    def new_version(self, version: str, health: int = 200) -> str:
        """Create a version of the template and return its number."""
        handler = self.balancer.stack.handler(TEMPLATE)
        inputs = template_inputs(self.security_group_id, version, health)
        return str(
            handler.update(self.template_id, {}, inputs, self.context)["latestVersionNumber"]
        )

    def group_inputs(self, **changes: Any) -> dict[str, Any]:
        """Return the inputs of the group."""
        return group_inputs(self.balancer, self.template_id, **changes)

    def update(self, **changes: Any) -> dict[str, Any]:
        """Update the group in place."""
        handler = self.balancer.stack.handler(GROUP)
        old = handler.read(self.group_id, {}, self.context)
        return dict(handler.update(self.group_id, old, self.group_inputs(**changes), self.context))

    def call(self, action: str, **query: Any) -> dict[str, Any]:
        """Call ESS as the vendor's client does."""
        return call(self.balancer, "2022-02-22", action, **query)

    def refresh_status(self, task_id: str) -> str:
        """Return the status of a refresh."""
        found = self.call("DescribeInstanceRefreshes", ScalingGroupId=self.group_id)
        tasks = {task["InstanceRefreshTaskId"]: task for task in found["InstanceRefreshTasks"]}
        return str(tasks[task_id]["Status"])


def call(balancer: Balancer, version: str, action: str, **query: Any) -> dict[str, Any]:
    """Call an RPC API as the vendor's client does."""
    platform = balancer.stack.context.platform
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
        action=action,
        version=version,
        protocol="HTTP",
        pathname="/",
        method="POST",
        auth_type="AK",
        style="RPC",
        req_body_type="formData",
        body_type="json",
    )
    request = OpenApiRequest(query={key: str(value) for key, value in query.items()})
    return dict(client.call_api(params, request, RuntimeOptions())["body"])


def template_inputs(group: str, version: str, health: int = 200) -> dict[str, Any]:
    """Return the inputs of a launch template."""
    return {
        "launchTemplateName": "chat",
        "updateDefaultVersionNumber": True,
        "instanceType": "ecs.g7.large",
        "imageId": "local_python",
        "securityGroupIds": [group],
        "userData": user_data(version, health),
        "httpTokens": "required",
        "tags": {"project": "customrag"},
    }


def group_inputs(balancer: Balancer, template_id: str, **changes: Any) -> dict[str, Any]:
    """Return the inputs of a scaling group."""
    return {
        "minSize": 1,
        "maxSize": 4,
        "scalingGroupName": "chat",
        "vswitchIds": balancer.vswitch_ids,
        "launchTemplateId": template_id,
        "launchTemplateVersion": "1",
        "albServerGroups": [
            {"albServerGroupId": balancer.server_group_id, "port": PORT, "weight": 100}
        ],
        **changes,
    }


def make_fleet(balancer: Balancer, **changes: Any) -> Fleet:
    """Create a scaling group of version 1, which answers ``one``, with a scale-out hook."""
    stack = balancer.stack
    group = stack.make(
        "alicloud:ecs/securityGroup:SecurityGroup",
        {"vpcId": balancer.vpc_id, "securityGroupName": "nodes"},
    ).id
    template = stack.make(TEMPLATE, template_inputs(group, "one")).id
    group_id = stack.make(GROUP, group_inputs(balancer, template, **changes)).id
    stack.make(
        HOOK,
        {"scalingGroupId": group_id, "lifecycleTransition": "SCALE_OUT", "heartbeatTimeout": 60},
    )
    return Fleet(balancer, template, group_id, group)


@dataclass
class Load:
    """Clients that send requests without a pause.

    Attributes:
        answers: The number of times of each answer.
        failures: The failed requests.
    """

    balancer: Balancer
    answers: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    _ending: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def __enter__(self) -> Load:
        for path in ("/", "/slow", "/slow"):
            thread = threading.Thread(target=self._ask, args=(path,), daemon=True)
            self._threads.append(thread)
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        for thread in self._threads:
            thread.join()

    def _ask(self, path: str) -> None:
        while not self._ending.wait(0.02):
            try:
                answer = self.balancer.ask(path)
            except OSError as error:
                self.failures.append(f"{path}: {error!r}")
                continue
            if answer.status == 200:
                self.answers[answer.body.decode()] += 1
            else:
                self.failures.append(f"{path}: {answer.status} {answer.body!r}")
