"""Shared by index and alias: calls of the cluster, comparison of mappings and settings.

A cluster shows more than the program declares (defaults, text instead of numbers). So only declared
values are compared.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol, TypeVar

from elastic_transport import TransportError
from elasticsearch import ApiError

from pluginhost import ProviderError, contains_unknown
from providers.clients.elasticsearch import convert_error
from providers.clients.errors import ClientError, NotFoundError
from providers.clients.retries import Retries
from providers.declaration import inputs_of
from providers.plugin.framework import Call, Values
from providers.search import ClusterArgs

__all__ = [
    "ADDRESS",
    "Connect",
    "SearchCluster",
    "alias_targets",
    "as_declared",
    "cluster",
    "flat_settings",
    "index_state",
    "instance_is_gone",
    "refuse_unnoticed_loss",
]

T = TypeVar("T")

# A cluster does not show these parameters of a mapping when they have these values. Seen with
# Elasticsearch 8.19.21.
_NOT_SHOWN: Final[dict[str, tuple[str, ...]]] = {
    "type": ("object",),
    "index": ("true",),
    "doc_values": ("true",),
    "enabled": ("true",),
    "norms": ("true",),
    "store": ("false",),
    "properties": ("{}",),
}

_QUICK_SECONDS: Final = 5.0

ADDRESS: Final = (*inputs_of(ClusterArgs), "caCertificate")
"""Inputs that lead to a cluster; ``caCertificate`` is one of OpenSearch only."""


@dataclass(frozen=True, kw_only=True)
class SearchCluster:
    """A cluster and its retries.

    Attributes:
        client: An ``elasticsearch.Elasticsearch`` or an ``opensearchpy.OpenSearch``.
        retries: When to retry a call.
        errors: What the client raises.
        convert: Returns the ``ClientError`` for one of these.
    """

    client: Any
    retries: Retries
    errors: tuple[type[Exception], ...] = (ApiError, TransportError)
    convert: Callable[[str, Any], ClientError] = convert_error

    def ask(self, operation: str, function: Callable[[], T]) -> T:
        """Call the cluster, again if it does not answer: the call may safely happen twice.

        Raises:
            ClientError: The cluster refused or did not answer.
        """
        return self.retries.call(lambda: self.ask_once(operation, function))

    def ask_once(self, operation: str, function: Callable[[], T]) -> T:
        """Call the cluster one time.

        Raises:
            ClientError: The cluster refused or did not answer.
        """
        try:
            return function()
        except self.errors as error:
            raise self.convert(operation, error) from error


def cluster(inputs: Values, call: Call, *, attempts: int = 8) -> SearchCluster:
    """Return the cluster that a resource's inputs name.

    Args:
        inputs: With `ADDRESS`.
        call: The operation of the engine.
        attempts: How often a request is made at most. One attempt is a quick look: a preview must
            not wait for a cluster that it cannot reach.
    """
    client = call.services.elasticsearch(
        str(inputs["endpoint"]), str(inputs["username"]), str(inputs["password"])
    )
    if attempts == 1:
        client = client.options(request_timeout=_QUICK_SECONDS, max_retries=0)
    return SearchCluster(client=client, retries=Retries(attempts=attempts, sleep=call.wait))


def instance_is_gone(inputs: Values, call: Call) -> bool:
    """Return whether the Elasticsearch instance was deleted; False where the inputs do not name it.

    An endpoint alone cannot tell: what does not answer may be back in a minute.
    """
    instance_id = inputs.get("instanceId")
    if not instance_id:
        return False
    return not call.services.elasticsearch_instances.exists(str(instance_id))


class Connect(Protocol):
    """Returns the cluster that a resource's inputs name, as `cluster` does."""

    def __call__(self, inputs: Values, call: Call, *, attempts: int = 8) -> SearchCluster: ...


def refuse_unnoticed_loss(
    inputs: Values, call: Call, connect: Connect = cluster, *, by_instance: bool = True
) -> None:
    """Refuse to continue with an index that is gone, before a refresh has noticed it.

    Args:
        inputs: With `ADDRESS` and ``indexName``.
        call: The operation of the engine.
        connect: Connects to the cluster.
        by_instance: Whether ``instanceId`` is an Elasticsearch instance, with which its indices go.

    Raises:
        ProviderError: The index, or the instance that held it, was deleted.
    """
    if any(contains_unknown(inputs.get(key)) for key in (*ADDRESS, "indexName")):
        return
    name = str(inputs["indexName"])
    try:
        if by_instance and instance_is_gone(inputs, call):
            lost = f"Elasticsearch instance {inputs['instanceId']}, with index {name!r} in it,"
        elif index_state(connect(inputs, call, attempts=1), name) is None:
            lost = f"index {name!r}"
        else:
            return
    except ClientError:
        # The preview may not reach the cluster: leave it to a refresh.
        return
    raise ProviderError(
        f"{lost} was deleted. Run `pulumi refresh`, then `pulumi up`, which fills a new index "
        "from the corpus."
    )


def index_state(search: SearchCluster, index_name: str) -> dict[str, Any] | None:
    """Return ``{"uuid", "mappings", "settings"}`` of an index, settings flat, or ``None``.

    An alias of that name does not count.
    """
    try:
        found = search.ask(
            f"GetIndex {index_name}",
            lambda: search.client.indices.get(index=index_name, flat_settings=True),
        )
    except NotFoundError:
        return None
    body = dict(found).get(index_name)
    if body is None:
        return None
    return {
        "uuid": body["settings"]["index.uuid"],
        "mappings": body.get("mappings", {}),
        "settings": body["settings"],
    }


def alias_targets(search: SearchCluster, alias: str) -> list[str]:
    """Return the indices that an alias points to, in order; empty if there is no such alias."""
    try:
        found = search.ask(f"GetAlias {alias}", lambda: search.client.indices.get_alias(name=alias))
    except NotFoundError:
        return []
    return sorted(dict(found))


def flat_settings(settings: Mapping[str, Any] | None) -> dict[str, str]:
    """Return index settings flat, as a cluster shows them: ``{"index.number_of_shards": "1"}``."""
    flat: dict[str, str] = {}

    def add(prefix: str, value: Any) -> None:
        if isinstance(value, Mapping):
            for key, item in value.items():
                add(f"{prefix}.{key}" if prefix else str(key), item)
        else:
            name = prefix if prefix.startswith("index.") else f"index.{prefix}"
            flat[name] = _text(value)

    add("", settings or {})
    return flat


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, list | tuple):
        return str([_text(item) for item in value])
    return str(value)


def as_declared(declared: Any, present: Any) -> Any:
    """Return ``present`` in the shape and spelling of ``declared``, to show only real drift.

    Returns the declared value if both mean the same, else the present value. Leaves out values that
    are not declared.
    """
    if isinstance(declared, Mapping) and isinstance(present, Mapping):
        shown = {}
        for key, value in declared.items():
            if key in present:
                shown[key] = as_declared(value, present[key])
            elif _text(value) in _NOT_SHOWN.get(key, ()):
                shown[key] = value
        return shown
    if isinstance(declared, Mapping) or isinstance(present, Mapping):
        return present
    if isinstance(declared, list) and isinstance(present, list):
        if len(declared) != len(present):
            return present
        return [as_declared(*pair) for pair in zip(declared, present, strict=True)]
    return declared if _text(declared) == _text(present) else present
