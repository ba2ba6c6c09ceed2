"""What a cluster accepts, and the stored searches, under the real engine.

The cluster is one in memory behind HTTP, because a licence must lapse.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.providers.probed_cluster import LICENCE, ProbedCluster
from tests.providers.test_search_template import StoringCluster
from tests.providers.test_with_engine import served_cluster
from tests.tools.engine import Project
from tools.paths import Paths
from tools.plugins import CUSTOMRAG, installed_path, launcher

pytestmark = pytest.mark.engine

PROGRAM = """
import pulumi
import providers
from components.search_endpoint import SearchEndpoint
from components.search_templates import SearchTemplates, SearchTemplatesArgs

config = pulumi.Config()
provider = providers.Provider("customrag", providers.ProviderArgs(region_id="cn-hangzhou"))
endpoint, password = config.require("clusterEndpoint"), config.require_secret("password")
found = providers.SearchCapabilities("capabilities", providers.SearchCapabilitiesArgs(
    endpoint=endpoint, username="elastic", password=password, analyzers=["english"],
), pulumi.ResourceOptions(provider=provider))
searches = SearchTemplates("searches", SearchTemplatesArgs(
    search=SearchEndpoint(instance_id="", url=endpoint, username="elastic", password=password),
    alias="chunks",
    sources={"words": "{}"},
    features=found.features,
), pulumi.ResourceOptions(providers=[provider]))
pulumi.export("fusion", found.fusion)
pulumi.export("fusion_reason", found.fusion_reason)
pulumi.export("stored", searches.stored)
"""


class LicensedCluster(StoringCluster, ProbedCluster):
    """A cluster that accepts everything, until a test says what it refuses."""


@pytest.fixture
def cluster() -> LicensedCluster:
    return LicensedCluster()


@pytest.fixture
def project(
    cluster: LicensedCluster,
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
    with served_cluster(cluster) as endpoint:
        made.succeed("config", "set", "clusterEndpoint", endpoint)
        made.succeed("config", "set", "--secret", "password", "cluster-password")
        yield made
        made.run("destroy", "--yes", "--skip-preview")


def test_a_licence_that_lapses_is_drift_that_a_preview_shows(
    project: Project, cluster: LicensedCluster
) -> None:
    assert "cluster-password" not in project.succeed("up", "--yes", "--skip-preview")
    assert project.outputs()["fusion"] == "server"
    assert list(cluster.applications) == ["chunks-words"]
    project.succeed("preview", "--expect-no-changes")
    project.succeed("refresh", "--yes", "--skip-preview", "--expect-no-changes")

    refusal = 403, LICENCE
    cluster.refused = {"rrf": refusal, "search_application": refusal}
    project.succeed("refresh", "--yes", "--skip-preview")
    shown = json.loads(project.succeed("preview", "--json"))
    changed = {step["urn"].rpartition("::")[2] for step in shown["steps"] if step["op"] == "update"}
    assert "searches-words" in changed
    project.succeed("up", "--yes", "--skip-preview")
    outputs = project.outputs()
    assert (outputs["fusion"], outputs["fusion_reason"]) == ("client", "the licence refuses RRF")
    assert (list(cluster.scripts), cluster.applications) == (["chunks-words"], {})

    project.succeed("destroy", "--yes", "--skip-preview")
    assert (cluster.scripts, cluster.indexes) == ({}, {})
