"""The cluster component under the real engine, on the nodes of the local cloud.

It proves that the nodes form a cluster over TLS, heal, and get renewed certificates and passwords.
It proves nothing about real disks, systemd or the network of a VPC.
"""

from __future__ import annotations

import json
import os
import ssl
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

import httpx
import psutil
import pytest

from localcloud import control
from localcloud.core.accounts import unprivileged_prefix
from tests.localcloud.alicloud.test_plugin_with_engine import home, prepare
from tests.localcloud.running import until
from tests.tools.engine import Project
from tools.paths import Paths
from tools.plugins import CUSTOMRAG, installed_path, launcher

__all__ = ["home"]

pytestmark = [pytest.mark.engine, pytest.mark.opensearch]

READY_SECONDS = 400.0

PROGRAM = """
import json
from pathlib import Path

import pulumi
import pulumi_alicloud as alicloud

import providers
from components.code import CodePackage, CodePackageArgs
from components.identity import ECS_PRINCIPAL, ServiceRole, ServiceRoleArgs
from components.naming import Naming
from components.nodes import Code, Machine
from components.opensearch import (
    CERTIFICATES_ROLE, USERS, OpenSearchCluster, OpenSearchClusterArgs, plan_nodes, secret_role
)
from components.permissions import read_objects, read_secret
from components.scope import Scope
from components.secrets import SecretStorage

config = pulumi.Config()
platform = json.loads(Path(config.require("platform")).read_text())
naming = Naming(project="customrag", stack="local", account_id=platform["account_id"])
scope = Scope(naming=naming, region_id="cn-hangzhou", tags={"stack": "local"})
chosen = [
    alicloud.Provider(
        "local",
        region="cn-hangzhou",
        shared_credentials_file=config.require("platform"),
        opts=pulumi.ResourceOptions(version="4.0.0-local"),
    ),
    providers.Provider("customrag", providers.ProviderArgs(region_id="cn-hangzhou")),
]
options = pulumi.ResourceOptions(provider=chosen[0])
vpc = alicloud.vpc.Network("net", vpc_name="net", cidr_block="10.0.0.0/8", opts=options)
blocks = {"cn-hangzhou-h": "10.0.1.0/24", "cn-hangzhou-i": "10.0.2.0/24"}
vswitches = {
    zone: alicloud.vpc.Switch(
        f"net-{zone}", vpc_id=vpc.id, cidr_block=block, zone_id=zone, opts=options
    ).id
    for zone, block in blocks.items()
}
group = alicloud.ecs.SecurityGroup("net", vpc_id=vpc.id, security_group_name="net", opts=options)
bucket = alicloud.oss.Bucket("code", bucket="customrag-code-000001", force_destroy=True,
    opts=options)
code = CodePackage(
    "code",
    CodePackageArgs(
        bucket_name="customrag-code-000001",
        endpoint_host=platform["endpoints"]["oss"].removeprefix("http://"),
        work_dir=Path(config.require("work")),
        module="opensearch_node",
        root=Path(config.require("root")),
    ),
    pulumi.ResourceOptions(providers=chosen, depends_on=[bucket]),
)
secrets = [CERTIFICATES_ROLE, *(secret_role(user) for user in USERS)]
role = ServiceRole(
    "opensearch",
    ServiceRoleArgs(
        role_name="opensearch",
        description="nodes",
        principal=ECS_PRINCIPAL,
        statements=[
            read_objects("customrag-code-000001", "", reason="code"),
            *(
                read_secret("cn-hangzhou", naming.account_id, naming.physical(name), reason="TLS")
                for name in secrets
            ),
        ],
    ),
    pulumi.ResourceOptions(providers=chosen),
)
cluster = OpenSearchCluster(
    "opensearch",
    OpenSearchClusterArgs(
        scope=scope,
        nodes=plan_nodes(blocks, data_nodes=3, ml_nodes=0),
        code=Code(uri=code.uri, oss_endpoint=platform["endpoints"]["oss"]),
        machine=Machine(
            instance_type="ecs.g7.xlarge", image_id="local_python", ram_role_name=role.role_name,
            security_group_ids=[group.id],
        ),
        vswitch_ids=vswitches,
        kms_endpoint=platform["endpoints"]["api"],
        password=config.get("password") or "first-password",
        index_prefix="knowledge",
        heap_mib=config.get_int("heap") or 512,
        data_disk_gib=20,
        storage=SecretStorage(recovery_window_days=0),
        deletion_protection=False,
    ),
    pulumi.ResourceOptions(providers=chosen),
)
pulumi.export("urls", cluster.urls)
pulumi.export("ca", cluster.ca_certificate)
pulumi.export("passwords", cluster.passwords)
"""


@pytest.fixture
def stack(
    tmp_path: Path,
    pulumi_path: str,
    pulumi_environment: dict[str, str],
    home: Path,
    checkout: Paths,
) -> Iterator[Project]:
    """Return a project that declares a cluster."""
    if os.geteuid() == 0 and not unprivileged_prefix(tmp_path):
        pytest.skip("root needs user namespaces for the engine, and this machine forbids them")
    control.start(home, ("vpc", "ram", "sts", "kms", "oss", "ecs"))
    plugin = installed_path(CUSTOMRAG, Path(pulumi_environment["PULUMI_HOME"]))
    plugin.parent.mkdir(parents=True)
    plugin.write_text(launcher(CUSTOMRAG, checkout))
    plugin.chmod(0o755)
    environment = {**pulumi_environment, "PYTHONPATH": str(checkout.checkout)}
    project = Project(folder=tmp_path / "project", pulumi=pulumi_path, environment=environment)
    prepare(project, PROGRAM, home, checkout)
    project.succeed("config", "set", "root", str(checkout.checkout))
    project.succeed("config", "set", "work", str(tmp_path / "work"))
    yield project
    project.run("destroy", "--yes", "--skip-preview")


@pytest.fixture
def closing() -> Iterator[ExitStack]:
    """Close the test's clients at its end."""
    with ExitStack() as found:
        yield found


class Cluster:
    """The cluster of a stack, as its deployer sees it."""

    def __init__(self, project: Project, folder: Path) -> None:
        self.outputs = outputs(project)
        (folder / "ca.pem").write_text(self.outputs["ca"])
        context = ssl.create_default_context(cafile=str(folder / "ca.pem"))
        context.check_hostname = False
        self._client = httpx.Client(verify=context, timeout=10.0)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._client.close()

    def get(self, path: str, *, user: str = "deployer", node: int = 0) -> httpx.Response:
        auth = (user, self.outputs["passwords"][user])
        return self._client.get(f"{self.outputs['urls'][node]}{path}", auth=auth)

    def put(self, path: str, body: dict[str, Any], *, node: int = 0) -> httpx.Response:
        auth = ("deployer", self.outputs["passwords"]["deployer"])
        return self._client.put(f"{self.outputs['urls'][node]}{path}", json=body, auth=auth)

    def has(self, nodes: int, status: str = "green", *, node: int = 0) -> Callable[[], bool]:
        """Return a check that the cluster has a number of nodes and is in a state."""

        def check() -> bool:
            try:
                answer = self.get("/_cluster/health", node=node)
            except httpx.HTTPError:
                return False
            body = answer.json() if answer.is_success else {}
            return (body.get("number_of_nodes"), body.get("status")) == (nodes, status)

        return check


def outputs(project: Project) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(
        project.succeed("stack", "output", "--json", "--show-secrets")
    )
    return found


def test_cluster_forms_heals_rolls_and_gets_new_passwords_and_certificates(
    stack: Project, home: Path, tmp_path: Path, closing: ExitStack
) -> None:
    """One story, because each of its nodes takes a core for half a minute to start."""
    stack.succeed("up", "--yes", "--skip-preview")
    cluster = closing.enter_context(Cluster(stack, tmp_path))
    until(cluster.has(3), "three nodes are a cluster", READY_SECONDS)
    stack.succeed("preview", "--expect-no-changes")
    assert cluster.put("/knowledge-1", {"settings": {"number_of_replicas": 1}}).is_success
    assert cluster.put("/knowledge-1/_doc/1?refresh=true", {"text": "a"}).is_success
    assert cluster.get("/knowledge-1/_search", user="reader").is_success
    assert not cluster.get("/other", user="reader").is_success

    # A node that is lost: its shards are elsewhere, and it comes back by itself.
    end_engine(home, "data-2")
    until(cluster.has(3), "the lost node is back", READY_SECONDS)

    # The running nodes read the new secrets.
    stack.succeed("config", "set", "password", "second-password")
    stack.succeed("up", "--yes", "--skip-preview")
    renewed = closing.enter_context(Cluster(stack, tmp_path))
    assert renewed.outputs["passwords"] != cluster.outputs["passwords"]
    until(renewed.has(3), "the nodes have the new passwords", READY_SECONDS)
    assert cluster.get("/_cluster/health").status_code == 401

    def found() -> bool:
        answer = renewed.get("/knowledge-1/_search", user="reader")
        return answer.is_success and answer.json()["hits"]["total"]["value"] == 1

    until(found, "the reader has its new password", READY_SECONDS)

    # Another heap replaces the nodes one after the other, each with its disk.
    stack.succeed("config", "set", "heap", "520")
    shown = stack.succeed("up", "--yes", "--skip-preview")
    for name in ("data-2", "data-3"):
        assert f"{name} has joined the cluster, which is green" in shown
    rolled = closing.enter_context(Cluster(stack, tmp_path))
    until(rolled.has(3), "the cluster is green again", READY_SECONDS)
    assert rolled.get("/knowledge-1/_doc/1").json()["found"]


def end_engine(home: Path, node: str) -> None:
    """Kill the engine of a node, as when its machine runs out of memory."""
    state = str(home / "cloud" / "ecs")
    (engine,) = (
        process
        for process in psutil.process_iter(["cmdline"])
        if any(state in word for word in process.info["cmdline"] or ())
        and "org.opensearch.bootstrap.OpenSearch" in process.info["cmdline"]
        and runs(process, node)
    )
    engine.kill()


def runs(process: psutil.Process, node: str) -> bool:
    """Return whether an engine belongs to a node."""
    (path,) = (
        word.partition("=")[2]
        for word in process.info["cmdline"]
        if word.startswith("-Dopensearch.path.conf=")
    )
    return f'node.name: "{node}"' in (Path(path) / "opensearch.yml").read_text()
