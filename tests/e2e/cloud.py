"""The contents of a checkout's local cloud, read with the vendors' own clients.

Owns the tests' view of jobs, indexes, objects and processes.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import oss2
import psutil
from elasticsearch import Elasticsearch
from opensearchpy import OpenSearch

from localcloud import control
from localcloud.core.errors import LocalCloudError
from providers.clients.credentials import credentials_provider
from providers.clients.dlc import DlcClient, Job
from providers.clients.errors import ClientError
from providers.clients.generic import GenericClient
from providers.clients.kms import get_secret_value
from providers.clients.opensearch import client as connect_opensearch
from tests.e2e.checkout import Checkout

ELASTICSEARCH_SECRET = "customrag-local-elasticsearch-password"
TRAINING_JOB = "customrag-local-embedding-"
INGEST_JOB = "customrag-local-ingest-"


# Marks a secret in the state. Its ciphertext changes with every export.
_SECRET_MARK = "4dabf18193072939515e22adb298388d"


def _without_secrets(value: dict[str, Any]) -> Any:
    if _SECRET_MARK in value:
        return "[secret]"
    return value


@dataclass(frozen=True)
class Cloud:
    """The local cloud of one checkout."""

    checkout: Checkout

    def outputs(self) -> dict[str, Any]:
        """Return the stack's outputs."""
        done = self.checkout.pulumi("stack", "output", "--json", "--stack", "local").check()
        found: dict[str, Any] = json.loads(done.output)
        return found

    def exported(self) -> dict[str, dict[str, Any]]:
        """Return id, inputs and outputs of the stack's resources by name, from the engine's state.

        Secrets are left out.
        """
        done = self.checkout.pulumi("stack", "export", "--stack", "local").check()
        state = json.loads(done.output, object_hook=_without_secrets)
        resources = state["deployment"].get("resources", [])
        return {
            resource["urn"].rpartition("::")[2]: {
                part: resource.get(part) for part in ("id", "inputs", "outputs")
            }
            for resource in resources
        }

    def dlc(self) -> DlcClient:
        """Return a client of PAI DLC with the account's key."""
        platform = self.checkout.platform()
        return DlcClient(platform.endpoints["api"], platform.region_id, self.credentials())

    def credentials(self) -> Any:
        """Return the account's key, for a client."""
        platform = self.checkout.platform()
        return credentials_provider(
            access_key_id=platform.access_key_id, access_key_secret=platform.access_key_secret
        )

    def ecs(self, action: str, instance_id: str) -> None:
        """`StopInstances` or `StartInstances` of one ECS instance."""
        platform = self.checkout.platform()
        client = GenericClient(platform.endpoints["api"], platform.region_id, self.credentials())
        parameters = {"RegionId": platform.region_id, "InstanceId.1": instance_id}
        client.rpc(action, "2014-05-26", parameters)

    def jobs(self, prefix: str) -> list[Job]:
        """Return the jobs of a name, oldest first; empty before the local cloud runs."""
        with suppress(ClientError, LocalCloudError):
            return self.dlc().find_jobs("", prefix)
        return []

    def job_log(self, prefix: str) -> str:
        """Return the log of the latest job of a name; empty without such a job."""
        jobs = self.jobs(prefix)
        if not jobs:
            return ""
        with suppress(ClientError):
            return "\n".join(self.dlc().log_lines(jobs[-1], max_lines=1000))
        return ""

    def bucket(self, name: str) -> Any:
        """Return an OSS bucket with the account's key."""
        platform = self.checkout.platform()
        auth = oss2.AuthV4(platform.access_key_id, platform.access_key_secret)
        return oss2.Bucket(auth, platform.endpoints["oss"], name, region=platform.region_id)

    @contextmanager
    def search(self, url: str) -> Iterator[Elasticsearch]:
        """Return a signed-in client of the search cluster."""
        platform = self.checkout.platform()
        password = get_secret_value(
            platform.endpoints["api"],
            platform.region_id,
            ELASTICSEARCH_SECRET,
            self.credentials(),
        )
        client = Elasticsearch(url, basic_auth=("elastic", password), request_timeout=60)
        try:
            yield client
        finally:
            client.close()

    @contextmanager
    def opensearch(self, user: str) -> Iterator[OpenSearch]:
        """Yield a client of the OpenSearch cluster, signed in as one of its users."""
        found, platform = self.exported(), self.checkout.platform()
        password = get_secret_value(
            platform.endpoints["api"],
            platform.region_id,
            f"customrag-local-opensearch-{user}",
            self.credentials(),
        )
        address = found["opensearch-data-1"]["outputs"]["primaryIpAddress"]
        certificate = found["opensearch-ca"]["outputs"]["certificatePem"]
        client = connect_opensearch(f"https://{address}:9200", user, password, certificate)
        try:
            yield client
        finally:
            client.close()

    def indexed(self, url: str, index: str) -> dict[str, int]:
        """Return the number of chunks of each document in the index."""
        with self.search(url) as client:
            client.indices.refresh(index=index)
            answer = client.search(
                index=index,
                size=0,
                track_total_hits=True,
                aggs={"documents": {"terms": {"field": "document_key", "size": 10_000}}},
            )
            buckets = answer["aggregations"]["documents"]["buckets"]
            found = {bucket["key"]: int(bucket["doc_count"]) for bucket in buckets}
            assert sum(found.values()) == answer["hits"]["total"]["value"]
            return found

    def supervised(self) -> list[dict[str, Any]]:
        """Return the processes of the local cloud; empty while it does not run."""
        with suppress(LocalCloudError):
            rows = control.call(self.checkout.platform(), "GET", "/_local/status")["processes"]
            return list(rows)
        return []

    def pid(self, matches: Callable[[str], bool]) -> int:
        """Return the process id of the one running process with a matching name.

        Raises:
            AssertionError: There is not exactly one.
        """
        found = [row for row in self.supervised() if matches(row["name"]) and row["pid"]]
        assert len(found) == 1, f"expected one process, found {found}"
        return int(found[0]["pid"])


def kill_tree(pid: int) -> None:
    """`kill -9` a process and its descendants, like a machine that fails."""
    with suppress(psutil.NoSuchProcess):
        top = psutil.Process(pid)
        for process in [top, *top.children(recursive=True)]:
            with suppress(psutil.NoSuchProcess):
                process.kill()
