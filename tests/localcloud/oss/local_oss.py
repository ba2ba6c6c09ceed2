"""A local OSS inside the test process, on its own loopback address."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import oss2
import uvicorn

from localcloud.core.access import ATTACHMENTS, POLICIES, ROLES, AccessControl, Principal
from localcloud.core.home import Platform, data_dir, init_home
from localcloud.core.store import Store, open_store
from localcloud.oss.__main__ import uvicorn_config
from localcloud.oss.application import Application
from localcloud.oss.server import Server
from localcloud.oss.storage import Storage


class TrackedSession(oss2.Session):  # type: ignore[misc]  # oss2 has no annotations
    """A session that can close the replies that oss2 leaves open."""

    def __init__(self) -> None:
        super().__init__(pool_size=100)
        self._replies: list[Any] = []

    def do_request(self, req: Any, timeout: Any) -> Any:
        """Send a request."""
        reply = super().do_request(req, timeout)
        self._replies.append(reply.response)
        return reply

    def close_replies(self) -> None:
        """Close every reply so far."""
        while self._replies:
            self._replies.pop().close()

    def close(self) -> None:
        """Close everything."""
        self.close_replies()
        self.session.close()


class Clock:
    """The time plus an offset that a test sets."""

    def __init__(self) -> None:
        self.offset_seconds = 0.0

    def __call__(self) -> float:
        """Return seconds since the epoch."""
        return time.time() + self.offset_seconds


@dataclass
class LocalOss:
    """A running local OSS and clients of it."""

    platform: Platform
    store: Store
    access: AccessControl
    storage: Storage
    clock: Clock
    connections: TrackedSession = field(default_factory=TrackedSession)
    names: Iterator[int] = field(default_factory=lambda: iter(range(10**6)))

    @property
    def endpoint(self) -> str:
        """The server's URL."""
        return self.platform.endpoints["oss"]

    def auth(self) -> Any:
        """Return the account's key."""
        return oss2.AuthV4(self.platform.access_key_id, self.platform.access_key_secret)

    def client(self, name: str, auth: Any = None) -> Any:
        """Return an ``oss2.Bucket``."""
        return oss2.Bucket(
            auth or self.auth(),
            self.endpoint,
            name,
            session=self.connections,
            region=self.platform.region_id,
        )

    def service(self, auth: Any = None) -> Any:
        """Return an ``oss2.Service``."""
        return oss2.Service(
            auth or self.auth(),
            self.endpoint,
            session=self.connections,
            region=self.platform.region_id,
        )

    def make_bucket(self) -> Any:
        """Create a bucket with a new name."""
        bucket = self.client(f"bucket-{next(self.names)}")
        bucket.create_bucket()
        return bucket

    def session(self, role_name: str, *statements: dict[str, Any]) -> Principal:
        """Return a session of a role whose policy has these statements."""
        document = json.dumps({"Version": "1", "Statement": list(statements)})
        self.store.table(ROLES).put(role_name, {"trust_policy": "{}", "max_session_duration": 3600})
        self.store.table(POLICIES).put(role_name, {"document": document})
        self.store.table(ATTACHMENTS).put(
            role_name, {"role_name": role_name, "policy_name": role_name}
        )
        return self.access.issue(role_name, "test", 900)

    def as_role(self, bucket_name: str, session: Principal) -> Any:
        """Return the bucket with the credentials of a role's session."""
        auth = oss2.StsAuth(
            session.access_key_id,
            session.access_key_secret,
            session.security_token,
            auth_version="v4",
        )
        return self.client(bucket_name, auth)

    def reset(self) -> None:
        """Delete every bucket with its content."""
        with self.storage._database.transaction() as transaction:
            for table in ("uploads", "versions", "buckets"):
                transaction.execute(f"DELETE FROM {table}")  # noqa: S608 - constants
        self.storage.blobs.sweep(set())

    def anonymously(self, bucket_name: str) -> Any:
        """Return the bucket without credentials."""
        return self.client(bucket_name, oss2.AnonymousAuth())


@contextmanager
def running_oss(home: Path) -> Iterator[LocalOss]:
    """Run a local OSS until the end of the ``with`` block."""
    platform = init_home(home)
    store = open_store(home)
    access = AccessControl(home, store)
    clock = Clock()
    storage = Storage(data_dir(home, "oss"), clock)
    address = urlsplit(platform.endpoints["oss"])
    config = uvicorn_config(
        Application(Server(platform, access, storage)), address.hostname or "", address.port or 0
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    until(lambda: server.started, "the server starts")
    oss = LocalOss(platform, store, access, storage, clock)
    try:
        yield oss
    finally:
        oss.connections.close()
        server.should_exit = True
        server.force_exit = True
        thread.join()
        storage.close()
        store.close()


def until(condition: Callable[[], Any], what: str, deadline_seconds: float = 30.0) -> Any:
    """Poll until the condition is true, and return its result."""
    deadline = time.monotonic() + deadline_seconds
    pause = threading.Event()
    while not (found := condition()):
        assert time.monotonic() < deadline, f"not within {deadline_seconds} s: {what}"
        pause.wait(0.02)
    return found


def code_of(call: Callable[[], Any]) -> tuple[int, str]:
    """Return the HTTP status and the error code of a call that fails."""
    try:
        call()
    except oss2.exceptions.ServerError as error:
        return error.status, error.code
    raise AssertionError("the call did not fail")
