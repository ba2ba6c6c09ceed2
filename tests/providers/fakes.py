"""In-memory clients, a clock that no test waits for, and the engine's steps in small.

They stand in for services at the seam the handlers use. What they cannot prove, that the vendors'
services answer this way, is shown by the tests of the clients and those against the local cloud.
"""

from __future__ import annotations

import asyncio
import dataclasses
import hashlib
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pulumi.provider.experimental import provider as sdk

from pluginhost import (
    DeleteRequest,
    DiffRequest,
    Host,
    OperationCancelledError,
    PartialError,
    UpdateRequest,
    decode_map,
    encode_map,
)
from providers.clients.dlc import TERMINAL_STATUSES, Job, Pod
from providers.clients.errors import (
    ConflictError,
    ConnectionFailedError,
    ContentMismatchError,
    NotFoundError,
)
from providers.clients.oss import ObjectInfo, file_digests
from providers.clients.oss_uri import OssUri, parse_oss_uri
from providers.plugin.server import CustomragProvider


class Clock:
    """Time that passes only while a caller waits."""

    def __init__(self, host: Host) -> None:
        self.now = 0.0
        self.host = host
        self.on_wait: Callable[[float], None] | None = None

    def __call__(self) -> float:
        return self.now

    def wait(self, seconds: float) -> None:
        self.now += seconds
        if self.on_wait:
            self.on_wait(self.now)
        if self.host.cancelled.is_set():
            raise OperationCancelledError("the update was cancelled")


class RecordingHost(Host):
    """A host that keeps what it would have told the engine."""

    def __init__(self) -> None:
        super().__init__()
        self.statuses: list[str] = []
        self.messages: list[tuple[str, str]] = []

    def status(self, urn: str, message: str) -> None:
        self.statuses.append(message)

    def log(self, urn: str, message: str, severity: str = "info") -> None:
        self.messages.append((severity, message))


class FakeOss:
    """Objects in a dictionary."""

    def __init__(self, *buckets: str) -> None:
        self.buckets: dict[str, dict[str, bytes]] = {name: {} for name in buckets}
        self.uploaded: list[str] = []
        self.fail_after: int | None = None
        self._begun = 0
        self._begun_lock = threading.Lock()

    def _objects(self, bucket: str) -> dict[str, bytes]:
        if bucket not in self.buckets:
            raise NotFoundError("there is no such bucket", code="NoSuchBucket")
        return self.buckets[bucket]

    @staticmethod
    def _info(key: str, content: bytes) -> ObjectInfo:
        etag = hashlib.md5(content, usedforsecurity=False).hexdigest().upper()
        return ObjectInfo(key=key, size_bytes=len(content), etag=etag)

    def list(self, prefix: str | OssUri) -> Iterator[ObjectInfo]:
        uri = parse_oss_uri(prefix)
        for key, content in sorted(self._objects(uri.bucket).items()):
            if key.startswith(uri.key):
                yield self._info(key, content)

    def put_bytes(
        self, uri: str | OssUri, data: bytes, *, content_type: str | None = None
    ) -> ObjectInfo:
        target = parse_oss_uri(uri)
        self._objects(target.bucket)[target.key] = data
        return self._info(target.key, data)

    def upload_file(
        self, path: str | Path, uri: str | OssUri, *, expected_sha256: str | None = None
    ) -> ObjectInfo:
        # Uploads run side by side: which one is the third is decided by who begins third.
        with self._begun_lock:
            self._begun += 1
            cut_off = self.fail_after is not None and self._begun > self.fail_after
        if cut_off:
            raise ConnectionFailedError("connection reset", operation="PutObject")
        sha256, _, _ = file_digests(Path(path))
        if expected_sha256 not in (None, sha256):
            raise ContentMismatchError(f"SHA-256 {sha256}, expected {expected_sha256}")
        self.uploaded.append(parse_oss_uri(uri).key)
        return self.put_bytes(uri, Path(path).read_bytes())

    def get_json(self, uri: str | OssUri) -> Any:
        target = parse_oss_uri(uri)
        objects = self._objects(target.bucket)
        if target.key not in objects:
            raise NotFoundError("there is no such object", code="NoSuchKey")
        return json.loads(objects[target.key])

    def head(self, uri: str | OssUri) -> ObjectInfo:
        target = parse_oss_uri(uri)
        objects = self._objects(target.bucket)
        if target.key not in objects:
            raise NotFoundError("there is no such object", code="NoSuchKey")
        return self._info(target.key, objects[target.key])

    def presigned_url(self, uri: str | OssUri, seconds: int, *, endpoint: str | None = None) -> str:
        target = parse_oss_uri(uri)
        host = endpoint or "oss.example.com"
        return f"https://{target.bucket}.{host}/{target.key}?x-oss-signature=hush&e={seconds}"

    def delete(self, uri: str | OssUri) -> None:
        target = parse_oss_uri(uri)
        self._objects(target.bucket).pop(target.key, None)

    def delete_many(self, bucket: str, keys: list[str]) -> None:
        for key in keys:
            self._objects(bucket).pop(key, None)


class FakeDlc:
    """Jobs that go through the statuses they are given, one a look."""

    def __init__(self) -> None:
        self.jobs: dict[str, Job] = {}
        self.scripts: dict[str, list[str]] = {}
        self.script: list[str] = ["Queuing", "Running", "Succeeded"]
        self.bodies: list[dict[str, Any]] = []
        self.lines = ["step 119/300", "step 120/300, loss 0.41"]
        self.reply_lost = False
        self.on_success: Callable[[Job], None] | None = None
        self.log_error: Exception | None = None
        self.stopped: list[str] = []
        self.outage_until = 0
        self.looks = 0

    @property
    def created(self) -> list[str]:
        return [body["DisplayName"] for body in self.bodies]

    def add(self, display_name: str, status: str, **fields: Any) -> Job:
        number = len(self.jobs) + len(self.stopped) + 1
        job = Job(
            job_id=f"dlc{number}",
            display_name=display_name,
            status=status,
            created_at=f"2026-11-21T00:00:{number:02d}Z",
            pods=(Pod(pod_id="pod-0", pod_uid="uid", type="Worker", status=status),),
            **fields,
        )
        self.jobs[job.job_id] = job
        return job

    def create_job(self, body: Mapping[str, Any]) -> str:
        self.bodies.append(dict(body))
        job = self.add(str(body["DisplayName"]), "Creating")
        self.scripts[job.job_id] = list(self.script)
        if self.reply_lost:
            raise ConnectionFailedError("read timed out", operation="CreateJob")
        return job.job_id

    def find_jobs(self, workspace_id: str, display_name_prefix: str) -> list[Job]:
        found = [
            job for job in self.jobs.values() if job.display_name.startswith(display_name_prefix)
        ]
        return sorted(found, key=lambda job: job.created_at)

    def get_job(self, job_id: str) -> Job:
        self.looks += 1
        if self.looks <= self.outage_until:
            raise ConnectionFailedError("connection refused", operation="GetJob")
        if job_id not in self.jobs:
            raise NotFoundError("there is no such job", code="JobNotFound")
        script = self.scripts.get(job_id)
        job = self.jobs[job_id]
        if script and not job.finished:
            job = dataclasses.replace(
                job, status=script.pop(0), duration_seconds=job.duration_seconds + 65
            )
            self.jobs[job_id] = job
            if job.succeeded and self.on_success:
                self.on_success(job)
        return job

    def stop_job(self, job_id: str) -> None:
        if self.get_job(job_id).status in TERMINAL_STATUSES:
            raise ConflictError("the job has finished")
        self.stopped.append(job_id)
        self.scripts[job_id] = ["Stopping", "Stopped"]

    def delete_job(self, job_id: str) -> None:
        self.jobs.pop(job_id, None)

    def log_lines(self, job: Job, *, max_lines: int = 50) -> list[str]:
        if self.log_error:
            raise self.log_error
        return self.lines[-max_lines:]


@dataclasses.dataclass
class FakeServices:
    """The clients of one test."""

    oss: Any
    dlc: Any
    search: Any = None
    elasticsearch_instances: Any = None
    ecs_instances: Any = None
    scaling: Any = None

    def elasticsearch(self, endpoint: str, username: str, password: str) -> Any:
        return self.search(endpoint) if callable(self.search) else self.search

    def opensearch(
        self, endpoint: str, username: str, password: str, ca: str | None, timeout: float
    ) -> Any:
        return self.search(endpoint) if callable(self.search) else self.search


@dataclasses.dataclass
class State:
    """What the engine keeps of a resource."""

    id: str
    inputs: dict[str, Any]
    outputs: dict[str, Any]
    failed: bool = False


class Engine:
    """The engine's steps for one resource, in the order the real one takes them."""

    def __init__(self, token: str, services: FakeServices) -> None:
        self.token = token
        self.urn = f"urn:pulumi:test::project::{token}::name"
        self.host = RecordingHost()
        self.clock = Clock(self.host)
        self.now = datetime(2026, 12, 1, 10, 30, tzinfo=UTC)
        self.provider = CustomragProvider(
            services=lambda config: services,
            clock=self.clock,
            wait=self.clock.wait,
            now=lambda: self.now,
        )
        self.provider.host = self.host
        self.state: State | None = None

    def check(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """Check inputs; the failures as ``{property: reason}`` under the key ``failures``."""
        request = sdk.CheckRequest(self.urn, {}, encode_map(inputs), b"")
        response = asyncio.run(self.provider.check(request))
        return {
            "inputs": decode_map(response.inputs or {}),
            "failures": {item.property: item.reason for item in response.failures or ()},
        }

    def diff(self, inputs: Mapping[str, Any]) -> sdk.DiffResponse:
        assert self.state is not None
        request = DiffRequest(
            self.urn,
            self.state.id,
            encode_map(self.state.outputs),
            encode_map(self.check(inputs)["inputs"]),
            [],
            old_inputs=encode_map(self.state.inputs),
        )
        return asyncio.run(self.provider.diff(request))

    def preview(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """Return outputs that a preview shows: of a create, or of an update in place."""
        news = encode_map(self.check(inputs)["inputs"])
        if self.state is None:
            created = asyncio.run(self.provider.create(sdk.CreateRequest(self.urn, news, 0, True)))
            return decode_map(created.properties)
        return decode_map(asyncio.run(self.provider.update(self._update(news, True))).properties)

    def _update(self, news: Any, preview: bool) -> UpdateRequest:
        assert self.state is not None
        return UpdateRequest(
            self.urn,
            self.state.id,
            encode_map(self.state.outputs),
            news,
            old_inputs=encode_map(self.state.inputs),
            timeout=0,
            ignore_changes=[],
            preview=preview,
        )

    def up(self, inputs: Mapping[str, Any]) -> str:
        """Bring the resource to its inputs; what was done: create, update, replace or same.

        Raises:
            ProviderError: As the user would see it; the state is kept as the engine keeps it.
        """
        checked = self.check(inputs)
        assert not checked["failures"], checked["failures"]
        if self.state is None:
            self._create(checked["inputs"])
            return "create"
        difference = self.diff(inputs)
        if difference.replaces:
            old, self.state = self.state, None
            if difference.delete_before_replace:
                self._delete(old)
            self._create(checked["inputs"])
            if not difference.delete_before_replace:
                self._delete(old)
            return "replace"
        if not difference.changes and not self.state.failed:
            self.state.inputs = checked["inputs"]
            return "same"
        request = self._update(encode_map(checked["inputs"]), False)
        try:
            response = asyncio.run(self.provider.update(request))
        except PartialError as error:
            self.state = State(error.resource_id, checked["inputs"], error.properties, True)
            raise
        self.state = State(self.state.id, checked["inputs"], decode_map(response.properties))
        return "update"

    def _create(self, inputs: dict[str, Any]) -> None:
        request = sdk.CreateRequest(self.urn, encode_map(inputs), 0, False)
        try:
            response = asyncio.run(self.provider.create(request))
        except PartialError as error:
            self.state = State(error.resource_id, inputs, error.properties, True)
            raise
        self.state = State(str(response.resource_id), inputs, decode_map(response.properties))

    def refresh(self) -> State | None:
        assert self.state is not None
        request = sdk.ReadRequest(
            self.urn,
            self.state.id,
            encode_map(self.state.outputs),
            encode_map(self.state.inputs),
        )
        response = asyncio.run(self.provider.read(request))
        if not response.resource_id:
            self.state = None
        else:
            self.state = State(
                response.resource_id, decode_map(response.inputs), decode_map(response.properties)
            )
        return self.state

    def destroy(self) -> None:
        if self.state is not None:
            self._delete(self.state)
            self.state = None

    def _delete(self, state: State) -> None:
        request = DeleteRequest(
            self.urn,
            state.id,
            encode_map(state.outputs),
            0,
            old_inputs=encode_map(state.inputs),
        )
        asyncio.run(self.provider.delete(request))

    @property
    def log(self) -> str:
        return "\n".join(message for _, message in self.host.messages)
