"""The local cloud's services, and what the daemon collects from them.

Owns the list of service folders. Each is optional in its parts: ``resources.HANDLERS``,
``routes.routes(context)``, ``rpc.actions(context)``, ``services.services(context)``,
``workers.workers(context)``, ``operations.OPERATIONS``. A ``resources`` module also has
``reset(context)``.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Iterator
from types import ModuleType
from typing import TYPE_CHECKING

from localcloud.operations import Operation
from localcloud.resources import Context, ResourceHandler

if TYPE_CHECKING:
    from starlette.routing import BaseRoute

    from localcloud.background import Worker
    from localcloud.rpc import RpcAction
    from localcloud.supervisor import ProcessSpec

SERVICES = (
    "vpc",
    "ram",
    "sts",
    "kms",
    "aiworkspace",
    "oss",
    "paidlc",
    "ecs",
    "elasticsearch",
    "dashscope",
)


def _modules(part: str) -> Iterator[ModuleType]:
    for service in SERVICES:
        name = f"localcloud.{service}.{part}"
        if importlib.util.find_spec(f"localcloud.{service}") and importlib.util.find_spec(name):
            yield importlib.import_module(name)


def handlers() -> dict[str, ResourceHandler]:
    """Every resource handler by its type token.

    Raises:
        ValueError: Two services claim one type.
    """
    found: dict[str, ResourceHandler] = {}
    for module in _modules("resources"):
        for handler in module.HANDLERS:
            if handler.token in found:
                raise ValueError(f"{handler.token} has two handlers")
            found[handler.token] = handler()
    return found


def routes(context: Context) -> list[BaseRoute]:
    """Every control-plane route that is not RPC."""
    return [route for module in _modules("routes") for route in module.routes(context)]


def rpc_actions(context: Context) -> list[RpcAction]:
    """Every RPC operation."""
    return [action for module in _modules("rpc") for action in module.actions(context)]


def services(context: Context) -> list[ProcessSpec]:
    """Every process the daemon starts with itself."""
    return [spec for module in _modules("services") for spec in module.services(context)]


def reset(context: Context) -> None:
    """Put every service back to its beginning: no resources, no records."""
    for module in _modules("resources"):
        module.reset(context)


def workers(context: Context) -> list[Worker]:
    """Every thread of work that the daemon starts once it is up, and closes first."""
    return [worker for module in _modules("workers") for worker in module.workers(context)]


def operations() -> list[Operation]:
    """Every API operation, for the coverage table."""
    return [operation for module in _modules("operations") for operation in module.OPERATIONS]
