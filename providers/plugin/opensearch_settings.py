"""Life cycle of ``customrag:opensearch:ClusterSettings``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from providers.clients.errors import InvalidRequestError
from providers.declaration import inputs_of
from providers.opensearch import ClusterSettings, ClusterSettingsArgs
from providers.plugin.framework import Call, Failure, Handler, Values
from providers.plugin.opensearch_cluster import (
    await_authority,
    check_certificate,
    node_is_gone,
    opensearch,
)
from providers.plugin.search import SearchCluster, as_declared

__all__ = ["ClusterSettingsHandler"]


class ClusterSettingsHandler(Handler):
    """Persistent settings of a cluster."""

    token = ClusterSettings.token
    inputs = inputs_of(ClusterSettingsArgs)
    needed = ("endpoint", "username", "settings")

    def check(self, inputs: Values) -> Iterator[Failure]:
        yield from check_certificate(inputs)
        settings = inputs.get("settings")
        if isinstance(settings, Mapping):
            for name, value in settings.items():
                if "." not in name or isinstance(value, Mapping):
                    yield Failure(
                        "settings",
                        f"has {name!r}; give full names, such as 'plugins.ml_commons.x'",
                    )

    def create(self, inputs: Values, call: Call) -> tuple[str, dict[str, Any]]:
        _put(opensearch(inputs, call), inputs["settings"])
        return "cluster-settings", {}

    def read(self, inputs: Values, olds: Values, call: Call) -> tuple[Values, Values] | None:
        if node_is_gone(inputs, call):
            return None
        search = opensearch(inputs, call)
        shown = search.ask(
            "GetClusterSettings",
            lambda: search.client.cluster.get_settings(params={"flat_settings": "true"}),
        )
        # A transient setting takes precedence in the cluster.
        present = {**shown["persistent"], **shown["transient"]}
        return {**inputs, "settings": as_declared(inputs["settings"], present)}, {}

    def update(self, olds: Values, inputs: Values, call: Call) -> dict[str, Any]:
        await_authority(olds, inputs, call)
        removed = set(olds.get("settings") or {}) - set(inputs["settings"])
        _put(opensearch(inputs, call), {**dict.fromkeys(removed), **inputs["settings"]})
        return {}

    def delete(self, inputs: Values, olds: Values, call: Call) -> None:
        if node_is_gone(inputs, call):
            return
        search = opensearch(inputs, call)
        for name in inputs["settings"]:
            try:
                _put(search, {name: None})
            except InvalidRequestError as error:
                # Another version of the cluster does not know it, so it is not set there.
                if "not recognized" not in error.message:
                    raise


def _put(search: SearchCluster, settings: Mapping[str, Any]) -> None:
    # A transient value of a setting would hide the persistent one.
    body = {"persistent": dict(settings), "transient": dict.fromkeys(settings)}
    search.ask("PutClusterSettings", lambda: search.client.cluster.put_settings(body=body))
