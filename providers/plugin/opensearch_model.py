"""Life cycle of ``customrag:opensearch:Model``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from pluginhost import PartialError, ProviderError
from providers.clients.errors import ClientError
from providers.clients.oss_uri import parse_oss_uri
from providers.declaration import inputs_of
from providers.opensearch import Model, ModelArgs
from providers.plugin.framework import Call, Change, Failure, Handler, Values, compare
from providers.plugin.opensearch_cluster import (
    await_authority,
    check_certificate,
    deadline_seconds,
    is_known,
    node_is_gone,
    opensearch,
    with_endpoint,
)
from providers.plugin.opensearch_deployment import DEPLOYED, deploy
from providers.plugin.opensearch_registration import REMOTE, Registration
from providers.plugin.opensearch_tasks import Models, WaitEndedError

__all__ = ["ModelHandler"]

_URL: Final = re.compile(r"(https?|file)://")
_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_OF_A_ZIP: Final = ("modelUri", "modelContentHashValue", "modelConfig")


class ModelHandler(Handler):
    """A model, registered and deployed.

    Its id is its name and the start of its hash, which are known before the cluster's own id.
    """

    token = Model.token
    inputs = inputs_of(ModelArgs)
    outputs = ("modelId", "state")
    needed = ("endpoint", "username", "modelName", "modelGroupId")

    def check(self, inputs: Values) -> Iterator[Failure]:
        yield from check_certificate(inputs)
        function = inputs.get("functionName")
        if isinstance(function, str):
            remote = function.upper() == REMOTE
            for name in (*_OF_A_ZIP, "connectorId"):
                wanted = (name == "connectorId") == remote
                if wanted and inputs.get(name) is None:
                    yield Failure(name, f"is required with the function name {function}")
                if not wanted and inputs.get(name) is not None:
                    yield Failure(name, f"is not allowed with the function name {function}")
        digest = inputs.get("modelContentHashValue")
        if isinstance(digest, str) and not _SHA256.fullmatch(digest):
            yield Failure(
                "modelContentHashValue",
                f"is {digest!r}; give the SHA-256 of the zip, 64 digits of 0-9 and a-f",
            )
        uri = inputs.get("modelUri")
        if isinstance(uri, str):
            yield from _check_uri(uri)

    def diff(self, old_inputs: Values, olds: Values, news: Values, call: Call) -> list[Change]:
        model_id = str(olds.get("modelId") or "")
        changes = with_endpoint(
            compare(self.inputs, old_inputs, news),
            old_inputs,
            news,
            call,
            lambda search: bool(model_id) and Models(search, call).get(model_id) is not None,
        )
        if not model_id or any(change.replaces for change in changes):
            return changes
        state = _state_now(model_id, news, call) or str(olds.get("state"))
        if state == "MISSING":
            changes.append(Change(path="modelId", kind="update", replaces=True))
        elif state != DEPLOYED:
            changes.append(Change(path="state", kind="update"))
        return changes

    def preview_update(self, olds: Values, inputs: Values) -> dict[str, Any]:
        return {**self.preview_create(inputs), **_known(olds), "state": DEPLOYED}

    def create(self, inputs: Values, call: Call) -> tuple[str, dict[str, Any]]:
        model_id = str(inputs["modelName"])
        if inputs.get("modelContentHashValue"):
            model_id += f"/{str(inputs['modelContentHashValue'])[:12]}"
        return model_id, self._bring(inputs, "", call, model_id)

    def read(self, inputs: Values, olds: Values, call: Call) -> tuple[Values, Values] | None:
        if node_is_gone(inputs, call):
            return None
        models = Models(opensearch(inputs, call), call)
        model_id = str(olds.get("modelId") or "") or _find(inputs, models)
        model = models.get(model_id) if model_id else None
        if model is None:
            return None
        present = {**inputs, "modelName": model["name"]}
        if inputs.get("description") is not None:
            present["description"] = model.get("description") or ""
        return present, {"modelId": model_id, "state": model["model_state"]}

    def update(self, olds: Values, inputs: Values, call: Call) -> dict[str, Any]:
        await_authority(olds, inputs, call)
        return self._bring(inputs, str(olds.get("modelId") or ""), call, call.resource_id)

    def _bring(self, inputs: Values, model_id: str, call: Call, resource_id: str) -> dict[str, Any]:
        """Register the model unless it is known, and deploy it."""
        models = Models(opensearch(inputs, call), call)
        try:
            if not model_id:
                model_id = Registration(inputs, models, call).run()
            _describe(models, model_id, inputs)
            deploy(model_id, models, deadline_seconds(inputs, call))
        except (ProviderError, ClientError) as error:
            if not model_id and not isinstance(error, WaitEndedError):
                raise
            known = {"modelId": model_id} if model_id else {}
            outputs = {**inputs, **known, "state": _last_state(models, model_id)}
            raise PartialError(str(error), resource_id, outputs) from error
        return {"modelId": model_id, "state": DEPLOYED}

    def delete(self, inputs: Values, olds: Values, call: Call) -> None:
        if node_is_gone(inputs, call):
            return
        models = Models(opensearch(inputs, call), call)
        model_id = str(olds.get("modelId") or "") or _find(inputs, models)
        if not model_id:
            return
        # Parts of a model that is deleted while it is registered stay behind.
        if models.settle(model_id, deadline_seconds(inputs, call)) is not None:
            models.remove(model_id)


def _check_uri(uri: str) -> Iterator[Failure]:
    if uri.startswith("oss://"):
        try:
            parse_oss_uri(uri)
        except ValueError as error:
            yield Failure("modelUri", f"is {uri!r}: {error}")
    elif not _URL.match(uri):
        yield Failure("modelUri", f"is {uri!r}; allowed are oss://, https://, http:// and file://")


def _known(olds: Values) -> dict[str, Any]:
    return {"modelId": olds["modelId"]} if olds.get("modelId") else {}


def _find(inputs: Values, models: Models) -> str | None:
    """Return a model that an interrupted update left without telling its id."""
    return Registration(inputs, models, models.call).find()


def _describe(models: Models, model_id: str, inputs: Values) -> None:
    model, wanted = models.get(model_id), inputs.get("description")
    if model is not None and wanted is not None and model.get("description") != wanted:
        search = models.search
        search.ask(
            f"UpdateModel {model_id}",
            lambda: search.client.plugins.ml.update_model(
                model_id=model_id, body={"description": wanted}
            ),
        )


def _state_now(model_id: str, inputs: Values, call: Call) -> str | None:
    """Return the model's state, MISSING if it is gone, None if the cluster does not answer."""
    if not is_known(inputs):
        return None
    try:
        model = Models(opensearch(inputs, call, attempts=1), call).get(model_id)
    except ClientError:
        # The preview may not reach the cluster: leave it to a refresh.
        return None
    return "MISSING" if model is None else str(model["model_state"])


def _last_state(models: Models, model_id: str) -> str:
    try:
        model = models.get(model_id) if model_id else None
    except ClientError:
        return "UNKNOWN"
    return "REGISTERING" if model is None else str(model["model_state"])
