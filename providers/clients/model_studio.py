"""Models behind an OpenAI-compatible endpoint, such as that of Model Studio (DashScope).

Owns the question which models there are. API: ``GET <base URL>/models``
(https://www.alibabacloud.com/help/en/model-studio/, read 2026-11-21).
"""

from __future__ import annotations

import httpx

from .errors import ConnectionFailedError, InvalidRequestError, classify

__all__ = ["model_names"]

_TIMEOUT = httpx.Timeout(15.0, connect=3.0)


def model_names(base_url: str, api_key: str) -> frozenset[str]:
    """Names of the models that the key may call.

    Args:
        base_url: Such as ``https://dashscope.aliyuncs.com/compatible-mode/v1``.
        api_key: Of the endpoint.

    Raises:
        ClientError: The key is wrong, or there was no such answer.
    """
    operation = f"GET {base_url.rstrip('/')}/models"
    try:
        answer = httpx.get(
            f"{base_url.rstrip('/')}/models",
            headers={"Authorization": f"Bearer {api_key}"},
            timeout=_TIMEOUT,
        )
    except httpx.HTTPError as error:
        raise ConnectionFailedError(str(error) or repr(error), operation=operation) from error
    if answer.status_code != httpx.codes.OK:
        # The body is not repeated: some gateways echo the key.
        raise classify(answer.status_code, "")(
            "the endpoint refused", operation=operation, http_status=answer.status_code
        )
    try:
        return frozenset(str(item["id"]) for item in answer.json()["data"])
    except (ValueError, KeyError, TypeError) as error:
        raise InvalidRequestError("the answer is no list of models", operation=operation) from error
