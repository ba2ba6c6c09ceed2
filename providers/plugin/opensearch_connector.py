"""Life cycle of ``customrag:opensearch:Connector``."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from pluginhost import ProviderError
from providers.clients.errors import (
    ClientError,
    ConflictError,
    ConnectionFailedError,
    InvalidRequestError,
    NotFoundError,
)
from providers.declaration import inputs_of
from providers.opensearch import Connector, ConnectorArgs
from providers.plugin.framework import Call, Change, Failure, Handler, Values, compare
from providers.plugin.opensearch_cluster import (
    await_authority,
    check_certificate,
    node_is_gone,
    opensearch,
    with_endpoint,
)
from providers.plugin.opensearch_deployment import deploy
from providers.plugin.opensearch_errors import explain
from providers.plugin.opensearch_tasks import Models
from providers.plugin.search import SearchCluster, as_declared

__all__ = ["ConnectorHandler"]

_SHOWN: Final = ("description", "parameters", "actions")
# ml-commons 2.19.1 changes a connector only while none of its models is deployed.
_USED: Final = re.compile(r"still using this connector, please undeploy the models first: \[(.+)\]")
_DEPLOY_SECONDS: Final = 300.0


class ConnectorHandler(Handler):
    """How a cluster calls a remote model; its id is the cluster's own."""

    token = Connector.token
    inputs = inputs_of(ConnectorArgs)
    outputs = ("connectorId",)
    needed = ("endpoint", "username", "connectorName")

    def check(self, inputs: Values) -> Iterator[Failure]:
        yield from check_certificate(inputs)

    def diff(self, old_inputs: Values, olds: Values, news: Values, call: Call) -> list[Change]:
        connector_id = str(olds.get("connectorId"))
        return with_endpoint(
            compare(self.inputs, old_inputs, news),
            old_inputs,
            news,
            call,
            lambda search: _connector(search, connector_id) is not None,
        )

    def preview_update(self, olds: Values, inputs: Values) -> dict[str, Any]:
        return self.kept(olds)

    def create(self, inputs: Values, call: Call) -> tuple[str, dict[str, Any]]:
        search, name = opensearch(inputs, call), str(inputs["connectorName"])
        connector_id = self._find(search, inputs)
        if connector_id is None:
            connector_id = self._make(search, inputs, call)
        else:
            call.log(f"connector {name} ({connector_id}) exists: adopted")
            # A cluster does not show credentials, so they may differ.
            self._change(search, connector_id, inputs, call)
        return connector_id, {"connectorId": connector_id}

    def _make(self, search: SearchCluster, inputs: Values, call: Call) -> str:
        name, body = str(inputs["connectorName"]), _body(inputs)
        try:
            made = search.ask_once(
                f"CreateConnector {name}",
                lambda: search.client.plugins.ml.create_connector(body=body),
            )
        except ConnectionFailedError as error:
            # Only a look-up shows whether the request arrived.
            call.wait(2.0)
            found = self._find(search, inputs)
            if found is None:
                raise ProviderError(
                    f"connector {name} was not created: {error}. Run `pulumi up` again."
                ) from error
            return found
        except ClientError as error:
            raise ProviderError(
                f"connector {name} was not created: {explain(error.message)}"
            ) from error
        return str(made["connector_id"])

    def _find(self, search: SearchCluster, inputs: Values) -> str | None:
        """Return the id of a connector of that name with the same actions."""
        name = str(inputs["connectorName"])
        body = {"size": 100, "_source": ["name"], "query": {"term": {"name.keyword": name}}}
        found = search.ask(
            f"SearchConnectors {name}",
            lambda: search.client.plugins.ml.search_connectors(body=body),
        )
        for hit in found["hits"]["hits"]:
            connector = _connector(search, str(hit["_id"])) or {}
            if _as_declared(inputs, connector, ("parameters", "actions")) is None:
                return str(hit["_id"])
        return None

    def read(self, inputs: Values, olds: Values, call: Call) -> tuple[Values, Values] | None:
        if node_is_gone(inputs, call):
            return None
        connector_id = str(olds.get("connectorId") or call.resource_id)
        found = _connector(opensearch(inputs, call), connector_id)
        if found is None:
            return None
        changed = _as_declared(inputs, found, _SHOWN) or {}
        return {**inputs, **changed, "connectorName": found["name"]}, {"connectorId": connector_id}

    def update(self, olds: Values, inputs: Values, call: Call) -> dict[str, Any]:
        await_authority(olds, inputs, call)
        connector_id = str(olds["connectorId"])
        try:
            self._change(opensearch(inputs, call), connector_id, inputs, call)
        except NotFoundError as error:
            raise ProviderError(
                f"connector {inputs['connectorName']!r} was deleted; run `pulumi up --refresh` to "
                "recreate it"
            ) from error
        return {"connectorId": connector_id}

    def _change(self, search: SearchCluster, connector_id: str, inputs: Values, call: Call) -> None:
        """Write the connector; if the cluster wants that, undeploy its models for the moment."""
        try:
            self._put(search, connector_id, inputs)
        except (ConflictError, InvalidRequestError) as error:
            used = _USED.search(error.message)
            if used is None:
                raise
            models, ids = Models(search, call), used.group(1).replace(" ", "").split(",")
            for model_id in ids:
                models.undeploy(model_id)
            try:
                self._put(search, connector_id, inputs)
            finally:
                for model_id in ids:
                    deploy(model_id, models, call.timeout_seconds or _DEPLOY_SECONDS)
            call.log(
                f"connector {inputs['connectorName']} was changed; its models were undeployed for "
                f"that and deployed again: {', '.join(ids)}"
            )

    def _put(self, search: SearchCluster, connector_id: str, inputs: Values) -> None:
        search.ask(
            f"UpdateConnector {connector_id}",
            lambda: search.client.plugins.ml.update_connector(
                connector_id=connector_id, body=_body(inputs)
            ),
        )

    def delete(self, inputs: Values, olds: Values, call: Call) -> None:
        if node_is_gone(inputs, call):
            return
        search = opensearch(inputs, call)
        connector_id = str(olds.get("connectorId") or call.resource_id)
        try:
            search.ask(
                f"DeleteConnector {connector_id}",
                lambda: search.client.plugins.ml.delete_connector(connector_id=connector_id),
            )
        except NotFoundError:
            return


def _body(inputs: Values) -> dict[str, Any]:
    body = {
        "name": inputs["connectorName"],
        "description": inputs.get("description") or "",
        "version": "1",
        "protocol": "http",
        "parameters": inputs.get("parameters"),
        "credential": inputs.get("credential"),
        "actions": inputs["actions"],
    }
    return {key: value for key, value in body.items() if value is not None}


def _as_declared(
    inputs: Values, present: Mapping[str, Any], names: tuple[str, ...]
) -> dict[str, Any] | None:
    """Return the declared values as the cluster has them; None if they are the same."""
    declared = {key: _comparable(inputs[key]) for key in names if inputs.get(key) is not None}
    shown = as_declared(declared, {key: _comparable(value) for key, value in present.items()})
    if shown == declared:
        return None
    return {
        key: inputs[key] if shown.get(key) == value else shown.get(key)
        for key, value in declared.items()
    }


def _comparable(value: Any) -> Any:
    """Return a value with action types in capitals, as a cluster shows them."""
    if not isinstance(value, list):
        return value
    return [{**item, "action_type": str(item.get("action_type")).upper()} for item in value]


def _connector(search: SearchCluster, connector_id: str) -> Mapping[str, Any] | None:
    try:
        found: Mapping[str, Any] = search.ask(
            f"GetConnector {connector_id}",
            lambda: search.client.plugins.ml.get_connector(connector_id=connector_id),
        )
    except NotFoundError:
        return None
    return found
