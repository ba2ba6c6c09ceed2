"""Shared by the resources inside an OpenSearch cluster: the connection, checks, the address.

Does not own any resource.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from pluginhost import ProviderError, contains_unknown
from providers.clients.ecs_instances import STOPPED
from providers.clients.errors import ClientError, ConnectionFailedError, ServiceUnavailableError
from providers.clients.opensearch import (
    REQUEST_TIMEOUT_SECONDS,
    AuthenticationException,
    NoConnectionError,
    TransportError,
    convert_error,
)
from providers.clients.retries import Retries
from providers.plugin.framework import Call, Change, Failure, Values
from providers.plugin.search import ADDRESS, SearchCluster

__all__ = [
    "await_authority",
    "check_certificate",
    "deadline_seconds",
    "is_known",
    "node_is_gone",
    "opensearch",
    "with_endpoint",
]

_QUICK_SECONDS: Final = 5.0
# A node looks into KMS every 30 s, and restarts for another authority.
_TRUST_SECONDS: Final = 300.0
# About 50 s in all: a node looks into KMS for changed passwords every 30 s.
_ATTEMPTS: Final = 12


def opensearch(inputs: Values, call: Call, *, attempts: int = 8) -> SearchCluster:
    """Return the OpenSearch cluster that a resource's inputs name.

    Args:
        inputs: With `ADDRESS`.
        call: The operation of the engine.
        attempts: How often a request is made at most. One attempt is a quick look: a preview must
            not wait for a cluster that it cannot reach.
    """
    ca_certificate = inputs.get("caCertificate")
    client = call.services.opensearch(
        str(inputs["endpoint"]),
        str(inputs["username"]),
        str(inputs["password"]),
        str(ca_certificate) if ca_certificate else None,
        _QUICK_SECONDS if attempts == 1 else REQUEST_TIMEOUT_SECONDS,
    )
    quick = attempts == 1
    return SearchCluster(
        client=client,
        retries=Retries(attempts=1 if quick else max(attempts, _ATTEMPTS), sleep=call.wait),
        errors=(TransportError,),
        convert=convert_error if quick else _convert,
    )


def await_authority(olds: Values, inputs: Values, call: Call) -> None:
    """Wait until the node at the endpoint shows a certificate of a changed authority.

    Return at once if the authority is the same. A node that does not show one in time is left to
    the request that follows, whose error says more.
    """
    if olds.get("caCertificate") == inputs.get("caCertificate"):
        return
    search, began = opensearch(inputs, call, attempts=1), call.clock()
    while True:
        try:
            search.client.cluster.health()
        except NoConnectionError:
            waited = call.clock() - began
        except TransportError:
            return
        else:
            return
        if waited >= _TRUST_SECONDS:
            return
        what = f"a certificate of the new authority at {inputs['endpoint']}"
        call.status(f"waiting for {what}: {waited:.0f} s")
        call.wait(2.0)


def node_is_gone(inputs: Values, call: Call) -> bool:
    """Return whether the node at the endpoint does not answer, because its instance was deleted.

    False where the inputs do not name the instance. It may also be the former one of a node that
    an update has replaced; that node answers.

    Raises:
        ProviderError: The instance is stopped, so nothing in the cluster can be read.
    """
    instance_id = inputs.get("instanceId")
    if not instance_id or _answers(inputs, call):
        return False
    status = call.services.ecs_instances.status(str(instance_id))
    if status in STOPPED:
        raise ProviderError(
            f"ECS instance {instance_id}, the OpenSearch node at {inputs['endpoint']}, is {status}."
            " Start it, or delete it, and run `make up` again, which creates a deleted one again"
        )
    return status is None


def _answers(inputs: Values, call: Call) -> bool:
    search = opensearch(inputs, call, attempts=1)
    try:
        search.ask("GetClusterHealth", search.client.cluster.health)
    except ConnectionFailedError:
        return False
    except ClientError:
        # It refuses, so it is there.
        return True
    return True


def _convert(operation: str, error: TransportError) -> ClientError:
    """Return the error for an exception of the client; a refused password may be accepted soon."""
    if isinstance(error, AuthenticationException):
        return ServiceUnavailableError(
            "the cluster refuses the user's password. Its nodes take a changed one from KMS within "
            "a minute; if it is right, run `pulumi up` again",
            operation=operation,
            http_status=401,
        )
    return convert_error(operation, error)


def check_certificate(inputs: Values) -> Iterator[Failure]:
    """Yield a failure if ``caCertificate`` is not PEM text, for example a file's path."""
    text = inputs.get("caCertificate")
    if isinstance(text, str) and text and "-----BEGIN CERTIFICATE-----" not in text:
        yield Failure(
            "caCertificate",
            f"is {text[:40]!r}; give the PEM text of the certificate, not the path of its file",
        )


def is_known(inputs: Values, *names: str) -> bool:
    """Return whether the cluster's address and these inputs are known in a preview."""
    return not any(contains_unknown(inputs.get(name)) for name in (*ADDRESS, *names))


def with_endpoint(
    changes: list[Change],
    old_inputs: Values,
    news: Values,
    call: Call,
    exists: Callable[[SearchCluster], bool],
) -> list[Change]:
    """Make a new endpoint replace the resource, unless it leads to the same cluster.

    Args:
        changes: The changes of the inputs.
        old_inputs: The inputs before.
        news: The inputs now.
        call: The operation of the engine.
        exists: Whether a cluster has the resource, by an id that no other cluster has.
    """
    if news.get("endpoint") == old_inputs.get("endpoint"):
        return changes
    if is_known(news):
        try:
            if exists(opensearch(news, call, attempts=1)):
                return changes
        except ClientError:
            # The preview may not reach the cluster, so it counts as another one.
            pass
    others = [change for change in changes if change.property != "endpoint"]
    return [*others, Change(path="endpoint", kind="update", replaces=True)]


def deadline_seconds(inputs: Mapping[str, Any], call: Call) -> float:
    """Return how long a wait may take: ``custom_timeouts``, or ``timeoutSeconds``."""
    return call.timeout_seconds or float(inputs["timeoutSeconds"])
