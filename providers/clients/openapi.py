"""What the OpenAPI (tea) clients share: configuration from an endpoint URL, and error conversion.

Owns nothing of any one service. Source: ``alibabacloud_tea_openapi`` 0.4
as installed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

from alibabacloud_tea_openapi.exceptions import AlibabaCloudException
from alibabacloud_tea_openapi.utils_models import Config
from Tea.exceptions import TeaException
from Tea.exceptions import UnretryableException as TeaUnretryableException

from .credentials import Credentials
from .errors import ClientError, classify, unanswered

__all__ = ["call", "client_config", "split_endpoint"]

CONNECT_TIMEOUT_MS: Final = 10_000
READ_TIMEOUT_MS: Final = 60_000

T = TypeVar("T")


def split_endpoint(endpoint: str) -> tuple[str, str]:
    """``(protocol, host[:port])`` of an endpoint; ``https`` where it names no scheme.

    Raises:
        ValueError: The endpoint is empty or has a path.
    """
    parts = urlsplit(endpoint if "://" in endpoint else f"https://{endpoint}")
    if not parts.netloc or parts.path not in ("", "/") or parts.scheme not in ("http", "https"):
        raise ValueError(
            f"endpoint {endpoint!r} is not an endpoint; write it like "
            "'pai-dlc.cn-hangzhou.aliyuncs.com' or 'http://127.0.0.1:8080'"
        )
    return parts.scheme, parts.netloc


def client_config(endpoint: str, region_id: str, credentials: Credentials) -> Any:
    """Return the SDK's ``Config`` for a client: explicit timeouts, no retries in the SDK.

    Args:
        endpoint: ``[http[s]://]host[:port]``.
        region_id: e.g. ``cn-hangzhou``.
        credentials: As ``credentials_provider`` gives them.
    """
    protocol, host = split_endpoint(endpoint)
    return Config(
        credential=credentials.client,
        endpoint=host,
        protocol=protocol.upper(),
        region_id=region_id,
        connect_timeout=CONNECT_TIMEOUT_MS,
        read_timeout=READ_TIMEOUT_MS,
    )


def call(operation: str, function: Callable[[], T]) -> T:
    """Call an SDK method and turn its exceptions into ``ClientError``.

    Raises:
        ClientError: The service refused or could not be reached.
    """
    try:
        return function()
    except AlibabaCloudException as error:
        raise _from_reply(operation, error) from error
    except TeaUnretryableException as error:
        raise unanswered(str(error), operation=operation) from error
    except TeaException as error:
        raise _from_reply(operation, error) from error
    except OSError as error:
        raise unanswered(str(error), operation=operation) from error


def _from_reply(operation: str, error: Any) -> ClientError:
    status = getattr(error, "status_code", None) or getattr(error, "statusCode", None)
    code = str(error.code or "")
    data = error.data if isinstance(error.data, dict) else {}
    request_id = getattr(error, "request_id", None) or data.get("RequestId") or ""
    message = str(data.get("Message") or data.get("message") or error.message or error)
    return classify(status, code)(
        message, operation=operation, code=code, request_id=str(request_id), http_status=status
    )
