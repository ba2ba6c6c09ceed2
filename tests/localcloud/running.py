"""A local cloud inside the test process: the API and OSS on their own loopback addresses."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import oss2
import psutil
import uvicorn

from localcloud import registry
from localcloud.core.access import ATTACHMENTS, POLICIES, ROLES
from localcloud.core.home import data_dir, init_home
from localcloud.core.resources import Context
from localcloud.daemon import application, make_context
from localcloud.oss.application import Application
from localcloud.oss.server import Server
from localcloud.oss.storage import Storage


@dataclass(frozen=True)
class LocalStack:
    """A running local cloud.

    Attributes:
        context: What its services share.
    """

    context: Context

    @property
    def home(self) -> Path:
        """The stack's home."""
        return self.context.platform.home

    def bucket(self, name: str) -> Any:
        """Return a client of an OSS bucket that uses the account's key."""
        platform = self.context.platform
        auth = oss2.AuthV4(platform.access_key_id, platform.access_key_secret)
        return oss2.Bucket(auth, platform.endpoints["oss"], name, region=platform.region_id)

    def make_bucket(self, name: str) -> Any:
        """Create an OSS bucket."""
        bucket = self.bucket(name)
        bucket.create_bucket()
        return bucket

    def handler(self, token: str) -> Any:
        """Return the handler of a declared resource type."""
        return registry.handlers()[token]

    def make(self, token: str, inputs: dict[str, Any]) -> Any:
        """Create a declared resource through its handler."""
        return self.handler(token).create(inputs, self.context)

    def make_role(self, name: str, service: str, statements: list[dict[str, Any]]) -> str:
        """Create a RAM role with one policy; return its ARN."""
        trust = {
            "Version": "1",
            "Statement": [
                {
                    "Action": "sts:AssumeRole",
                    "Effect": "Allow",
                    "Principal": {"Service": [service]},
                }
            ],
        }
        document = json.dumps({"Version": "1", "Statement": statements})
        store = self.context.store
        store.table(ROLES).put(
            name, {"trust_policy": json.dumps(trust), "max_session_duration": 3600}
        )
        store.table(POLICIES).put(name, {"document": document})
        store.table(ATTACHMENTS).put(name, {"role_name": name, "policy_name": name})
        return f"acs:ram::{self.context.platform.account_id}:role/{name}"


@contextmanager
def served(app: Any, endpoint: str) -> Iterator[None]:
    """Serve an ASGI application on an endpoint, in a thread."""
    address = urlsplit(endpoint)
    config = uvicorn.Config(
        app,
        host=address.hostname or "",
        port=address.port or 0,
        log_level="warning",
        access_log=False,
        lifespan="off",
        timeout_graceful_shutdown=1,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    until(lambda: server.started, "the server starts")
    try:
        yield
    finally:
        server.should_exit = True
        thread.join()


@contextmanager
def running_stack(
    home: Path,
    services: Sequence[str],
    prepare: Callable[[Context], None] = lambda _: None,
    *,
    leave_processes: bool = False,
) -> Iterator[LocalStack]:
    """Run a local cloud with its API and OSS, and stop its processes at the end.

    Args:
        home: The home folder; created if missing.
        services: The services to run beside OSS.
        prepare: Called before the servers start.
        leave_processes: Leave the processes running at the end, as a killed daemon does.
    """
    init_home(home)
    context = make_context(home)
    prepare(context)
    with ExitStack() as stack:
        stack.callback(context.store.close)
        supervisor = context.supervisor
        stack.callback(supervisor.detach if leave_processes else supervisor.stop_all)
        workers = registry.workers(context, services)
        for worker in workers:
            stack.callback(worker.close)
        platform = context.platform
        storage = Storage(data_dir(home, "oss"))
        stack.callback(storage.close)
        stack.enter_context(
            served(
                Application(Server(platform, context.access, storage)), platform.endpoints["oss"]
            )
        )
        stack.enter_context(
            served(application(context, lambda: None, services=services), platform.endpoints["api"])
        )
        for worker in workers:
            worker.start()
        yield LocalStack(context)


def until(condition: Callable[[], Any], what: str, deadline_seconds: float = 180.0) -> Any:
    """Poll until the condition is true, and return its value."""
    deadline = time.monotonic() + deadline_seconds
    pause = threading.Event()
    while True:
        found = condition()
        if found:
            return found
        assert time.monotonic() < deadline, f"not within {deadline_seconds} s: {what}"
        pause.wait(0.02)


def lives(process: psutil.Process) -> bool:
    """Return whether a process is running; a zombie is not."""
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE


def listens(host: str, port: int) -> bool:
    """Return whether a server listens at this address."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((host, port)) == 0
