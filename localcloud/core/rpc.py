"""RPC-style APIs: one path; ``Action`` and ``Version`` name the operation.

Owns the dispatch and parameter checks that all RPC services share. It does not own the operations:
each service registers its own with the ``API`` of ``<service>/rpc.py``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from localcloud.core.access import Principal
from localcloud.core.errors import CloudError, not_supported
from localcloud.core.operations import Operation
from localcloud.core.resources import Context
from localcloud.core.signing import SignedRequest

# Parameters that every RPC request may have beside those of the operation.
_COMMON = frozenset({"Action", "Format", "RegionId", "SignatureNonce", "Timestamp", "Version"})
Item = TypeVar("Item")

MAX_LISTED = 100
"""The highest number of a parameter in a list."""


def numbered_names(name: str, most: int) -> list[str]:
    """Return the parameter names ``<name>.1`` to ``<name>.<most>`` of a list."""
    return [f"{name}.{number}" for number in range(1, most + 1)]


@dataclass(frozen=True, kw_only=True)
class RpcCall:
    """One call of an RPC operation.

    Attributes:
        context: The running local cloud.
        principal: The caller.
        parameters: The parameters of the operation, as text.
    """

    context: Context
    principal: Principal
    parameters: Mapping[str, str]

    def authorise(self, action: str, resource: str) -> None:
        """Raise ``CloudError`` ``NoPermission`` unless the caller may perform the RAM action."""
        self.context.access.require(self.principal, action, resource)

    def required(self, name: str) -> str:
        """Return a mandatory parameter.

        Raises:
            CloudError: ``MissingParameter``.
        """
        value = self.parameters.get(name, "")
        if not value:
            raise CloudError(
                "MissingParameter", f"The parameter {name} is mandatory for this action."
            )
        return value

    def number(self, name: str, default: int, lowest: int, highest: int) -> int:
        """Return a whole number within bounds.

        Raises:
            CloudError: ``InvalidParameter``.
        """
        text = self.parameters.get(name) or str(default)
        if not text.isdigit() or not lowest <= int(text) <= highest:
            raise CloudError(
                "InvalidParameter", f"{name} is {text!r}; it must be {lowest} to {highest}."
            )
        return int(text)

    def listed(self, name: str) -> list[str]:
        """Return the values of the parameters ``<name>.1``, ``<name>.2`` and so on."""
        numbered = (self.parameters.get(key) for key in numbered_names(name, MAX_LISTED))
        return [value for value in numbered if value]

    def page(self, found: list[Item], largest: int) -> tuple[dict[str, Any], list[Item]]:
        """Return the reply's fields about paging, and the page that the call requests.

        Args:
            found: Everything that the call asks for.
            largest: The highest ``PageSize``.
        """
        number = self.number("PageNumber", 1, 1, 1_000_000)
        size = self.number("PageSize", 10, 1, largest)
        fields = {"TotalCount": len(found), "PageNumber": number, "PageSize": size}
        return fields, found[(number - 1) * size : number * size]


Answer = Callable[[RpcCall], dict[str, Any]]


@dataclass(frozen=True, kw_only=True)
class RpcAction:
    """One RPC operation.

    Attributes:
        name: The ``Action``.
        version: The API's ``Version``.
        parameters: The supported parameters; any other is refused.
        answer: Performs the operation and returns the body of the reply. Runs in a worker thread.
        operation: Its row in the coverage table.
    """

    name: str
    version: str
    parameters: frozenset[str]
    answer: Answer
    operation: Operation


class RpcApi:
    """The RPC operations of one service.

    Args:
        service: The service's folder name.
        product: The product, such as ``Ecs``.
        version: The API's ``Version``.
    """

    def __init__(self, service: str, product: str, version: str) -> None:
        self._service = service
        self._api = f"RPC {product} {version}"
        self._version = version
        self.actions: list[RpcAction] = []

    def action(self, name: str, *parameters: str, notes: str = "") -> Callable[[Answer], Answer]:
        """Return a decorator for the function that answers an operation.

        Args:
            name: The ``Action``.
            parameters: The supported parameters.
            notes: What the local cloud supports less of than the cloud.
        """

        def register(answer: Answer) -> Answer:
            operation = Operation(service=self._service, name=name, api=self._api, notes=notes)
            self.actions.append(
                RpcAction(
                    name=name,
                    version=self._version,
                    parameters=frozenset(parameters),
                    answer=answer,
                    operation=operation,
                )
            )
            return answer

        return register


class RpcEndpoint:
    """Serves every RPC operation of the local cloud on one path.

    Args:
        context: The running local cloud.
        actions: The operations.
    """

    def __init__(self, context: Context, actions: Iterable[RpcAction]) -> None:
        self._context = context
        self._actions = {(action.version, action.name): action for action in actions}

    async def __call__(self, request: Request) -> Response:
        signed: SignedRequest = request.state.signed
        parameters = signed.parameters()
        name = request.headers.get("x-acs-action") or parameters.get("Action", "")
        version = request.headers.get("x-acs-version") or parameters.get("Version", "")
        action = self._actions.get((version, name))
        if action is None:
            raise not_supported(
                f"The RPC action {name!r} of version {version!r}",
                "the supported actions are "
                + ", ".join(sorted(f"{key[1]} ({key[0]})" for key in self._actions)),
            )
        own = {key: value for key, value in parameters.items() if key not in _COMMON}
        unknown = sorted(own.keys() - action.parameters)
        if unknown:
            raise not_supported(
                f"The parameter {unknown[0]}={own[unknown[0]]!r} of {name}",
                f"the supported parameters are {', '.join(sorted(action.parameters)) or 'none'}",
            )
        call = RpcCall(context=self._context, principal=request.state.principal, parameters=own)
        body = await run_in_threadpool(action.answer, call)
        return JSONResponse({"RequestId": request.state.request_id, **body})
