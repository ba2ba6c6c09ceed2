"""Serve one hosted provider to one engine, and end with that engine.

Owns the gRPC service, the translation of errors, and the watch over the engine. It extends the
SDK's ``pulumi.provider.experimental.server``, which shows tracebacks for user errors, drops old
inputs, mixes up the kinds of ``DiffConfig`` and outlives a killed engine.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import traceback
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import grpc
import grpc.aio
from google.protobuf import any_pb2, empty_pb2
from pulumi.provider.experimental import provider as sdk
from pulumi.provider.experimental.property_value import PropertyValue
from pulumi.provider.experimental.server import ProviderServicer
from pulumi.runtime import proto
from pulumi.runtime._grpc_settings import _GRPC_CHANNEL_OPTIONS
from pulumi.runtime.proto import provider_pb2_grpc, status_pb2

from pluginhost.errors import PartialError, ProviderError
from pluginhost.host import Host
from pluginhost.provider import DeleteRequest, DiffRequest, HostedProvider, UpdateRequest
from pluginhost.values import encode_map

__all__ = ["main"]

_WORKERS = 64
_WATCH_SECONDS = 1.0
_LOST_AFTER = 3
_GRACE_SECONDS = 10.0

_Result = TypeVar("_Result")
_Method = Callable[["HostedServicer", Any, Any], Coroutine[Any, Any, _Result]]


def _reported(method: _Method[_Result]) -> _Method[_Result]:
    """Turn an exception of a method into a status that the engine understands."""

    async def wrapper(self: HostedServicer, request: Any, context: Any) -> _Result:
        try:
            result = await method(self, request, context)
        except NotImplementedError as error:
            await context.abort(grpc.StatusCode.UNIMPLEMENTED, str(error))
            raise
        except PartialError as error:
            await context.abort_with_status(_partial_status(error))
            raise
        except ProviderError as error:
            # A definite code: with UNKNOWN the engine would record a pending operation.
            await context.abort(grpc.StatusCode.FAILED_PRECONDITION, str(error))
            raise
        except Exception as error:
            text = "".join(traceback.format_exception(error))
            await context.abort(grpc.StatusCode.INTERNAL, f"fault in the plugin: {error}\n{text}")
            raise
        finally:
            await asyncio.to_thread(self.host.flush)
        return result

    return wrapper


class _Status(grpc.Status):
    def __init__(self, details: str, metadata: tuple[tuple[str, bytes], ...]) -> None:
        self.code = grpc.StatusCode.INVALID_ARGUMENT
        self.details = details
        self.trailing_metadata = metadata


def _partial_status(error: PartialError) -> _Status:
    detail = any_pb2.Any()
    detail.Pack(
        proto.ErrorResourceInitFailed(
            id=error.resource_id,
            properties=PropertyValue.marshal_map(encode_map(error.properties)),
            reasons=[str(error)],
        )
    )
    status = status_pb2.Status(
        code=grpc.StatusCode.INVALID_ARGUMENT.value[0], message=str(error), details=[detail]
    )
    return _Status(str(error), (("grpc-status-details-bin", status.SerializeToString()),))


class HostedServicer(ProviderServicer):
    """The gRPC service of one hosted provider."""

    def __init__(self, provider: HostedProvider, host: Host, version: str) -> None:
        super().__init__([], version, provider, engine_address=host.engine_address or "")
        self.host = host
        self._hosted = provider

    @_reported
    async def CheckConfig(self, request: Any, context: Any) -> Any:  # noqa: N802 - gRPC's name
        return await _check(self._hosted.check_config, request)

    @_reported
    async def Check(self, request: Any, context: Any) -> Any:  # noqa: N802 - gRPC's name
        return await _check(self._hosted.check, request)

    @_reported
    async def DiffConfig(self, request: Any, context: Any) -> Any:  # noqa: N802 - gRPC's name
        return await _diff(self._hosted.diff_config, request)

    @_reported
    async def Diff(self, request: Any, context: Any) -> Any:  # noqa: N802 - gRPC's name
        return await _diff(self._hosted.diff, request)

    @_reported
    async def Configure(self, request: Any, context: Any) -> Any:  # noqa: N802 - gRPC's name
        response = await self._hosted.configure(
            sdk.ConfigureRequest(
                dict(request.variables),
                PropertyValue.unmarshal_map(request.args),
                request.acceptSecrets,
                request.acceptResources,
            )
        )
        return proto.ConfigureResponse(
            acceptSecrets=response.accept_secrets,
            acceptResources=response.accept_resources,
            acceptOutputs=response.accept_outputs,
            supportsPreview=response.supports_preview,
        )

    @_reported
    async def Invoke(self, request: Any, context: Any) -> Any:  # noqa: N802 - gRPC's name
        response = await self._hosted.invoke(
            sdk.InvokeRequest(request.tok, PropertyValue.unmarshal_map(request.args))
        )
        fields: dict[str, Any] = {
            "return": PropertyValue.marshal_map(response.return_value or {}),
            "failures": _failures(response.failures),
        }
        return proto.InvokeResponse(**fields)

    @_reported
    async def Create(self, request: Any, context: Any) -> Any:  # noqa: N802 - gRPC's name
        response = await self._hosted.create(
            sdk.CreateRequest(
                request.urn,
                PropertyValue.unmarshal_map(request.properties),
                request.timeout,
                request.preview,
            )
        )
        return proto.CreateResponse(
            id=response.resource_id or "",
            properties=PropertyValue.marshal_map(response.properties),
        )

    @_reported
    async def Read(self, request: Any, context: Any) -> Any:  # noqa: N802 - gRPC's name
        response = await self._hosted.read(
            sdk.ReadRequest(
                request.urn,
                request.id,
                PropertyValue.unmarshal_map(request.properties),
                PropertyValue.unmarshal_map(request.inputs),
            )
        )
        return proto.ReadResponse(
            id=response.resource_id or "",
            properties=PropertyValue.marshal_map(response.properties),
            inputs=PropertyValue.marshal_map(response.inputs),
        )

    @_reported
    async def Update(self, request: Any, context: Any) -> Any:  # noqa: N802 - gRPC's name
        response = await self._hosted.update(
            UpdateRequest(
                request.urn,
                request.id,
                PropertyValue.unmarshal_map(request.olds),
                PropertyValue.unmarshal_map(request.news),
                old_inputs=PropertyValue.unmarshal_map(request.old_inputs),
                timeout=request.timeout,
                ignore_changes=list(request.ignoreChanges),
                preview=request.preview,
            )
        )
        return proto.UpdateResponse(properties=PropertyValue.marshal_map(response.properties))

    @_reported
    async def Delete(self, request: Any, context: Any) -> Any:  # noqa: N802 - gRPC's name
        await self._hosted.delete(
            DeleteRequest(
                request.urn,
                request.id,
                PropertyValue.unmarshal_map(request.properties),
                request.timeout,
                old_inputs=PropertyValue.unmarshal_map(request.old_inputs),
            )
        )
        return empty_pb2.Empty()


async def _check(
    check: Callable[[sdk.CheckRequest], Awaitable[sdk.CheckResponse]], request: Any
) -> Any:
    response = await check(
        sdk.CheckRequest(
            request.urn,
            PropertyValue.unmarshal_map(request.olds),
            PropertyValue.unmarshal_map(request.news),
            request.randomSeed,
        )
    )
    inputs = response.inputs
    return proto.CheckResponse(
        inputs=None if inputs is None else PropertyValue.marshal_map(inputs),
        failures=_failures(response.failures or []),
    )


async def _diff(
    diff: Callable[[sdk.DiffRequest], Awaitable[sdk.DiffResponse]], request: Any
) -> Any:
    response = await diff(
        DiffRequest(
            request.urn,
            request.id,
            PropertyValue.unmarshal_map(request.olds),
            PropertyValue.unmarshal_map(request.news),
            list(request.ignoreChanges),
            old_inputs=PropertyValue.unmarshal_map(request.old_inputs),
        )
    )
    changes = proto.DiffResponse.DIFF_NONE
    if response.changes or response.diffs or response.replaces:
        changes = proto.DiffResponse.DIFF_SOME
    return proto.DiffResponse(
        changes=changes,
        replaces=response.replaces,
        stables=response.stables,
        deleteBeforeReplace=response.delete_before_replace,
        diffs=response.diffs,
        detailedDiff={
            path: proto.PropertyDiff(
                kind=proto.PropertyDiff.Kind.Value(item.kind.name), inputDiff=item.input_diff
            )
            for path, item in response.detailed_diff.items()
        },
        hasDetailedDiff=bool(response.detailed_diff),
    )


def _failures(failures: Sequence[sdk.CheckFailure]) -> list[Any]:
    return [proto.CheckFailure(property=item.property, reason=item.reason) for item in failures]


def main(provider: HostedProvider, args: Sequence[str], *, version: str) -> None:
    """Serve the provider until the engine stops it or ends.

    Prints the port on stdout, as the engine expects.

    Args:
        provider: The provider.
        args: The arguments from the engine: its address; flags are ignored. Without an address
            the plugin neither watches an engine nor logs to one (``PULUMI_DEBUG_PROVIDERS``).
        version: The version that ``GetPluginInfo`` returns.
    """
    address = next((argument for argument in args if not argument.startswith("-")), None)
    host = Host(address)
    provider.host = host
    asyncio.run(_serve(provider, host, version))


async def _serve(provider: HostedProvider, host: Host, version: str) -> None:
    parent = os.getppid()
    loop = asyncio.get_running_loop()
    loop.set_default_executor(ThreadPoolExecutor(max_workers=_WORKERS))
    server = grpc.aio.server(options=_GRPC_CHANNEL_OPTIONS)
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(
        HostedServicer(provider, host, version), server
    )
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    ended = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, ended.set)
    watches = [asyncio.create_task(ended.wait()), asyncio.create_task(_watch_parent(parent))]
    if host.engine_address is not None:
        watches.append(asyncio.create_task(_watch_engine(host.engine_address)))
    await asyncio.wait(watches, return_when=asyncio.FIRST_COMPLETED)
    with contextlib.suppress(Exception):
        await asyncio.wait_for(provider.cancel(), timeout=2)
    # After a signal from the user, calls in flight have time to answer. A dead engine needs none.
    await server.stop(_GRACE_SECONDS if ended.is_set() else 0)
    # A thread may still be in a long call whose result no caller needs. `asyncio.run` would wait
    # for it, so end the process here.
    os._exit(0)


async def _watch_parent(parent: int) -> None:
    """Return once the process that started the plugin has ended."""
    while os.getppid() == parent:
        await asyncio.sleep(_WATCH_SECONDS)


async def _watch_engine(address: str) -> None:
    """Return once the engine is no longer reachable."""
    failures = 0
    async with grpc.aio.insecure_channel(address) as channel:
        while failures < _LOST_AFTER:
            state = channel.get_state(try_to_connect=True)
            lost = state is grpc.ChannelConnectivity.TRANSIENT_FAILURE
            failures = failures + 1 if lost else 0
            await asyncio.sleep(_WATCH_SECONDS)
