"""A plugin's connection to its engine: where to log, and whether the user has cancelled.

Owns the engine's log channel and the cancel event. It does not serve the plugin (``server``).
"""

from __future__ import annotations

import contextlib
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Literal

import grpc
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc

from pluginhost.errors import OperationCancelledError

__all__ = ["Host"]

Severity = Literal["debug", "info", "warning", "error"]
_SEVERITIES = {
    "debug": engine_pb2.DEBUG,
    "info": engine_pb2.INFO,
    "warning": engine_pb2.WARNING,
    "error": engine_pb2.ERROR,
}
_LOG_TIMEOUT_SECONDS = 5.0


class Host:
    """The engine as a plugin sees it; every method may be called from any thread.

    Args:
        engine_address: ``host:port`` of the engine. None discards messages, for a unit test or a
            plugin that the engine attached to.
    """

    def __init__(self, engine_address: str | None = None) -> None:
        self.engine_address = engine_address
        self.cancelled = threading.Event()
        self._channel: grpc.Channel | None = None
        self._sender: ThreadPoolExecutor | None = None

    def status(self, urn: str, message: str) -> None:
        """Show one line of progress beside the resource, until the next line replaces it."""
        self._send("info", " ".join(message.split()), urn, ephemeral=True)

    def log(self, urn: str, message: str, severity: Severity = "info") -> None:
        """Print a message under the resource, or under the stack when ``urn`` is empty."""
        self._send(severity, message, urn, ephemeral=False)

    def wait(self, seconds: float) -> None:
        """Sleep, or raise as soon as the user cancels the update.

        Raises:
            OperationCancelledError: The user has cancelled.
        """
        if self.cancelled.wait(seconds):
            raise OperationCancelledError("the update was cancelled")

    def flush(self) -> None:
        """Wait until the engine has every message logged so far, for at most ten seconds."""
        if self._sender is not None:
            with contextlib.suppress(TimeoutError):
                self._sender.submit(lambda: None).result(timeout=2 * _LOG_TIMEOUT_SECONDS)

    def close(self) -> None:
        """Close the connection to the engine."""
        if self._sender is not None:
            self._sender.shutdown(wait=False, cancel_futures=True)
        if self._channel is not None:
            self._channel.close()

    def _send(self, severity: Severity, message: str, urn: str, *, ephemeral: bool) -> None:
        if self.engine_address is None:
            return
        if self._sender is None:
            self._channel = grpc.insecure_channel(self.engine_address)
            # One thread keeps the messages in order, and callers do not wait for it.
            self._sender = ThreadPoolExecutor(max_workers=1, thread_name_prefix="engine log")
        request = engine_pb2.LogRequest(
            severity=_SEVERITIES[severity], message=message, urn=urn, ephemeral=ephemeral
        )
        self._sender.submit(self._deliver, request)

    def _deliver(self, request: engine_pb2.LogRequest) -> None:
        if self._channel is None:
            return
        # An engine that does not answer has ended or is ending. The server watches for that.
        with contextlib.suppress(grpc.RpcError):
            engine_pb2_grpc.EngineStub(self._channel).Log(request, timeout=_LOG_TIMEOUT_SECONDS)
