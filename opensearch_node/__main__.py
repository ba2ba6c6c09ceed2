"""Run OpenSearch on this node: ``python -m opensearch_node``.

It writes the configuration, starts the engine, and then watches KMS: a renewed certificate is
loaded without a restart, a new password reaches the cluster's users. It deploys a model that the
engine could not deploy again by itself after a restart. It ends with the engine, and
systemd starts both again.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from types import FrameType
from typing import Final, TypeVar

import httpx
from pydantic import ValidationError

from opensearch_node import engine
from opensearch_node.errors import AuthorityChangedError, NodeError
from opensearch_node.package import provide_package
from opensearch_node.secrets import Secrets, read_secrets
from opensearch_node.security import AdminClient
from opensearch_node.settings import NodeSettings
from providers.clients.errors import ClientError

__all__ = ["Watcher", "main"]

# The RAM role is attached after the instance exists; until then KMS rejects requests.
_SECRETS_SECONDS: Final = 600.0
_RETRY_SECONDS: Final = 2.0
_WATCH_SECONDS: Final = 30.0
_READY_POLL_SECONDS: Final = 1.0

_T = TypeVar("_T")


class Watcher:
    """Brings the running engine up to date with KMS, and models that lapsed back to work.

    Args:
        settings: The node's settings.
        secrets: What the engine was started with.
        read: Reads the secrets again.
        admin: Makes a client of the engine's API.
    """

    def __init__(
        self,
        settings: NodeSettings,
        secrets: Secrets,
        *,
        read: Callable[[], Secrets],
        admin: Callable[[], AdminClient],
    ) -> None:
        self._settings = settings
        self._loaded = secrets
        self._applied: Secrets | None = None
        self._deployed: set[str] = set()
        self._read = read
        self._admin = admin

    def is_ready(self) -> bool:
        """Return whether the engine answers."""
        with self._admin() as client:
            return client.is_ready()

    def look(self) -> None:
        """Apply what changed in KMS since the last look, and deploy lapsed models.

        After an error, the next look tries again.

        Raises:
            AuthorityChangedError: The engine must be restarted.
        """
        try:
            current = self._read()
            if current.certificates.ca != self._loaded.certificates.ca:
                raise AuthorityChangedError(
                    "another authority signed the certificates; restarting the engine"
                )
            self._renew(current)
            if self._applied is None or self._applied.passwords != current.passwords:
                with self._admin() as client:
                    client.apply(self._settings.opensearch_index_prefix, current.passwords)
                self._applied = current
                print("opensearch: the users have their passwords", flush=True)
            self._deploy_lapsed()
        except AuthorityChangedError:
            raise
        except (ClientError, NodeError, httpx.HTTPError) as error:
            print(f"opensearch: trying again later: {error}", file=sys.stderr, flush=True)

    def _renew(self, current: Secrets) -> None:
        if current.certificates == self._loaded.certificates:
            return
        current.certificates.write(self._settings.configuration)
        with self._admin() as client:
            client.reload_certificates()
        self._loaded = replace(self._loaded, certificates=current.certificates)
        print("opensearch: loaded the renewed certificates", flush=True)

    def _deploy_lapsed(self) -> None:
        """Deploy each lapsed model once: another failure has a cause that a repetition keeps."""
        with self._admin() as client:
            for model_id in set(client.lapsed_models()) - self._deployed:
                self._deployed.add(model_id)
                client.deploy(model_id)
                print(f"opensearch: deploying model {model_id} again", flush=True)


def _until(function: Callable[[], _T], seconds: float, stopping: threading.Event) -> _T:
    """Repeat `function` while it raises a ClientError, for `seconds` at most."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            return function()
        except ClientError as error:
            if time.monotonic() > deadline or stopping.is_set():
                raise
            print(f"opensearch: trying again: {error}", file=sys.stderr, flush=True)
            stopping.wait(_RETRY_SECONDS)


def _run(settings: NodeSettings, stopping: threading.Event) -> int:
    secrets = _until(lambda: read_secrets(settings), _SECRETS_SECONDS, stopping)
    package = _until(lambda: provide_package(settings), _SECRETS_SECONDS, stopping)
    engine.prepare(settings, package, secrets.certificates)
    process = engine.start(settings, package)
    watcher = Watcher(
        settings,
        secrets,
        read=lambda: read_secrets(settings),
        admin=lambda: AdminClient(settings.url, settings.configuration),
    )
    try:
        return _watch(process, watcher, stopping)
    finally:
        if process.poll() is None:
            engine.stop(process)


def _watch(process: subprocess.Popen[bytes], watcher: Watcher, stopping: threading.Event) -> int:
    """Return the engine's exit code; 0 if this program was asked to stop."""
    ready = False
    while process.poll() is None:
        if ready:
            watcher.look()
        else:
            ready = watcher.is_ready()
            if ready:
                watcher.look()
        if stopping.wait(_WATCH_SECONDS if ready else _READY_POLL_SECONDS):
            return 0
    return process.returncode or 1


def main() -> int:
    """Run the node until a signal or the engine's end, and return the exit code."""
    stopping = threading.Event()

    def stop(number: int, frame: FrameType | None) -> None:
        stopping.set()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    try:
        return _run(NodeSettings(), stopping)  # type: ignore[call-arg]  # From the environment.
    except ValidationError as error:
        wrong = "; ".join(
            f"CUSTOMRAG_{'_'.join(map(str, item['loc'])).upper()}: {item['msg']}"
            for item in error.errors()
        )
        print(f"opensearch: the node's settings are wrong: {wrong}", file=sys.stderr, flush=True)
    except (NodeError, ClientError) as error:
        print(f"opensearch: {error}", file=sys.stderr, flush=True)
    return 1


if __name__ == "__main__":
    raise SystemExit(main())
