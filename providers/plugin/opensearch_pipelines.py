"""Life cycles of ``customrag:opensearch:IngestPipeline`` and ``…:SearchPipeline``.

Owns the form of rank fusion (RRF) that the cluster's version reads. OpenSearch 2.19 and 3.0 read
``combination.parameters.rank_constant`` and ignore ``combination.rank_constant`` without an error;
later versions read only the latter (`RRFProcessorFactory` of neural-search, read 2026-11).
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Final

from pluginhost import ProviderError
from providers.clients.errors import NotFoundError
from providers.declaration import inputs_of
from providers.opensearch import (
    IngestPipeline,
    IngestPipelineArgs,
    SearchPipeline,
    SearchPipelineArgs,
)
from providers.plugin.framework import Call, Failure, Handler, Values
from providers.plugin.opensearch_cluster import (
    await_authority,
    check_certificate,
    node_is_gone,
    opensearch,
)
from providers.plugin.search import SearchCluster, as_declared

__all__ = ["IngestPipelineHandler", "SearchPipelineHandler"]

_RANK_FUSION: Final = "score-ranker-processor"
_LISTS: Final = ("request_processors", "phase_results_processors", "response_processors")


class _PipelineHandler(Handler):
    """A pipeline; its id is its name.

    Attributes:
        kind: In messages.
        lists: Members of the body that are lists of processors; one of them is needed.
    """

    needed = ("endpoint", "username", "pipelineName", "body")
    kind: ClassVar[str]
    lists: ClassVar[tuple[str, ...]]

    def check(self, inputs: Values) -> Iterator[Failure]:
        yield from check_certificate(inputs)
        body = inputs.get("body")
        if isinstance(body, Mapping) and not any(name in body for name in self.lists):
            yield Failure("body", f"has {sorted(body)}; it needs {' or '.join(self.lists)}")

    def create(self, inputs: Values, call: Call) -> tuple[str, dict[str, Any]]:
        search, name = opensearch(inputs, call), str(inputs["pipelineName"])
        present = self.read(inputs, {}, call)
        if present is not None and present[0]["body"] == inputs["body"]:
            call.log(f"{self.kind} pipeline {name} exists: adopted")
        elif present is not None:
            call.log(f"{self.kind} pipeline {name} exists: overwritten", "warning")
        self._put(search, inputs)
        return name, {}

    def read(self, inputs: Values, olds: Values, call: Call) -> tuple[Values, Values] | None:
        if node_is_gone(inputs, call):
            return None
        found = self._get(opensearch(inputs, call), str(inputs["pipelineName"]))
        if found is None:
            return None
        body = inputs["body"]
        shown = as_declared(_canonical(body), _canonical(found))
        return {**inputs, "body": body if shown == _canonical(body) else shown}, {}

    def update(self, olds: Values, inputs: Values, call: Call) -> dict[str, Any]:
        await_authority(olds, inputs, call)
        self._put(opensearch(inputs, call), inputs)
        return {}

    def delete(self, inputs: Values, olds: Values, call: Call) -> None:
        if node_is_gone(inputs, call):
            return
        search, name = opensearch(inputs, call), str(inputs["pipelineName"])
        try:
            self._delete(search, name)
        except NotFoundError:
            return

    @abstractmethod
    def _put(self, search: SearchCluster, inputs: Values) -> None:
        """Write the pipeline, whether it exists or not."""

    @abstractmethod
    def _get(self, search: SearchCluster, name: str) -> Mapping[str, Any] | None:
        """Return its definition; None if it does not exist."""

    @abstractmethod
    def _delete(self, search: SearchCluster, name: str) -> None:
        """Delete it; it may not exist."""


class IngestPipelineHandler(_PipelineHandler):
    """What happens to a document before it is indexed."""

    token = IngestPipeline.token
    inputs = inputs_of(IngestPipelineArgs)
    kind = "ingest"
    lists = ("processors",)

    def _put(self, search: SearchCluster, inputs: Values) -> None:
        name = str(inputs["pipelineName"])
        search.ask(
            f"PutIngestPipeline {name}",
            lambda: search.client.ingest.put_pipeline(id=name, body=dict(inputs["body"])),
        )

    def _get(self, search: SearchCluster, name: str) -> Mapping[str, Any] | None:
        try:
            found = search.ask(
                f"GetIngestPipeline {name}", lambda: search.client.ingest.get_pipeline(id=name)
            )
        except NotFoundError:
            return None
        body: Mapping[str, Any] | None = found.get(name)
        return body

    def _delete(self, search: SearchCluster, name: str) -> None:
        search.ask(
            f"DeleteIngestPipeline {name}", lambda: search.client.ingest.delete_pipeline(id=name)
        )


class SearchPipelineHandler(_PipelineHandler):
    """What happens to a query, its scores and its hits."""

    token = SearchPipeline.token
    inputs = inputs_of(SearchPipelineArgs)
    kind = "search"
    lists = _LISTS

    def _put(self, search: SearchCluster, inputs: Values) -> None:
        name, body = str(inputs["pipelineName"]), _canonical(inputs["body"])
        if _fusions(body):
            body = _for_version(body, _version(search))
        search.ask(
            f"PutSearchPipeline {name}",
            lambda: search.client.search_pipeline.put(id=name, body=body),
        )

    def _get(self, search: SearchCluster, name: str) -> Mapping[str, Any] | None:
        try:
            found = search.ask(
                f"GetSearchPipeline {name}", lambda: search.client.search_pipeline.get(id=name)
            )
        except NotFoundError:
            return None
        body: Mapping[str, Any] | None = found.get(name)
        return body

    def _delete(self, search: SearchCluster, name: str) -> None:
        search.ask(
            f"DeleteSearchPipeline {name}", lambda: search.client.search_pipeline.delete(id=name)
        )


def _version(search: SearchCluster) -> tuple[int, int]:
    number = str(search.ask("Info", lambda: search.client.info())["version"]["number"])
    major, minor = number.split(".")[:2]
    return int(major), int(minor)


def _copy(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _copy(item) for key, item in value.items()}
    return [_copy(item) for item in value] if isinstance(value, list) else value


def _fusions(body: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the ``combination`` of every rank fusion in a body."""
    return [
        combination
        for processor in body.get("phase_results_processors") or ()
        if isinstance(processor, Mapping) and isinstance(processor.get(_RANK_FUSION), Mapping)
        if isinstance(combination := processor[_RANK_FUSION].get("combination"), dict)
    ]


def _canonical(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return a body with rank constants where OpenSearch 3.1 reads them."""
    copied: dict[str, Any] = _copy(body)
    for combination in _fusions(copied):
        parameters = combination.get("parameters")
        if isinstance(parameters, dict) and "rank_constant" in parameters:
            combination["rank_constant"] = parameters.pop("rank_constant")
            if not parameters:
                del combination["parameters"]
    return copied


def _for_version(body: Mapping[str, Any], version: tuple[int, int]) -> dict[str, Any]:
    """Return a canonical body as this version of OpenSearch reads it.

    Raises:
        ProviderError: The version has no weights for rank fusion.
    """
    copied: dict[str, Any] = _copy(body)
    for combination in _fusions(copied) if version < (3, 1) else ():
        if "weights" in (combination.get("parameters") or {}):
            raise ProviderError(
                f"{_RANK_FUSION} has weights, which OpenSearch reads from 3.1; the cluster has "
                f"{version[0]}.{version[1]}. Leave the weights out, or use normalization."
            )
        if "rank_constant" in combination:
            combination["parameters"] = {"rank_constant": combination.pop("rank_constant")}
    return copied
