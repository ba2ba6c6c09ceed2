"""An authority and a certificate under the real engine: secrets, renewal, replaced authority."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.tools.engine import Project
from tools.paths import Paths
from tools.plugins import CUSTOMRAG, installed_path, launcher

pytestmark = pytest.mark.engine

PROGRAM = """
import pulumi
import providers

provider = providers.Provider("customrag", providers.ProviderArgs(region_id="cn-hangzhou"))
opts = pulumi.ResourceOptions(provider=provider)
authority = providers.CertificateAuthority(
    "ca", providers.CertificateAuthorityArgs(common_name="search CA"), opts)
node = providers.Certificate("node", providers.CertificateArgs(
    ca_certificate_pem=authority.certificate_pem,
    ca_private_key_pem=authority.private_key_pem,
    common_name="node",
    dns_names=[authority.id.apply(lambda id: f"{id}.search.internal")],
), opts)
pulumi.export("certificate", node.certificate_pem)
pulumi.export("key", node.private_key_pem)
pulumi.export("subject", node.subject)
"""


@pytest.fixture
def project(
    tmp_path: Path,
    pulumi_path: str,
    pulumi_environment: dict[str, str],
    checkout: Paths,
) -> Iterator[Project]:
    plugin = installed_path(CUSTOMRAG, Path(pulumi_environment["PULUMI_HOME"]))
    plugin.parent.mkdir(parents=True)
    plugin.write_text(launcher(CUSTOMRAG, checkout))
    plugin.chmod(0o755)
    folder = tmp_path / "project"
    folder.mkdir()
    environment = {**pulumi_environment, "PYTHONPATH": str(checkout.checkout)}
    made = Project(folder=folder, pulumi=pulumi_path, environment=environment)
    made.write(PROGRAM)
    made.succeed("stack", "init", "local")
    yield made
    made.run("destroy", "--yes", "--skip-preview")


def up(project: Project) -> dict[str, Any]:
    project.succeed("up", "--yes", "--skip-preview")
    return project.outputs()


def state_of(deployment: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any]
    (found,) = [
        item
        for item in deployment["deployment"]["resources"]
        if item["urn"].rpartition("::")[2] == name
    ]
    return found


def test_certificates_are_made_kept_secret_and_renewed(project: Project, tmp_path: Path) -> None:
    first = up(project)
    assert (first["subject"], first["key"]) == ("CN=node,O=customrag", "[secret]")
    exported = project.succeed("stack", "export")
    assert "PRIVATE KEY" not in exported

    # As if the certificate were from a year ago.
    deployment = json.loads(exported)
    state_of(deployment, "node")["outputs"]["notAfter"] = "2026-01-01T00:00:00Z"
    file = tmp_path / "state.json"
    file.write_text(json.dumps(deployment))
    project.succeed("stack", "import", "--file", str(file))
    refreshed = project.succeed("refresh", "--yes", "--skip-preview", "--diff")
    assert '"valid" => "renews: ends on 2026-01-01"' in refreshed
    shown = project.succeed("preview")
    assert "renews: ends on 2026-01-01" in shown
    second = up(project)
    assert second["certificate"] != first["certificate"]
    project.succeed("preview", "--expect-no-changes")

    authority = state_of(deployment, "ca")["urn"]
    project.succeed("up", "--yes", "--skip-preview", "--replace", authority)
    assert project.outputs()["certificate"] != second["certificate"]
    for text in (refreshed, shown):
        assert "PRIVATE KEY" not in text
