"""Secrets from KMS: the current value of one, by its name.

Owns reading. Secrets are made by ``alicloud.kms.Secret``. API: Kms 2016-01-20 ``GetSecretValue``
(``alibabacloud_kms20160120`` 3.3).
"""

from __future__ import annotations

from typing import Any

from alibabacloud_kms20160120 import models
from alibabacloud_kms20160120.client import Client

from . import openapi
from .credentials import Credentials
from .errors import InvalidRequestError
from .retries import Retries

__all__ = ["get_secret_value"]


def get_secret_value(
    endpoint: str,
    region_id: str,
    secret_name: str,
    credentials: Credentials,
    *,
    retries: Retries | None = None,
    client: Any = None,
) -> str:
    """Return the current text value of a secret.

    Args:
        endpoint: KMS endpoint, ``[http[s]://]host[:port]``.
        region_id: e.g. ``cn-hangzhou``.
        secret_name: The secret's name.
        credentials: As ``credentials_provider`` gives them.
        retries: Retry policy; the default one if ``None``.
        client: The SDK client to use in place of one made from the endpoint.

    Raises:
        NotFoundError: There is no such secret.
        AccessDeniedError: ``kms:GetSecretValue`` on it is not allowed.
        InvalidRequestError: The secret is binary.
    """
    sdk = client or Client(openapi.client_config(endpoint, region_id, credentials))
    operation = f"GetSecretValue {secret_name}"
    request = models.GetSecretValueRequest(secret_name=secret_name)
    response = (retries or Retries()).call(
        lambda: openapi.call(operation, lambda: sdk.get_secret_value(request))
    )
    data_type = response.body.secret_data_type
    if data_type == "binary":
        raise InvalidRequestError(
            "the secret is binary; store a text secret (secret_data_type 'text')",
            operation=operation,
            request_id=response.body.request_id or "",
        )
    return str(response.body.secret_data)
