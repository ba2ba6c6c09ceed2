"""The services of the local cloud, and what the daemon collects from each.

Owns the list of services. A service folder has any of these parts: ``resources.HANDLERS``,
``routes.routes(context)``, ``rpc.API``, ``services.services(context)``,
``workers.workers(context)``, ``operations.OPERATIONS`` (except RPC).
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Iterator, Sequence
from types import ModuleType
from typing import TYPE_CHECKING

from localcloud.core.operations import Operation
from localcloud.core.resources import Context, ResourceHandler

if TYPE_CHECKING:
    from starlette.routing import BaseRoute

    from localcloud.core.background import Worker
    from localcloud.core.rpc import RpcAction
    from localcloud.core.supervisor import ProcessSpec

SERVICES = (
    "vpc",
    "ram",
    "ims",
    "sts",
    "kms",
    "quotas",
    "aiworkspace",
    "oss",
    "paidlc",
    "ecs",
    "cas",
    "alb",
    "ess",
    "elasticsearch",
    "dashscope",
    "log",
    "cms",
    "tag",
    "issuer",
    "cloudflare",
)


def _modules(part: str, names: Sequence[str]) -> Iterator[ModuleType]:
    for service in names:
        name = f"localcloud.{service}.{part}"
        if importlib.util.find_spec(name) is not None:
            yield importlib.import_module(name)


def handlers(names: Sequence[str] = SERVICES) -> dict[str, ResourceHandler]:
    """Return every resource handler by type token.

    Raises:
        ValueError: Two services handle the same type.
    """
    found: dict[str, ResourceHandler] = {}
    for module in _modules("resources", names):
        for handler in module.HANDLERS:
            if handler.token in found:
                raise ValueError(f"{handler.token} has two handlers")
            found[handler.token] = handler()
    return found


def routes(context: Context, names: Sequence[str] = SERVICES) -> list[BaseRoute]:
    """Return every control-plane route except the RPC endpoint."""
    return [route for module in _modules("routes", names) for route in module.routes(context)]


def rpc_actions(names: Sequence[str] = SERVICES) -> list[RpcAction]:
    """Return every RPC operation."""
    return [action for module in _modules("rpc", names) for action in module.API.actions]


def services(context: Context, names: Sequence[str] = SERVICES) -> list[ProcessSpec]:
    """Return every process that the daemon starts together with itself."""
    return [spec for module in _modules("services", names) for spec in module.services(context)]


def workers(context: Context, names: Sequence[str] = SERVICES) -> list[Worker]:
    """Return every worker: the daemon starts them last and closes them first."""
    return [worker for module in _modules("workers", names) for worker in module.workers(context)]


def operations(names: Sequence[str] = SERVICES) -> list[Operation]:
    """Return every API operation, for the coverage table."""
    listed = [
        operation for module in _modules("operations", names) for operation in module.OPERATIONS
    ]
    return [*listed, *(action.operation for action in rpc_actions(names))]
