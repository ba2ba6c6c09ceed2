"""Life cycle of ``customrag:opensearch:ModelGroup``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

from pluginhost import ProviderError
from providers.clients.errors import ClientError, ConflictError, InvalidRequestError, NotFoundError
from providers.declaration import inputs_of
from providers.opensearch import ModelGroup, ModelGroupArgs
from providers.plugin.framework import Call, Change, Failure, Handler, Values, compare
from providers.plugin.opensearch_cluster import (
    await_authority,
    check_certificate,
    is_known,
    node_is_gone,
    opensearch,
    with_endpoint,
)
from providers.plugin.opensearch_tasks import Models
from providers.plugin.search import SearchCluster

__all__ = ["ModelGroupHandler"]

# Longest wait for a registration that still runs.
_SETTLE_SECONDS = 600.0
_IN_USE = ("DEPLOYED", "DEPLOYING", "PARTIALLY_DEPLOYED")


class ModelGroupHandler(Handler):
    """A group of models; its id is the cluster's own."""

    token = ModelGroup.token
    inputs = inputs_of(ModelGroupArgs)
    outputs = ("modelGroupId",)
    needed = ("endpoint", "username", "groupName")

    def check(self, inputs: Values) -> Iterator[Failure]:
        yield from check_certificate(inputs)

    def diff(self, old_inputs: Values, olds: Values, news: Values, call: Call) -> list[Change]:
        group_id = str(olds.get("modelGroupId"))
        changes = with_endpoint(
            compare(self.inputs, old_inputs, news),
            old_inputs,
            news,
            call,
            lambda search: _group(search, group_id) is not None,
        )
        replaced = any(change.replaces for change in changes)
        if not replaced and is_known(news) and _is_gone(group_id, news, call):
            # ml-commons may delete a group with its last model.
            changes.append(Change(path="modelGroupId", kind="update", replaces=True))
        return changes

    def preview_update(self, olds: Values, inputs: Values) -> dict[str, Any]:
        return self.kept(olds)

    def create(self, inputs: Values, call: Call) -> tuple[str, dict[str, Any]]:
        search, name = opensearch(inputs, call), str(inputs["groupName"])
        group_id = _find(search, name)
        if group_id is not None:
            call.log(f"model group {name} ({group_id}) exists: adopted")
            _update(search, group_id, inputs)
        else:
            group_id = self._register(search, inputs)
        return group_id, {"modelGroupId": group_id}

    def _register(self, search: SearchCluster, inputs: Values) -> str:
        name = str(inputs["groupName"])
        try:
            made = search.ask(
                f"RegisterModelGroup {name}",
                lambda: search.client.plugins.ml.register_model_group(body=_body(inputs)),
            )
        except InvalidRequestError as error:
            # The reply to a first attempt was lost.
            found = _find(search, name) if "already being used" in error.message else None
            if found is None:
                raise
            return found
        return str(made["model_group_id"])

    def read(self, inputs: Values, olds: Values, call: Call) -> tuple[Values, Values] | None:
        if node_is_gone(inputs, call):
            return None
        group_id = str(olds.get("modelGroupId") or call.resource_id)
        found = _group(opensearch(inputs, call), group_id)
        if found is None:
            return None
        present = {**inputs, "groupName": found["name"]}
        if inputs.get("description") is not None:
            present["description"] = found.get("description") or ""
        return present, {"modelGroupId": group_id}

    def update(self, olds: Values, inputs: Values, call: Call) -> dict[str, Any]:
        await_authority(olds, inputs, call)
        group_id = str(olds["modelGroupId"])
        try:
            _update(opensearch(inputs, call), group_id, inputs)
        except NotFoundError as error:
            raise ProviderError(
                f"model group {inputs['groupName']!r} was deleted; run `pulumi up --refresh` to "
                "recreate it"
            ) from error
        return {"modelGroupId": group_id}

    def delete(self, inputs: Values, olds: Values, call: Call) -> None:
        if node_is_gone(inputs, call):
            return
        search = opensearch(inputs, call)
        group_id = str(olds.get("modelGroupId") or call.resource_id)
        try:
            _delete(search, group_id)
        except ConflictError:
            self._empty(search, group_id, inputs, call)
            _delete(search, group_id)

    def _empty(self, search: SearchCluster, group_id: str, inputs: Values, call: Call) -> None:
        """Remove the models that an interrupted update left in a group.

        Raises:
            ProviderError: The group has a model that is in use.
        """
        models = Models(search, call)
        found = models.in_group(group_id)
        used = [key for key, model in found.items() if model["model_state"] in _IN_USE]
        if used:
            raise ProviderError(
                f"model group {inputs['groupName']!r} is not empty: {', '.join(used)} is deployed. "
                "If an interrupted update left it, run `pulumi up`, which adopts it, and destroy "
                "again. If another program uses it, undeploy and delete it there first."
            )
        for model_id in found:
            # Parts of a model that is deleted while it is registered stay behind.
            if models.settle(model_id, call.timeout_seconds or _SETTLE_SECONDS) is not None:
                models.remove(model_id)
                call.log(f"model {model_id} was left by an interrupted update: removed")


def _delete(search: SearchCluster, group_id: str) -> None:
    """Delete a group; succeed if it does not exist."""
    with suppress(NotFoundError):
        search.ask(
            f"DeleteModelGroup {group_id}",
            lambda: search.client.plugins.ml.delete_model_group(model_group_id=group_id),
        )


def _body(inputs: Values) -> dict[str, Any]:
    body = {"name": inputs["groupName"], "description": inputs.get("description")}
    return {key: value for key, value in body.items() if value is not None}


def _update(search: SearchCluster, group_id: str, inputs: Values) -> None:
    present = _group(search, group_id) or {}
    body = {key: value for key, value in _body(inputs).items() if present.get(key) != value}
    if body:
        search.ask(
            f"UpdateModelGroup {group_id}",
            lambda: search.client.plugins.ml.update_model_group(model_group_id=group_id, body=body),
        )


def _group(search: SearchCluster, group_id: str) -> Mapping[str, Any] | None:
    try:
        found: Mapping[str, Any] = search.ask(
            f"GetModelGroup {group_id}",
            lambda: search.client.plugins.ml.get_model_group(model_group_id=group_id),
        )
    except NotFoundError:
        return None
    return found


def _find(search: SearchCluster, name: str) -> str | None:
    """Return the id of the group of that name."""
    body = {"query": {"term": {"name.keyword": name}}}
    found = search.ask(
        f"SearchModelGroup {name}",
        lambda: search.client.plugins.ml.search_model_group(body=body),
    )
    return next((str(hit["_id"]) for hit in found["hits"]["hits"]), None)


def _is_gone(group_id: str, inputs: Values, call: Call) -> bool:
    try:
        return _group(opensearch(inputs, call, attempts=1), group_id) is None
    except ClientError:
        # The preview may not reach the cluster: leave it to a refresh.
        return False
