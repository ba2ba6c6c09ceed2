"""The ``alicloud`` provider of a local stack: the life of a resource, from check to delete.

Owns the translation between the engine's requests and the daemon's admin API, and which values are
secret or, in a preview, unknown. Does not own checking (``check``) and comparing (``diff``).
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pulumi.provider.experimental import provider as sdk
from pulumi.provider.experimental.property_value import PropertyValue

from localcloud.alicloud.check import Support, check, deprecations
from localcloud.alicloud.client import DaemonClient
from localcloud.alicloud.diff import Change, diff
from localcloud.core.errors import CloudError
from pluginhost import (
    UNKNOWN,
    HostedProvider,
    ProviderError,
    Secret,
    contains_unknown,
    decode,
    decode_map,
    encode,
    encode_map,
    type_of,
)
from provider_facts import ResourceType, resource_type

PropertyMap = dict[str, PropertyValue]
_CONFIG = frozenset({"region", "accessKey", "secretKey", "sharedCredentialsFile", "endpoints"})
# Set by the SDK on every provider resource, the last two from the user's environment.
_CONFIG_IGNORED = frozenset(
    {"version", "pluginDownloadURL", "configurationSource", "ecsRoleName", "profile"}
)
# Types that also exist outside the stack's region, so that copies can be kept there.
_REGIONAL = ("alicloud:oss/", "alicloud:kms/")
# Inputs that are paths of files, relative to the program's folder.
_PATHS = {"alicloud:oss/bucketObject:BucketObject": ("source",)}


class AlicloudProvider(HostedProvider):
    """Serves the ``alicloud`` types from the local cloud.

    Args:
        client: The daemon. If None, ``configure`` finds and starts it.
    """

    def __init__(self, client: DaemonClient | None = None) -> None:
        self._client = client
        self._region_id: str | None = None
        # Ids in the engine's state, by URN: a create must not return one of them again as if a
        # killed update had left it.
        self._known_ids: dict[str, set[str]] = {}

    async def check_config(self, request: sdk.CheckRequest) -> sdk.CheckResponse:
        """Accept only the settings that locate the stack; others belong to the cloud provider."""
        failures = [
            sdk.CheckFailure(
                name,
                f"is not supported by the local alicloud provider; allowed: {sorted(_CONFIG)}",
            )
            for name in sorted(request.new_inputs.keys() - _CONFIG - _CONFIG_IGNORED)
        ]
        if "sharedCredentialsFile" not in request.new_inputs:
            failures.append(
                sdk.CheckFailure(
                    "sharedCredentialsFile",
                    "is missing; give the path of the local stack's platform.json",
                )
            )
        return sdk.CheckResponse(inputs=request.new_inputs, failures=failures)

    async def diff_config(self, request: sdk.DiffRequest) -> sdk.DiffResponse:
        """Report the differences; a different file, key or endpoint replaces nothing."""
        old, new = decode_map(request.old_state), decode_map(request.new_inputs)
        names = sorted(name for name in old.keys() | new.keys() if old.get(name) != new.get(name))
        return sdk.DiffResponse(changes=bool(names), diffs=names)

    async def configure(self, request: sdk.ConfigureRequest) -> sdk.ConfigureResponse:
        """Find the stack, and start its daemon if necessary."""
        config = decode_map(request.args)
        path = config.get("sharedCredentialsFile")
        if self._client is None and isinstance(path, str):
            client = await asyncio.to_thread(DaemonClient.of_credentials_file, path)
            region = config.get("region")
            if isinstance(region, str):
                self._region_id = region
            await asyncio.to_thread(client.ensure_running)
            self._client = client
        return sdk.ConfigureResponse(
            accept_secrets=True, supports_preview=True, accept_resources=False
        )

    async def check(self, request: sdk.CheckRequest) -> sdk.CheckResponse:
        """Check the inputs and add defaults."""
        known = self._type(type_of(request.urn))
        support = await asyncio.to_thread(self._support, known)
        inputs = decode_map(request.new_inputs, keep_secrets=True)
        inputs.pop("__defaults", None)
        for name, shape in known.inputs.items():
            if shape.secret and name in inputs and not isinstance(inputs[name], Secret):
                inputs[name] = Secret(inputs[name])
        for name in deprecations(known, inputs):
            self.host.log(request.urn, f"{name} of {known.token} is deprecated", "warning")
        completed, failures = check(known, inputs, support)
        return sdk.CheckResponse(
            inputs=encode_map(completed),
            failures=[sdk.CheckFailure(failure.path, failure.reason) for failure in failures],
        )

    async def diff(self, request: sdk.DiffRequest) -> sdk.DiffResponse:
        """Compare by the cloud provider's facts."""
        self._remember(request.urn, request.resource_id)
        known = self._type(type_of(request.urn))
        changes = diff(
            known,
            decode_map(getattr(request, "old_inputs", {}) or request.old_state),
            decode_map(request.old_state),
            decode_map(request.new_inputs),
            frozenset(request.ignore_changes),
        )
        return _diff_response(changes)

    async def create(self, request: sdk.CreateRequest) -> sdk.CreateResponse:
        """Create the resource, or adopt the one that a killed update created."""
        known = self._type(type_of(request.urn))
        if request.preview:
            return sdk.CreateResponse("", _planned(known, request.properties, {}))
        inputs = self._plain(known, request.properties)
        self.host.status(request.urn, "creating")
        created = await self._call(
            request.urn,
            "create",
            known.token,
            inputs=inputs,
            client_token=client_token(request.urn, inputs),
            known_ids=sorted(self._known_ids.get(request.urn, ())),
        )
        self._remember(request.urn, created["id"])
        return sdk.CreateResponse(
            created["id"], _state(known, request.properties, created["outputs"])
        )

    async def read(self, request: sdk.ReadRequest) -> sdk.ReadResponse:
        """Return the current state; an empty response means that the resource does not exist."""
        known = self._type(type_of(request.urn))
        self._remember(request.urn, request.resource_id)
        outputs = decode_map(request.properties)
        answer = await self._call(
            request.urn, "read", known.token, id=request.resource_id, outputs=outputs
        )
        if answer["outputs"] is None:
            return sdk.ReadResponse()
        state = _refreshed(known, request.properties, answer["outputs"])
        names = request.inputs.keys() or _importable(known)
        inputs = {name: state[name] for name in names if name in state}
        inputs |= {name: request.inputs[name] for name in request.inputs.keys() - state.keys()}
        return sdk.ReadResponse(request.resource_id, state, inputs)

    async def update(self, request: sdk.UpdateRequest) -> sdk.UpdateResponse:
        """Change the resource in place."""
        known = self._type(type_of(request.urn))
        if request.preview:
            return sdk.UpdateResponse(_planned(known, request.news, request.olds))
        self.host.status(request.urn, "updating")
        answer = await self._call(
            request.urn,
            "update",
            known.token,
            id=request.resource_id,
            outputs=decode_map(request.olds),
            inputs=self._plain(known, request.news),
        )
        return sdk.UpdateResponse(_state(known, request.news, answer["outputs"]))

    async def delete(self, request: sdk.DeleteRequest) -> None:
        """Delete the resource; a missing one is success."""
        outputs = decode_map(request.properties)
        token = type_of(request.urn)
        await self._call(request.urn, "delete", token, id=request.resource_id, outputs=outputs)

    async def invoke(self, request: sdk.InvokeRequest) -> sdk.InvokeResponse:
        """Refuse every data source, because the program uses none."""
        raise ProviderError(f"{request.tok} is not supported by the local cloud")

    def _daemon(self) -> DaemonClient:
        if self._client is None:
            raise ProviderError("the alicloud provider is not configured yet")
        return self._client

    def _type(self, token: str) -> ResourceType:
        known = resource_type(token)
        home = self._daemon().platform.region_id
        if self._region_id not in (None, home) and not token.startswith(_REGIONAL):
            raise ProviderError(
                f"region of the alicloud provider is {self._region_id!r}, but this local stack "
                f"is in {home}, and other regions have only {' and '.join(_REGIONAL)} types; set "
                f"alicloud:region to {home}"
            )
        if known is None or token not in self._daemon().types():
            raise ProviderError(
                f"{token} is not supported by the local cloud; supported are "
                + ", ".join(sorted(self._daemon().types()))
            )
        return known

    def _support(self, known: ResourceType) -> Support:
        entry = self._daemon().types()[known.token]
        return Support(frozenset(entry["effective"]), frozenset(entry["recorded"]))

    def _remember(self, urn: str, resource_id: str) -> None:
        if resource_id:
            self._known_ids.setdefault(urn, set()).add(resource_id)

    @staticmethod
    def _plain(known: ResourceType, properties: Mapping[str, PropertyValue]) -> dict[str, Any]:
        plain = decode_map(properties)
        unknown = sorted(name for name, value in plain.items() if contains_unknown(value))
        if unknown:
            raise ProviderError(f"these inputs are still unknown: {', '.join(unknown)}")
        for name in _PATHS.get(known.token, ()):
            if name in plain:
                # The engine runs the plugin in the program's folder; the daemon runs elsewhere.
                plain[name] = str(Path(plain[name]).absolute())
        return {name: _sendable(value) for name, value in plain.items()}

    async def _call(self, urn: str, operation: str, token: str, **more: Any) -> dict[str, Any]:
        document = {"type": token, "region_id": self._region_id, **more}
        call = asyncio.create_task(asyncio.to_thread(self._daemon().resource, operation, document))
        while not call.done():
            await asyncio.wait({call}, timeout=0.2)
            if self.host.cancelled.is_set() and not call.done():
                raise ProviderError(
                    f"cancelled during {operation}; the local cloud finishes the operation, and "
                    "the next update adopts the result"
                )
        try:
            return call.result()
        except CloudError as error:
            raise ProviderError(f"{operation} failed: {error.code}: {error.message}") from error


def client_token(urn: str, inputs: Mapping[str, Any]) -> str:
    """Return the name of one creation: the same resource with the same inputs has the same token.

    Tags do not count, because some contain a time that differs at each update (`expires-at`).
    """
    counted = {name: value for name, value in inputs.items() if name != "tags"}
    canonical = json.dumps(counted, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(f"{urn}\n{canonical}".encode()).hexdigest()


def _sendable(value: Any) -> Any:
    """Return JSON for the daemon: whole numbers as integers, as declared."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, Mapping):
        return {key: _sendable(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_sendable(item) for item in value]
    return value


def _kind(change: Change) -> sdk.PropertyDiffKind:
    suffix = "_REPLACE" if change.replaces else ""
    return sdk.PropertyDiffKind[f"{change.kind.upper()}{suffix}"]


def _diff_response(changes: list[Change]) -> sdk.DiffResponse:
    def top(change: Change) -> str:
        return change.path.split(".", 1)[0].split("[", 1)[0]

    return sdk.DiffResponse(
        changes=bool(changes),
        replaces=sorted({top(change) for change in changes if change.replaces}),
        diffs=sorted({top(change) for change in changes}),
        detailed_diff={
            change.path: sdk.PropertyDiff(_kind(change), input_diff=True) for change in changes
        },
    )


def _planned(known: ResourceType, inputs: PropertyMap, olds: PropertyMap) -> PropertyMap:
    """Return a preview's outputs: declared inputs, old outputs, and unknown for the rest."""
    if olds:
        kept = {
            name: value
            for name, value in olds.items()
            if name not in known.inputs or known.inputs[name].computed
        }
        return kept | inputs
    unknown = {name: encode(UNKNOWN) for name in known.computed}
    unknown |= {name: encode(UNKNOWN) for name, shape in known.inputs.items() if shape.computed}
    return unknown | inputs


def _state(known: ResourceType, inputs: PropertyMap, outputs: Mapping[str, Any]) -> PropertyMap:
    """Return the outputs after a create or update, with the inputs as declared, secrets too."""
    computed = {
        name: value for name, value in outputs.items() if value is not None and name not in inputs
    }
    return encode_map(computed, secrets=known.secret_outputs) | inputs


def _refreshed(known: ResourceType, olds: PropertyMap, outputs: Mapping[str, Any]) -> PropertyMap:
    """Return the outputs after a read; unchanged secrets stay secrets."""
    state = dict(olds)
    for name, value in outputs.items():
        if value is None:
            state.pop(name, None)
        elif name not in olds or _sendable(decode(olds[name])) != value:
            secret = name in known.secret_outputs or (name in olds and olds[name].contains_secret())
            state[name] = encode(Secret(value) if secret else value)
    return state


def _importable(known: ResourceType) -> list[str]:
    """Return the inputs that describe an imported resource; deprecated ones have a successor."""
    return [name for name, shape in known.inputs.items() if not shape.deprecated]
