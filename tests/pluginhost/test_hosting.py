"""A hosted plugin as a process, over gRPC, with a fake engine to log to."""

from __future__ import annotations

import signal
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
import psutil
import pytest
from google.protobuf import empty_pb2
from pulumi.provider.experimental.property_value import PropertyValue
from pulumi.runtime import proto
from pulumi.runtime.proto import engine_pb2_grpc, provider_pb2_grpc, status_pb2

import pluginhost
from pluginhost import decode_map, encode_map
from tests.localcloud.running import lives, until

URN = "urn:pulumi:stack::project::test:index:Thing::"
PLUGIN = textwrap.dedent(
    """
    import asyncio, sys, time
    from pathlib import Path
    from pulumi.provider.experimental.provider import CreateResponse, DiffResponse, UpdateResponse
    from pluginhost import *

    class Thing(HostedProvider):
        async def create(self, request):
            if request.name == "refused":
                raise ProviderError("size is 5; allowed are 1 to 3")
            if request.name == "faulty":
                raise KeyError("a fault")
            if request.name == "partial":
                raise PartialError("it is not healthy", "thing-1", {"size": 1})
            if request.name == "waiting":
                self.host.status(request.urn, "waiting for\\n  the thing")
                await asyncio.to_thread(self.host.wait, 600)
            if request.name == "deaf":
                self.host.status(request.urn, "calling")
                await asyncio.to_thread(time.sleep, 600)
            self.host.log(request.urn, "made", "warning")
            return CreateResponse("thing", request.properties)

        async def diff(self, request):
            return DiffResponse(diffs=sorted(request.old_inputs))

        async def diff_config(self, request):
            return DiffResponse(changes=True, diffs=["a"])

        async def delete(self, request):
            self.host.log("", "deleted " + str(decode_map(request.old_inputs)), "info")

    main(Thing(), sys.argv[1:], version="1.2.3")
    """
)


class FakeEngine(engine_pb2_grpc.EngineServicer):
    """Keeps the log messages."""

    def __init__(self) -> None:
        self.lines: list[tuple[int, str, str, bool]] = []

    def Log(self, request: Any, context: Any) -> Any:  # noqa: N802 - gRPC's name
        self.lines.append((request.severity, request.message, request.urn, request.ephemeral))
        return empty_pb2.Empty()


@contextmanager
def engine_served() -> Iterator[tuple[FakeEngine, grpc.Server, str]]:
    servicer = FakeEngine()
    server = grpc.server(ThreadPoolExecutor(4))
    engine_pb2_grpc.add_EngineServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield servicer, server, f"127.0.0.1:{port}"
    finally:
        server.stop(None).wait()


class Plugin:
    """A running plugin and a client for it."""

    def __init__(self, folder: Path, engine: FakeEngine, server: grpc.Server, address: str) -> None:
        script = folder / "plugin.py"
        script.write_text(PLUGIN)
        self.engine, self.server = engine, server
        self.process = subprocess.Popen(
            [sys.executable, str(script), address],
            stdout=subprocess.PIPE,
            text=True,
            env={"PYTHONPATH": str(Path(pluginhost.__file__).parent.parent)},
        )
        assert self.process.stdout is not None
        self.channel = grpc.insecure_channel(f"127.0.0.1:{int(self.process.stdout.readline())}")
        self.stub: Any = provider_pb2_grpc.ResourceProviderStub(self.channel)

    def create(self, name: str) -> Any:
        properties = PropertyValue.marshal_map(encode_map({"size": 1}))
        return self.stub.Create(
            proto.CreateRequest(urn=URN + name, properties=properties), timeout=60
        )

    def close(self) -> None:
        self.channel.close()
        self.process.kill()
        self.process.communicate()


@pytest.fixture
def plugin(tmp_path: Path) -> Iterator[Plugin]:
    with engine_served() as (engine, server, address):
        made = Plugin(tmp_path, engine, server, address)
        yield made
        made.close()


def failure(plugin: Plugin, name: str) -> Any:
    with pytest.raises(grpc.RpcError) as raised:
        plugin.create(name)
    return raised.value


def test_get_plugin_info_returns_the_plugins_version(plugin: Plugin) -> None:
    assert plugin.stub.GetPluginInfo(empty_pb2.Empty()).version == "1.2.3"


def test_a_log_message_reaches_the_engine_before_the_response(plugin: Plugin) -> None:
    plugin.create("plain")
    assert plugin.engine.lines == [(2, "made", URN + "plain", False)]


def test_a_provider_error_has_no_traceback(plugin: Plugin) -> None:
    error = failure(plugin, "refused")
    assert error.code() is grpc.StatusCode.FAILED_PRECONDITION
    assert error.details() == "size is 5; allowed are 1 to 3"


def test_an_unexpected_exception_shows_its_traceback(plugin: Plugin) -> None:
    details = failure(plugin, "faulty").details()
    assert "fault in the plugin" in details
    assert "plugin.py" in details


def test_a_partial_resource_is_passed_to_the_engine(plugin: Plugin) -> None:
    metadata = dict(failure(plugin, "partial").trailing_metadata())
    status = status_pb2.Status.FromString(metadata["grpc-status-details-bin"])
    detail = proto.ErrorResourceInitFailed()
    assert status.details[0].Unpack(detail)
    assert (detail.id, list(detail.reasons)) == ("thing-1", ["it is not healthy"])
    assert decode_map(PropertyValue.unmarshal_map(detail.properties)) == {"size": 1.0}


def test_a_missing_method_is_unimplemented(plugin: Plugin) -> None:
    with pytest.raises(grpc.RpcError) as raised:
        plugin.stub.Update(proto.UpdateRequest(urn=URN + "x", id="x"))
    assert raised.value.code() is grpc.StatusCode.UNIMPLEMENTED


def test_old_inputs_reach_diff_and_delete(plugin: Plugin) -> None:
    old_inputs = PropertyValue.marshal_map(encode_map({"size": 1}))
    answer = plugin.stub.Diff(proto.DiffRequest(urn=URN + "x", id="x", old_inputs=old_inputs))
    assert list(answer.diffs) == ["size"]
    plugin.stub.Delete(proto.DeleteRequest(urn=URN + "x", id="x", old_inputs=old_inputs))
    assert plugin.engine.lines == [(1, "deleted {'size': 1.0}", "", False)]


def test_a_changed_configuration_is_reported_as_a_change(plugin: Plugin) -> None:
    answer = plugin.stub.DiffConfig(proto.DiffRequest(urn=URN + "x", id="x"))
    assert answer.changes == proto.DiffResponse.DIFF_SOME


def begin_waiting(plugin: Plugin, name: str = "waiting") -> tuple[threading.Thread, list[Any]]:
    """Begin a create that waits; return its thread and the list that will hold its error."""
    errors: list[Any] = []

    def wait() -> None:
        try:
            plugin.create(name)
        except grpc.RpcError as error:
            errors.append(error)

    thread = threading.Thread(target=wait)
    thread.start()
    until(lambda: plugin.engine.lines, "the status line is shown")
    return thread, errors


def test_progress_is_shown_in_the_status_line_of_the_resource(plugin: Plugin) -> None:
    thread, _ = begin_waiting(plugin)
    assert plugin.engine.lines == [(1, "waiting for the thing", URN + "waiting", True)]
    plugin.stub.Cancel(empty_pb2.Empty())
    thread.join(30)


def test_cancel_ends_a_waiting_create(plugin: Plugin) -> None:
    thread, errors = begin_waiting(plugin)
    plugin.stub.Cancel(empty_pb2.Empty())
    thread.join(30)
    assert [error.details() for error in errors] == ["the update was cancelled"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_cancels_a_waiting_create_and_ends_the_plugin(plugin: Plugin, number: int) -> None:
    thread, errors = begin_waiting(plugin)
    plugin.process.send_signal(number)
    assert plugin.process.wait(timeout=30) == 0
    thread.join(30)
    assert [error.details() for error in errors] == ["the update was cancelled"]


def test_the_plugin_ends_when_its_engine_ends(plugin: Plugin) -> None:
    plugin.create("plain")
    plugin.server.stop(None).wait()
    assert plugin.process.wait(timeout=30) == 0


def test_a_call_that_ignores_cancel_does_not_delay_the_end(plugin: Plugin) -> None:
    thread, _ = begin_waiting(plugin, "deaf")
    plugin.server.stop(None).wait()
    assert plugin.process.wait(timeout=30) == 0
    thread.join(30)


def test_the_plugin_ends_when_its_parent_ends(tmp_path: Path) -> None:
    script = tmp_path / "plugin.py"
    script.write_text(PLUGIN)
    parent = (
        "import os, subprocess, sys\n"
        f"p = subprocess.Popen([sys.executable, {str(script)!r}], stdout=subprocess.PIPE)\n"
        "p.stdout.readline(); print(p.pid, flush=True); sys.stdin.read(); os._exit(0)"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", parent],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={"PYTHONPATH": str(Path(pluginhost.__file__).parent.parent)},
    )
    assert process.stdout is not None
    child = psutil.Process(int(process.stdout.readline()))
    process.communicate(timeout=30)
    until(lambda: not lives(child), "the plugin ends")


def test_the_package_exports_every_name_of_all() -> None:
    assert all(hasattr(pluginhost, name) for name in pluginhost.__all__)
    assert sorted(pluginhost.__all__, key=str.lower) == sorted(
        (name for name in vars(pluginhost) if name in pluginhost.__all__), key=str.lower
    )
