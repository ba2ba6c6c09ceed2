"""Operations of APIs that no typed SDK is installed for, by their names: RPC style and ROA style.

Owns how such a call is made, signed (ACS3-HMAC-SHA256) and its errors converted. It knows no
operation. Source: ``alibabacloud_tea_openapi`` 0.4, ``Client.call_api``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from alibabacloud_tea_openapi.client import Client
from alibabacloud_tea_openapi.utils_models import OpenApiRequest, Params
from darabonba.runtime import RuntimeOptions

from . import openapi
from .credentials import Credentials
from .errors import InvalidRequestError
from .retries import Retries

__all__ = ["GenericClient"]

CONNECT_TIMEOUT_MS: Final = 3_000
READ_TIMEOUT_MS: Final = 15_000


class GenericClient:
    """Any operation of one API behind one endpoint. Safe to use from several threads.

    Args:
        endpoint: ``[http[s]://]host[:port]``.
        region_id: e.g. ``cn-hangzhou``.
        credentials: As ``credentials_provider`` gives them.
        retries: For what is asked with ``rpc`` and ``roa``; by default one attempt, as a call may
            not be safe to repeat.
        connect_timeout_ms: For the connection to come about.
        read_timeout_ms: For the answer.
    """

    def __init__(
        self,
        endpoint: str,
        region_id: str,
        credentials: Credentials,
        *,
        retries: Retries | None = None,
        connect_timeout_ms: int = CONNECT_TIMEOUT_MS,
        read_timeout_ms: int = READ_TIMEOUT_MS,
    ) -> None:
        config = openapi.client_config(endpoint, region_id, credentials)
        config.connect_timeout = connect_timeout_ms
        config.read_timeout = read_timeout_ms
        self._client = Client(config)
        self._retries = retries or Retries(attempts=1)

    def rpc(
        self, action: str, version: str, parameters: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """Call an RPC operation.

        Args:
            action: Such as ``DescribeZones``.
            version: The API's, such as ``2014-05-26``.
            parameters: By wire name; lists as ``Name.1``, ``Name.2``.

        Returns:
            The answer's body.

        Raises:
            ClientError: It was refused, or there was no answer.
        """
        return self._call(action, version, "RPC", "POST", "/", parameters or {}, None)

    def roa(
        self,
        action: str,
        version: str,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        body: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Call a ROA operation.

        Args:
            action: Such as ``GetRegionConfiguration``.
            version: The API's, such as ``2017-06-13``.
            method: HTTP method.
            path: Such as ``/openapi/region``.
            query: Query parameters.
            body: JSON body; none by default.

        Returns:
            The answer's body.

        Raises:
            ClientError: It was refused, or there was no answer.
        """
        return self._call(action, version, "ROA", method, path, query or {}, body)

    def _call(
        self,
        action: str,
        version: str,
        style: str,
        method: str,
        path: str,
        query: Mapping[str, Any],
        body: Mapping[str, Any] | None,
    ) -> dict[str, Any]:
        params = Params(
            action=action,
            version=version,
            protocol="HTTPS",  # Without effect: the client's configuration has it.
            pathname=path,
            method=method,
            auth_type="AK",
            style=style,
            req_body_type="formData" if style == "RPC" else "json",
            body_type="json",
        )
        request = OpenApiRequest(
            query={key: str(value) for key, value in query.items()},
            body=None if body is None else dict(body),
        )

        def call() -> dict[str, Any]:
            answer = openapi.call(
                action, lambda: self._client.call_api(params, request, RuntimeOptions())
            )
            found = answer.get("body")
            if not isinstance(found, dict):
                raise InvalidRequestError("the reply is not a JSON object", operation=action)
            return found

        return self._retries.call(call)
