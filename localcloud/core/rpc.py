"""RPC-style APIs: one path, the operation named by ``Action`` and ``Version``.

Owns dispatch and parameter checking that every RPC service (STS, KMS, ECS) shares. What an
operation does is its service's: each has ``actions(context)`` in ``<service>/rpc.py``.
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

# What every RPC request may carry beside the operation's own parameters.
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


@dataclass(frozen=True, kw_only=True)
class RpcCall:
    """One call of an RPC operation.

    Attributes:
        principal: Who calls.
        parameters: The operation's own parameters, as text.
    """

    principal: Principal
    parameters: Mapping[str, str]

    def required(self, name: str) -> str:
        """A parameter that must be there.

        Raises:
            CloudError: ``MissingParameter``.
        """
        value = self.parameters.get(name, "")
        if not value:
            raise CloudError(
                "MissingParameter", f"The parameter {name} is mandatory for this action."
            )
        return value


@dataclass(frozen=True, kw_only=True)
class RpcAction:
    """One RPC operation.

    Attributes:
        name: The ``Action``.
        version: The API's ``Version``.
        parameters: Those it understands; any other is refused.
        answer: Carries it out and returns the answer's body; runs in a worker thread.
    """

    name: str
    version: str
    parameters: frozenset[str]
    answer: Callable[[RpcCall], dict[str, Any]]


class RpcEndpoint:
    """Answers every RPC operation of the local cloud on one path.

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
                f"the RPC action {name!r} of version {version!r}",
                "supported are "
                + ", ".join(sorted(f"{key[1]} ({key[0]})" for key in self._actions)),
            )
        own = {key: value for key, value in parameters.items() if key not in _COMMON}
        unknown = sorted(own.keys() - action.parameters)
        if unknown:
            raise not_supported(
                f"the parameter {unknown[0]}={own[unknown[0]]!r} of {name}",
                f"supported are {', '.join(sorted(action.parameters)) or 'none'}",
            )
        call = RpcCall(principal=request.state.principal, parameters=own)
        body = await run_in_threadpool(action.answer, call)
        return JSONResponse({"RequestId": request.state.request_id, **body})
