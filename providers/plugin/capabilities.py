"""Life cycle of ``customrag:elasticsearch:Capabilities``: create, update and refresh probe."""

from __future__ import annotations

from typing import Any, Final

from providers.capabilities import SearchCapabilities, SearchCapabilitiesArgs
from providers.declaration import inputs_of
from providers.plugin.framework import Call, Handler, Values
from providers.plugin.probe import Finding, Findings, probe, remove_leftovers
from providers.plugin.search import cluster, instance_is_gone

__all__ = ["CapabilitiesHandler"]

# A feature that the server does not know may be answered like an outage, and is asked again.
_ATTEMPTS: Final = 3


class CapabilitiesHandler(Handler):
    """What a cluster accepts."""

    token = SearchCapabilities.token
    inputs = inputs_of(SearchCapabilitiesArgs)
    outputs = (
        "serverVersion",
        "features",
        "vectorIndexKinds",
        "analyzersFound",
        "fusion",
        "fusionReason",
    )
    needed = ("endpoint", "username")

    def create(self, inputs: Values, call: Call) -> tuple[str, dict[str, Any]]:
        return str(inputs["endpoint"]), _probed(inputs, call)

    def read(self, inputs: Values, olds: Values, call: Call) -> tuple[Values, Values] | None:
        if instance_is_gone(inputs, call):
            return None
        return inputs, _probed(inputs, call)

    def update(self, olds: Values, inputs: Values, call: Call) -> dict[str, Any]:
        return _probed(inputs, call)

    def delete(self, inputs: Values, olds: Values, call: Call) -> None:
        if not instance_is_gone(inputs, call):
            remove_leftovers(cluster(inputs, call))


def _probed(inputs: Values, call: Call) -> dict[str, Any]:
    search = cluster(inputs, call, attempts=_ATTEMPTS)
    for name in remove_leftovers(search):
        call.log(f"index {name}, left by an interrupted probe, was deleted")
    found = probe(search, inputs.get("analyzers") or (), inputs.get("inferenceId"))
    return _shown(found)


def _shown(found: Findings) -> dict[str, Any]:
    where, reason = _fusion(found.features["rrf"])
    return {
        "serverVersion": found.server_version,
        "features": {name: item.shown() for name, item in found.features.items()},
        "vectorIndexKinds": {name: item.shown() for name, item in found.vector_index_kinds.items()},
        "analyzersFound": {name: item.shown() for name, item in found.analyzers.items()},
        "fusion": where,
        "fusionReason": reason,
    }


def _fusion(rrf: Finding) -> tuple[str, str]:
    """Return where the searches can be fused, and why."""
    if rrf.available:
        return "server", "the cluster accepts RRF"
    if "non-compliant" in rrf.reason:
        return "client", "the licence refuses RRF"
    if "unknown retriever" in rrf.reason:
        return "client", "the cluster does not know RRF"
    return "client", f"the cluster refuses RRF: {rrf.reason}"
