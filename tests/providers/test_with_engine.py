"""The plugin under the real engine: a program of all its resources, from ``up`` to ``destroy``.

The services are a local cloud's OSS and PAI DLC, and a search cluster in memory behind HTTP.
"""

from __future__ import annotations

import gzip
import json
import os
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from providers.plugin.services import CloudServices
from tests.localcloud.running import LocalStack, until
from tests.providers.conftest import provider_config
from tests.providers.fake_cluster import Cluster, decoded
from tests.tools.engine import Project, end
from tools.paths import Paths
from tools.plugins import CUSTOMRAG, installed_path, launcher

pytestmark = pytest.mark.engine

PROGRAM = '''
import hashlib
import pathlib
import pulumi
import providers

config = pulumi.Config()
folder = pathlib.Path(config.require("folder"))
documents = {
    path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
    for path in folder.rglob("*.md")
}
provider = providers.Provider("customrag", providers.ProviderArgs(
    region_id="cn-hangzhou",
    oss_endpoint=config.require("ossEndpoint"),
    dlc_endpoint=config.require("dlcEndpoint"),
    access_key_id=config.require("accessKeyId"),
    access_key_secret=config.require_secret("accessKeySecret"),
))
opts = pulumi.ResourceOptions(provider=provider)
corpus = providers.Corpus("corpus", providers.CorpusArgs(
    bucket="corpus-b", source_dir=str(folder), documents=documents), opts)
WORKER = {"type": "Worker", "pod_count": 1, "ecs_spec": "ecs.gn7i-c8g1.2xlarge", "image": "any"}


def job(where, command):
    return dict(
        workspace_id="1",
        job_type="PyTorchJob",
        job_specs=[WORKER],
        data_sources=[
            {"uri": f"oss://corpus-b/{where}/", "mount_path": "/mnt/output", "mount_access": "RW"}
        ],
        result_uri=f"oss://corpus-b/{where}/",
        user_command=command,
    )


train = providers.DlcJob("train", providers.DlcJobArgs(
    **job("train", config.require("trainCommand")),
    display_name="train",
    triggers={"seed": config.get("seed") or "1"},
), opts)
cluster = dict(
    endpoint=config.require("clusterEndpoint"),
    username="elastic",
    password=config.require_secret("password"),
)
keep, pinned = config.get_int("keep"), config.get("pinned")
if pinned:
    found = providers.get_index_generation(
        providers.IndexGenerationArgs(**cluster, alias="chunks", index_name=pinned), provider)
    alias = providers.IndexAlias("alias", providers.IndexAliasArgs(
        **cluster, alias="chunks", index_name=found.index_name, keep_indices=keep,
        meta={"embedding_urls": ["http://10.0.0.9:8000"]}), opts)
    pulumi.export("documents", found.model_uri)
else:
    index = providers.SearchIndex("index", providers.SearchIndexArgs(
        **cluster,
        index_name=train.result.apply(
            lambda result: f"chunks-{result['model_version']}{config.get('suffix') or ''}"),
        mappings={
            "_meta": {"model_uri": "oss://corpus-b/train/"},
            "properties": {"text": {"type": "text"}},
        },
        alias="chunks" if keep is not None else None,
    ), opts)
    run = providers.IngestRun("ingest", providers.IngestRunArgs(
        **job("ingest", """echo '{"chunks": 0, "documents": 2}' > /mnt/output/result.json"""),
        display_name="ingest",
        documents=documents,
        index_name=index.index_name,
        index_uuid=index.uuid,
        triggers={"corpus": corpus.uri},
    ), opts)
    alias = providers.IndexAlias("alias", providers.IndexAliasArgs(
        **cluster, alias="chunks", index_name=index.index_name, expected_chunks=run.chunks,
        keep_indices=keep), opts)
    pulumi.export("documents", pulumi.Output.format("{0} documents", run.document_count))
pulumi.export("version", corpus.version)
pulumi.export("job", train.job_name)
pulumi.export("index", alias.index_name)
pulumi.export("password", alias.__dict__["password"])
pulumi.export("generations", alias.generations)
'''

TRAIN = """echo step 1/1; echo '{"model_version": "m1"}' > /mnt/output/result.json"""
TRAIN_OTHER = TRAIN.replace("m1", "m2")


@contextmanager
def served_cluster(cluster: Cluster) -> Iterator[str]:
    """Yield the cluster behind HTTP; its endpoint."""

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            if self.headers.get("content-encoding") == "gzip":
                body = gzip.decompress(body)
            status, answer = cluster.answer(self.command, self.path, decoded(self.path, body))
            content = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("x-elastic-product", "Elasticsearch")
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        # The names that the base class calls.
        do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = _answer  # noqa: N815

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            return None

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class Stack:
    """The program in a scratch project, and what it works on."""

    def __init__(self, project: Project, folder: Path, cluster: Cluster) -> None:
        self.project = project
        self.folder = folder
        self.cluster = cluster

    def write(self, name: str, text: str) -> None:
        path = self.folder / "docs" / f"{name}.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def steps(self, *arguments: str) -> dict[str, str]:
        """Return what a preview would do, by resource name; what stays the same is left out."""
        shown = json.loads(self.project.succeed("preview", "--json", *arguments))
        return {
            step["urn"].rpartition("::")[2]: step["op"]
            for step in shown["steps"]
            if step["op"] != "same" and "customrag:" in step["urn"]
        }

    def up(self) -> str:
        return self.project.succeed("up", "--yes", "--skip-preview")


@pytest.fixture
def stack(
    local_cloud: LocalStack,
    tmp_path: Path,
    pulumi_path: str,
    pulumi_environment: dict[str, str],
    checkout: Paths,
) -> Iterator[Stack]:
    plugin = installed_path(CUSTOMRAG, Path(pulumi_environment["PULUMI_HOME"]))
    plugin.parent.mkdir(parents=True)
    plugin.write_text(launcher(CUSTOMRAG, checkout))
    plugin.chmod(0o755)
    folder = tmp_path / "project"
    folder.mkdir()
    environment = {**pulumi_environment, "PYTHONPATH": str(checkout.checkout)}
    project = Project(folder=folder, pulumi=pulumi_path, environment=environment)
    project.write(PROGRAM)
    project.succeed("stack", "init", "local")
    cluster = Cluster()
    with served_cluster(cluster) as endpoint:
        values = {
            **provider_config(local_cloud),
            "folder": str(tmp_path / "corpus"),
            "clusterEndpoint": endpoint,
            "trainCommand": TRAIN,
        }
        values.pop("regionId")
        for name, value in values.items():
            secret = ["--secret"] if name == "accessKeySecret" else []
            project.succeed("config", "set", *secret, "--", name, value)
        project.succeed("config", "set", "--secret", "password", "cluster-password")
        made = Stack(project, tmp_path / "corpus", cluster)
        made.write("a", "one")
        made.write("b", "two")
        yield made
        project.run("destroy", "--yes", "--skip-preview")


def jobs_named(local_cloud: LocalStack, name: str) -> list[str]:
    client = CloudServices(provider_config(local_cloud)).dlc
    return [job.display_name for job in client.find_jobs("1", name)]


def test_the_whole_life_of_a_stack(stack: Stack, local_cloud: LocalStack) -> None:
    names = ("customrag", "corpus", "train", "index", "ingest", "alias")
    assert stack.steps() == dict.fromkeys(names, "create")
    shown = stack.up()
    assert "cluster-password" not in shown
    outputs = stack.project.outputs()
    assert outputs["index"] == "chunks-m1"
    assert outputs["documents"] == "2 documents"
    assert outputs["password"] == "[secret]"
    assert stack.cluster.aliases["chunks"] == {"chunks-m1"}
    stack.project.succeed("preview", "--expect-no-changes")
    stack.project.succeed("refresh", "--yes", "--skip-preview", "--expect-no-changes")

    stack.write("a", "changed")
    stack.write("c", "new")
    assert stack.steps() == {"corpus": "update", "ingest": "update"}
    shown = stack.up()
    assert "corpus: 1 changed, 1 added, 0 removed; 1 unchanged" in shown
    assert len(jobs_named(local_cloud, "train-")) == 1
    assert len(jobs_named(local_cloud, "ingest-")) == 2

    stack.cluster.indexes.clear()
    stack.cluster.aliases.clear()
    stack.project.succeed("refresh", "--yes", "--skip-preview")
    assert stack.steps() == {"index": "create", "ingest": "replace", "alias": "create"}
    stack.up()
    assert stack.cluster.aliases["chunks"] == {"chunks-m1"}

    stack.project.succeed("destroy", "--yes", "--skip-preview")
    assert stack.cluster.indexes == {}
    assert jobs_named(local_cloud, "") == []
    state = stack.project.succeed("stack", "export", "--show-secrets=false")
    assert "cluster-password" not in state


def test_an_index_is_gone_back_to_and_forward_again_and_none_outlives_the_stack(
    stack: Stack,
) -> None:
    config, cluster = stack.project.succeed, stack.cluster
    config("config", "set", "keep", "1")
    stack.up()
    config("config", "set", "trainCommand", TRAIN_OTHER)
    stack.up()
    assert cluster.indexes.keys() == {"chunks-m1", "chunks-m2"}
    shown = stack.project.outputs()["generations"]
    assert [item["index_name"] for item in shown] == ["chunks-m2", "chunks-m1"]

    config("config", "set", "pinned", "chunks-m7")
    refused = stack.project.run("preview")
    assert refused.returncode != 0
    assert "cannot go back to index 'chunks-m7'" in refused.stdout
    assert "chunks-m1 (since 20" in refused.stdout
    assert "cluster-password" not in refused.stdout

    config("config", "set", "pinned", "chunks-m1")
    assert stack.steps() == {"alias": "update", "index": "delete", "ingest": "delete"}
    stack.up()
    assert cluster.aliases["chunks"] == {"chunks-m1"}
    assert cluster.indexes.keys() == {"chunks-m1", "chunks-m2"}
    assert stack.project.outputs()["documents"] == "oss://corpus-b/train/"
    stack.project.succeed("preview", "--expect-no-changes")

    config("config", "rm", "pinned")
    made = cluster.made
    stack.up()
    assert (cluster.aliases["chunks"], cluster.made) == ({"chunks-m2"}, made)
    assert cluster.indexes.keys() == {"chunks-m1", "chunks-m2"}
    stack.project.succeed("refresh", "--yes", "--skip-preview", "--expect-no-changes")

    stack.project.succeed("destroy", "--yes", "--skip-preview")
    assert cluster.indexes == {}


def test_an_update_that_failed_and_is_taken_back_leaves_the_index_that_is_read(
    stack: Stack,
) -> None:
    config, cluster = stack.project.succeed, stack.cluster
    config("config", "set", "keep", "0")
    stack.up()
    uuid = cluster.indexes["chunks-m1"]["settings"]["index.uuid"]
    config("config", "set", "suffix", "b")
    cluster.failed_shards = 1
    failed = stack.project.run("up", "--yes", "--skip-preview")
    assert failed.returncode != 0
    assert "alias 'chunks' does not move" in failed.stdout
    cluster.failed_shards = 0
    config("config", "rm", "suffix")
    stack.up()
    assert {name: item["settings"]["index.uuid"] for name, item in cluster.indexes.items()} == {
        "chunks-m1": uuid
    }
    assert cluster.aliases["chunks"] == {"chunks-m1"}
    stack.project.succeed("preview", "--expect-no-changes")


def test_a_wrong_input_fails_the_preview_and_is_named(stack: Stack) -> None:
    stack.project.succeed("config", "set", "trainCommand", "x" * 70_000)
    failed = stack.project.run("preview")
    assert failed.returncode != 0
    assert "CreateJob allows 65536 in total" in failed.stdout


def begin_up(stack: Stack) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [stack.project.pulumi, "up", "--yes", "--skip-preview"],
        cwd=stack.project.folder,
        env=stack.project.environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def wait_for_training(local_cloud: LocalStack) -> None:
    client = CloudServices(provider_config(local_cloud)).dlc

    def running() -> bool:
        return any(job.status == "Running" for job in client.find_jobs("1", "train-"))

    until(running, "the training runs")


def slow_training(stack: Stack, tmp_path: Path) -> Path:
    go = tmp_path / "go"
    command = f"until [ -e {go} ]; do sleep 0.05; done; {TRAIN}"
    stack.project.succeed("config", "set", "trainCommand", command)
    return go


def test_an_engine_killed_in_a_training_takes_the_job_up_again(
    stack: Stack, local_cloud: LocalStack, tmp_path: Path
) -> None:
    go = slow_training(stack, tmp_path)
    engine = begin_up(stack)
    try:
        wait_for_training(local_cloud)
        os.kill(engine.pid, signal.SIGKILL)
    finally:
        end(engine)
    go.touch()
    stack.project.run("cancel", "--yes")
    shown = stack.up()
    assert "was not run again" in shown
    assert len(jobs_named(local_cloud, "train-")) == 1


def test_ctrl_c_in_a_training_ends_promptly_and_destroy_stops_the_job(
    stack: Stack, local_cloud: LocalStack, tmp_path: Path
) -> None:
    slow_training(stack, tmp_path)
    engine = begin_up(stack)
    try:
        wait_for_training(local_cloud)
        os.kill(engine.pid, signal.SIGINT)
        shown, _ = engine.communicate(timeout=30)
    finally:
        end(engine)
    assert "keeps running" in shown
    stack.project.succeed("destroy", "--yes", "--skip-preview")
    assert jobs_named(local_cloud, "train-") == []
