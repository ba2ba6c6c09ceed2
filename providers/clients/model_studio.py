"""Models behind an OpenAI-compatible endpoint, such as that of Model Studio (DashScope).

Owns the question which models there are. API: ``GET <base URL>/models``
(https://www.alibabacloud.com/help/en/model-studio/, read 2026-11-21).
"""

from __future__ import annotations

from http import HTTPStatus

from . import bearer
from .errors import InvalidRequestError, classify

__all__ = ["model_names"]


def model_names(base_url: str, api_key: str) -> frozenset[str]:
    """Names of the models that the key may call.

    Args:
        base_url: Such as ``https://dashscope.aliyuncs.com/compatible-mode/v1``.
        api_key: Of the endpoint.

    Raises:
        ClientError: The key is wrong, or there was no such answer.
    """
    operation = f"GET {base_url.rstrip('/')}/models"
    status, body = bearer.get(f"{base_url.rstrip('/')}/models", api_key, operation)
    if status != HTTPStatus.OK:
        # The body is not repeated: some gateways echo the key.
        raise classify(status, "")("the endpoint refused", operation=operation, http_status=status)
    try:
        return frozenset(str(item["id"]) for item in body["data"])
    except (KeyError, TypeError) as error:
        raise InvalidRequestError(
            "the reply is not a list of models", operation=operation
        ) from error
