"""RPC-style APIs: one path; ``Action`` and ``Version`` name the operation.

Owns the dispatch and parameter checks that all RPC services share. It does not own the operations:
each service lists its own in ``actions(context)`` of ``<service>/rpc.py``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from localcloud.core.access import Principal
from localcloud.core.errors import CloudError, not_supported
from localcloud.core.signing import SignedRequest

# Parameters that every RPC request may have beside those of the operation.
_COMMON = frozenset(
    {
        "AccessKeyId",
        "Action",
        "Format",
        "RegionId",
        "SecurityToken",
        "Signature",
        "SignatureMethod",
        "SignatureNonce",
        "SignatureType",
        "SignatureVersion",
        "Timestamp",
        "Version",
    }
)


MAX_LISTED = 100
"""The highest number of a parameter in a list."""


def numbered_names(name: str, most: int) -> list[str]:
    """Return the parameter names ``<name>.1`` to ``<name>.<most>`` of a list."""
    return [f"{name}.{number}" for number in range(1, most + 1)]


@dataclass(frozen=True, kw_only=True)
class RpcCall:
    """One call of an RPC operation.

    Attributes:
        principal: The caller.
        parameters: The parameters of the operation, as text.
    """

    principal: Principal
    parameters: Mapping[str, str]

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


@dataclass(frozen=True, kw_only=True)
class RpcAction:
    """One RPC operation.

    Attributes:
        name: The ``Action``.
        version: The API's ``Version``.
        parameters: The supported parameters; any other is refused.
        answer: Performs the operation and returns the body of the reply. Runs in a worker thread.
    """

    name: str
    version: str
    parameters: frozenset[str]
    answer: Callable[[RpcCall], dict[str, Any]]


class RpcEndpoint:
    """Serves every RPC operation of the local cloud on one path.

    Args:
        actions: The operations.
    """

    def __init__(self, actions: Iterable[RpcAction]) -> None:
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
        call = RpcCall(principal=request.state.principal, parameters=own)
        body = await run_in_threadpool(action.answer, call)
        return JSONResponse({"RequestId": request.state.request_id, **body})
