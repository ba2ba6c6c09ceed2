"""The plugin as the engine calls it: dispatch by resource type, secrets, errors in plain words.

Owns the translation between the engine's requests and the handlers. Hosting is ``pluginhost``.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, TypeVar

from pulumi.provider.experimental import provider as sdk
from pulumi.provider.experimental.property_value import PropertyValue

from pluginhost import (
    DeleteRequest,
    HostedProvider,
    PartialError,
    ProviderError,
    Secret,
    decode_map,
    encode_map,
    type_of,
)
from providers.clients.errors import ClientError
from providers.declaration import inputs_of
from providers.plugin.capabilities import CapabilitiesHandler
from providers.plugin.corpus import CorpusHandler
from providers.plugin.dlc_job import DlcJobHandler
from providers.plugin.framework import (
    Call,
    Change,
    Failure,
    Handler,
    check_inputs,
    require_known_state,
    with_defaults,
)
from providers.plugin.generation import INPUTS as GENERATION_INPUTS
from providers.plugin.generation import get_generation
from providers.plugin.index_alias import IndexAliasHandler
from providers.plugin.ingest_run import IngestRunHandler
from providers.plugin.opensearch_connector import ConnectorHandler
from providers.plugin.opensearch_groups import ModelGroupHandler
from providers.plugin.opensearch_indices import OpenSearchAliasHandler, OpenSearchIndexHandler
from providers.plugin.opensearch_model import ModelHandler
from providers.plugin.opensearch_pipelines import IngestPipelineHandler, SearchPipelineHandler
from providers.plugin.opensearch_settings import ClusterSettingsHandler
from providers.plugin.rollout import RolloutHandler
from providers.plugin.search_index import SearchIndexHandler
from providers.plugin.search_template import SearchTemplateHandler
from providers.plugin.services import CloudServices
from providers.plugin.snapshot_schedule import SnapshotScheduleHandler
from providers.plugin.tls import CertificateAuthorityHandler, CertificateHandler
from providers.provider import ProviderArgs
from providers.wire import whole_numbers

__all__ = ["CONFIG", "HANDLERS", "CustomragProvider"]

HANDLERS: Final[tuple[Handler, ...]] = (
    CorpusHandler(),
    DlcJobHandler(),
    IngestRunHandler(),
    CapabilitiesHandler(),
    SearchIndexHandler(),
    SearchTemplateHandler(),
    IndexAliasHandler(),
    ClusterSettingsHandler(),
    ModelGroupHandler(),
    ConnectorHandler(),
    ModelHandler(),
    IngestPipelineHandler(),
    SearchPipelineHandler(),
    OpenSearchIndexHandler(),
    OpenSearchAliasHandler(),
    RolloutHandler(),
    SnapshotScheduleHandler(),
    CertificateAuthorityHandler(),
    CertificateHandler(),
)
CONFIG: Final = inputs_of(ProviderArgs)
_KINDS: Final = {
    ("add", False): sdk.PropertyDiffKind.ADD,
    ("add", True): sdk.PropertyDiffKind.ADD_REPLACE,
    ("delete", False): sdk.PropertyDiffKind.DELETE,
    ("delete", True): sdk.PropertyDiffKind.DELETE_REPLACE,
    ("update", False): sdk.PropertyDiffKind.UPDATE,
    ("update", True): sdk.PropertyDiffKind.UPDATE_REPLACE,
}

PropertyMap = dict[str, PropertyValue]
T = TypeVar("T")


class CustomragProvider(HostedProvider):
    """The provider ``customrag``.

    Args:
        services: Makes the clients from the provider's configuration; the cloud's by default.
        clock: Monotonic seconds.
        wait: Sleeps for the seconds given; by default until cancelled at most.
        now: The present time, with its zone.
    """

    def __init__(
        self,
        services: Callable[[Mapping[str, str]], CloudServices] | None = None,
        clock: Callable[[], float] = time.monotonic,
        wait: Callable[[float], None] | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._clock = clock
        self._now = now
        self._wait = wait
        self._make_services = services or self._cloud_services
        self._services = self._make_services({})
        self._handlers = {handler.token: handler for handler in HANDLERS}

    def _cloud_services(self, config: Mapping[str, str]) -> CloudServices:
        return CloudServices(config, sleep=self._sleep)

    def _sleep(self, seconds: float) -> None:
        (self._wait or self.host.wait)(seconds)

    async def check_config(self, request: sdk.CheckRequest) -> sdk.CheckResponse:
        given = decode_map(request.new_inputs)
        given.pop("version", None)
        failures = _failures(check_inputs(CONFIG, given))
        for one, other in (("accessKeyId", "accessKeySecret"), ("accessKeySecret", "accessKeyId")):
            if given.get(one) is not None and given.get(other) is None:
                failures.append(sdk.CheckFailure(other, f"is required with {one}"))
        return sdk.CheckResponse(inputs=request.new_inputs, failures=failures)

    async def diff_config(self, request: sdk.DiffRequest) -> sdk.DiffResponse:
        """Endpoints and keys lead to the same resources: a change replaces nothing."""
        old = decode_map(getattr(request, "old_inputs", None) or request.old_state)
        new = decode_map(request.new_inputs)
        changed = [name for name in CONFIG if old.get(name) != new.get(name)]
        return sdk.DiffResponse(changes=bool(changed), diffs=changed)

    async def configure(self, request: sdk.ConfigureRequest) -> sdk.ConfigureResponse:
        given = decode_map(request.args)
        config = {name: value for name, value in given.items() if isinstance(value, str)}
        self._services = self._make_services(config)
        return sdk.ConfigureResponse(
            accept_secrets=True, supports_preview=True, accept_resources=True, accept_outputs=False
        )

    async def check(self, request: sdk.CheckRequest) -> sdk.CheckResponse:
        handler = self._handler(type_of(request.urn))
        given = decode_map(request.new_inputs)
        failures = list(check_inputs(handler.inputs, given))
        inputs = with_defaults(handler.inputs, given)
        if not failures:
            failures = list(handler.check(inputs))
        return sdk.CheckResponse(
            inputs=self._encode(handler, inputs, _secrets(request.new_inputs)),
            failures=_failures(failures),
        )

    async def diff(self, request: sdk.DiffRequest) -> sdk.DiffResponse:
        handler = self._handler(type_of(request.urn))
        old_inputs = getattr(request, "old_inputs", None) or request.old_state
        before, olds = _plain(old_inputs), _plain(request.old_state)
        news = _plain(request.new_inputs)
        for name in request.ignore_changes:
            news[name] = before.get(name)
        call = self._call(request.urn, resource_id=request.resource_id)
        changes = await self._run(lambda: handler.diff(before, olds, news, call))
        delete_first = handler.must_delete_first(before, news)
        return _diff_response(changes, handler.inputs, delete_first=delete_first)

    async def create(self, request: sdk.CreateRequest) -> sdk.CreateResponse:
        handler, inputs = self._handler(type_of(request.urn)), _plain(request.properties)
        secrets = _secrets(request.properties)
        if request.preview:
            outputs = {**inputs, **handler.preview_create(inputs)}
            return sdk.CreateResponse("", self._encode(handler, outputs, secrets))
        call = self._call(request.urn, request.timeout)
        resource_id, made = await self._run(
            lambda: handler.create(inputs, call), self._hide(handler, secrets)
        )
        return sdk.CreateResponse(resource_id, self._encode(handler, {**inputs, **made}, secrets))

    async def read(self, request: sdk.ReadRequest) -> sdk.ReadResponse:
        handler = self._handler(type_of(request.urn))
        inputs, olds = _plain(request.inputs), _plain(request.properties)
        require_known_state(handler, inputs)
        secrets = {*_secrets(request.inputs), *_secrets(request.properties)}
        call = self._call(request.urn, resource_id=request.resource_id)
        found = await self._run(lambda: handler.read(inputs, olds, call))
        if found is None:
            return sdk.ReadResponse("", {}, {})
        present, outputs = found
        return sdk.ReadResponse(
            request.resource_id,
            self._encode(handler, {**present, **outputs}, secrets),
            self._encode(handler, present, secrets),
        )

    async def update(self, request: sdk.UpdateRequest) -> sdk.UpdateResponse:
        handler, inputs = self._handler(type_of(request.urn)), _plain(request.news)
        olds, secrets = _plain(request.olds), _secrets(request.news)
        if request.preview:
            outputs = {**inputs, **handler.preview_update(olds, inputs)}
            return sdk.UpdateResponse(self._encode(handler, outputs, secrets))
        call = self._call(request.urn, request.timeout, request.resource_id)
        made = await self._run(
            lambda: handler.update(olds, inputs, call), self._hide(handler, secrets)
        )
        return sdk.UpdateResponse(self._encode(handler, {**inputs, **made}, secrets))

    async def delete(self, request: sdk.DeleteRequest) -> None:
        handler, olds = self._handler(type_of(request.urn)), _plain(request.properties)
        inputs = olds
        if isinstance(request, DeleteRequest) and request.old_inputs:
            inputs = _plain(request.old_inputs)
        call = self._call(request.urn, request.timeout, request.resource_id)
        await self._run(lambda: handler.delete(inputs, olds, call))

    async def invoke(self, request: sdk.InvokeRequest) -> sdk.InvokeResponse:
        token = request.tok
        if token not in GENERATION_INPUTS:
            raise ProviderError(
                f"{token} is not a function of customrag; there are {', '.join(GENERATION_INPUTS)}"
            )
        given = _plain(request.args)
        failures = _failures(check_inputs(GENERATION_INPUTS[token], given))
        if failures:
            return sdk.InvokeResponse(failures=failures)
        call = self._call(urn="")
        found = await self._run(lambda: get_generation(token, given, call))
        return sdk.InvokeResponse(return_value=encode_map(found))

    def _handler(self, token: str) -> Handler:
        if token not in self._handlers:
            raise ProviderError(
                f"{token} is not a resource of customrag; there are "
                f"{', '.join(sorted(self._handlers))}"
            )
        return self._handlers[token]

    def _call(self, urn: str, timeout_seconds: float = 0, resource_id: str = "") -> Call:
        return Call(
            urn=urn,
            services=self._services,
            host=self.host,
            resource_id=resource_id,
            timeout_seconds=timeout_seconds or None,
            clock=self._clock,
            wait=self._sleep,
            now=self._now,
        )

    def _hide(self, handler: Handler, secrets: Collection[str]) -> Callable[[str], bool]:
        return lambda name: name in secrets or _declared_secret(handler, name)

    def _encode(
        self, handler: Handler, values: Mapping[str, Any], secrets: Collection[str]
    ) -> PropertyMap:
        declared = [name for name in values if _declared_secret(handler, name)]
        return encode_map(values, secrets={*secrets, *declared})

    async def _run(
        self, function: Callable[[], T], hidden: Callable[[str], bool] | None = None
    ) -> T:
        """Run a handler in a worker thread; what a client raises is the user's to read."""
        try:
            return await asyncio.to_thread(function)
        except PartialError as error:
            kept = {
                name: Secret(value) if hidden and hidden(name) else value
                for name, value in error.properties.items()
            }
            raise PartialError(str(error), error.resource_id, kept) from error
        except ClientError as error:
            raise ProviderError(str(error)) from error


def _declared_secret(handler: Handler, name: str) -> bool:
    if name in handler.secret_outputs:
        return True
    return name in handler.inputs and handler.inputs[name].secret


def _plain(values: Mapping[str, PropertyValue]) -> dict[str, Any]:
    return {name: whole_numbers(value) for name, value in decode_map(values).items()}


def _secrets(values: Mapping[str, PropertyValue]) -> set[str]:
    return {name for name, value in values.items() if value.contains_secret()}


def _failures(failures: Iterable[Failure]) -> list[sdk.CheckFailure]:
    return [sdk.CheckFailure(item.property, item.reason) for item in failures]


def _diff_response(
    changes: Sequence[Change], inputs: Collection[str], *, delete_first: bool
) -> sdk.DiffResponse:
    replaces = list(dict.fromkeys(change.property for change in changes if change.replaces))
    return sdk.DiffResponse(
        changes=bool(changes),
        replaces=replaces,
        diffs=list(dict.fromkeys(change.property for change in changes)),
        detailed_diff={
            change.path: sdk.PropertyDiff(
                _KINDS[change.kind, change.replaces],
                # A change of an output (a job that is not done) has no inputs to show.
                input_diff=change.property in inputs,
            )
            for change in changes
        },
        delete_before_replace=delete_first and bool(replaces),
    )
