"""The registration of a model: adopt, register, wait.

A model with the same name, content and configuration in the group is adopted and never registered
again. What an interrupted registration left is continued, or removed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from pluginhost import ProviderError
from providers.clients.errors import (
    ClientError,
    ConnectionFailedError,
    InvalidRequestError,
    NotFoundError,
)
from providers.plugin.framework import Call, Values
from providers.plugin.opensearch_cluster import deadline_seconds
from providers.plugin.opensearch_errors import explain
from providers.plugin.opensearch_tasks import Models, Watch

__all__ = ["REMOTE", "Registration", "is_same"]

REMOTE: Final = "REMOTE"
# The cluster downloads at the start of the task, which may wait for others.
_URL_SLACK_SECONDS: Final = 3600
_MOST_URL_SECONDS: Final = 604_800
# A cluster leaves out keys of model_config that it does not know, and those with these values.
_SHOWN_CONFIG: Final = frozenset(
    {
        "model_type",
        "embedding_dimension",
        "framework_type",
        "all_config",
        "pooling_mode",
        "normalize_result",
        "model_max_length",
        "query_prefix",
        "passage_prefix",
    }
)


class Registration:
    """Registers the model of one resource.

    Args:
        inputs: The inputs of ``Model``.
        models: The cluster's models.
        call: The operation of the engine.
    """

    def __init__(self, inputs: Values, models: Models, call: Call) -> None:
        self._inputs = inputs
        self._models = models
        self._call = call
        self._name = str(inputs["modelName"])
        self._seconds = deadline_seconds(inputs, call)

    def run(self) -> str:
        """Return the id of the registered model.

        Raises:
            ProviderError: The cluster refused it, or the registration failed.
            WaitEndedError: Waiting ended while the cluster goes on.
        """
        found = self.find()
        if found is not None:
            self._call.log(f"model {self._name} ({found}) exists: adopted")
            return found
        url = self._url()
        try:
            answer = self._register(url)
        except ConnectionFailedError as error:
            # Only a look-up shows whether the request arrived.
            self._call.wait(2.0)
            found = self.find()
            if found is None:
                raise ProviderError(
                    f"model {self._name} was not registered: {error}. Run `pulumi up` again."
                ) from error
            return found
        return self._wait(str(answer["task_id"]), url)

    def find(self) -> str | None:
        """Return the id of the model if it is registered; wait for a registration that runs."""
        group_id = str(self._inputs["modelGroupId"])
        for model_id, shown in self._models.named(group_id, self._name).items():
            model: Mapping[str, Any] | None = shown
            if shown["model_state"] == "REGISTERING":
                model = self._models.settle(model_id, self._seconds)
            if model is not None and is_same(model, self._inputs):
                return model_id
        return None

    def _url(self) -> str:
        uri = str(self._inputs.get("modelUri") or "")
        if not uri.startswith("oss://"):
            return uri
        oss = self._call.services.oss
        try:
            oss.head(uri)
        except NotFoundError as error:
            raise ProviderError(
                f"model {self._name} cannot be registered: {uri} does not exist. Upload the zip, "
                "or correct model_uri."
            ) from error
        seconds = min(int(self._seconds) + _URL_SLACK_SECONDS, _MOST_URL_SECONDS)
        endpoint = self._inputs.get("ossEndpoint")
        return str(oss.presigned_url(uri, seconds, endpoint=str(endpoint) if endpoint else None))

    def _register(self, url: str) -> Mapping[str, Any]:
        search, body = self._models.search, register_body(self._inputs, url)
        try:
            answer: Mapping[str, Any] = search.ask_once(
                f"RegisterModel {self._name}",
                lambda: search.client.plugins.ml.register_model(body=body),
            )
        except InvalidRequestError as error:
            raise self._failure(error.message, url) from error
        except ConnectionFailedError:
            raise
        except ClientError as error:
            raise ProviderError(self._hidden(str(error), url)) from error
        return answer

    def _wait(self, task_id: str, url: str) -> str:
        watch = Watch(self._call, f"registering model {self._name}", self._seconds)
        while True:
            task = self._models.task(task_id)
            if task.state == "COMPLETED" and task.model_id:
                return task.model_id
            if task.ended:
                raise self._failure(task.error or f"the task {task_id} is {task.state}", url)
            registered = self._registered()
            if registered is not None:
                return registered
            watch.pause(task.state)

    def _registered(self) -> str | None:
        """Return the model if it is complete, whatever its task says."""
        group_id = str(self._inputs["modelGroupId"])
        for model_id, model in self._models.named(group_id, self._name).items():
            if model["model_state"] != "REGISTERING" and is_same(model, self._inputs):
                return model_id
        return None

    def _failure(self, error: str, url: str) -> ProviderError:
        text = explain(self._hidden(error, url))
        return ProviderError(f"model {self._name} was not registered: {text}")

    def _hidden(self, text: str, url: str) -> str:
        """Return a text of the cluster without the presigned URL, which is a credential."""
        uri = str(self._inputs.get("modelUri") or "")
        if url and url != uri:
            text = text.replace(url, uri)
        return re.sub(r"\?\S*(?i:signature)\S*", "?…", text)


def register_body(inputs: Values, url: str) -> dict[str, Any]:
    """Return the body of the register call."""
    body = {
        "name": inputs["modelName"],
        "description": inputs.get("description"),
        "model_group_id": inputs["modelGroupId"],
        "function_name": inputs["functionName"],
        "connector_id": inputs.get("connectorId"),
    }
    if str(inputs["functionName"]).upper() != REMOTE:
        body |= {
            "model_format": inputs["modelFormat"],
            "model_content_hash_value": inputs["modelContentHashValue"],
            "model_config": inputs["modelConfig"],
            "url": url,
        }
    return {key: value for key, value in body.items() if value is not None}


def is_same(model: Mapping[str, Any], inputs: Values) -> bool:
    """Return whether a registered model is the declared one, so that it need not be replaced."""
    if str(model.get("algorithm")).upper() != str(inputs["functionName"]).upper():
        return False
    if str(inputs["functionName"]).upper() == REMOTE:
        return model.get("connector_id") == inputs.get("connectorId")
    if model.get("model_content_hash_value") != inputs.get("modelContentHashValue"):
        return False
    declared, present = inputs.get("modelConfig") or {}, model.get("model_config") or {}
    return all(
        _same_value(declared.get(key), present.get(key))
        for key in {*declared, *present}
        if key in present or key in _SHOWN_CONFIG
    )


def _same_value(declared: Any, present: Any) -> bool:
    # A cluster shows framework_type and pooling_mode in capitals, and no value that is false.
    one, other = (str(value).upper() if value else "" for value in (declared, present))
    return one == other
