"""Credentials for every client: explicit keys, else Alibaba Cloud's default credential chain.

Owns the one object that both the OSS SDK and the OpenAPI SDKs accept, not where keys are stored.
The default chain (environment, ``ALIBABA_CLOUD_CREDENTIALS_URI``, profile, RAM role of
the machine) is the vendor's: ``alibabacloud_credentials.provider.DefaultCredentialsProvider``.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import Any

from alibabacloud_credentials.client import Client
from alibabacloud_credentials.exceptions import CredentialException
from alibabacloud_credentials.models import Config

from .errors import AccessDeniedError

__all__ = ["AccessKey", "Credentials", "credentials_provider"]

# The SDK refreshes a RAM role's key every minute in the background, and its scheduler warns when a
# busy machine skips one. The next minute makes up for it.
logging.getLogger("apscheduler.executors").setLevel(logging.ERROR)


@dataclass(frozen=True, kw_only=True)
class AccessKey:
    """One access key as the OSS SDK reads it; temporary if it has a security token."""

    access_key_id: str
    access_key_secret: str = field(repr=False)
    security_token: str = field(default="", repr=False)

    def get_access_key_id(self) -> str:
        """Return the access key's id."""
        return self.access_key_id

    def get_access_key_secret(self) -> str:
        """Return the access key's secret."""
        return self.access_key_secret

    def get_security_token(self) -> str:
        """Return the STS token; empty for a permanent key."""
        return self.security_token


class Credentials:
    """Credentials that refresh themselves, in the shapes both SDK families ask for.

    The OSS SDK calls ``get_credentials()`` before each request; the OpenAPI clients take ``client``
    as ``Config.credential``.
    """

    def __init__(self, client: Any) -> None:
        self.client = client

    def __repr__(self) -> str:
        return "Credentials(...)"

    def get_credentials(self) -> AccessKey:
        """Return the key to sign the next request with.

        Raises:
            AccessDeniedError: The default chain found no credentials, or could not refresh them.
        """
        try:
            model = self.client.get_credential()
        except (CredentialException, OSError, ValueError) as error:
            raise AccessDeniedError(
                f"no usable credentials: {error}. Set access_key_id and access_key_secret, or "
                "provide them by the environment (ALIBABA_CLOUD_ACCESS_KEY_ID, "
                "ALIBABA_CLOUD_CREDENTIALS_URI), a profile, or the machine's RAM role.",
                operation="GetCredentials",
            ) from error
        return AccessKey(
            access_key_id=model.access_key_id or "",
            access_key_secret=model.access_key_secret or "",
            security_token=model.security_token or "",
        )


def credentials_provider(
    access_key_id: str | None = None,
    access_key_secret: str | None = None,
    security_token: str | None = None,
) -> Credentials:
    """Credentials from explicit keys, else from the SDK's default chain.

    Args:
        access_key_id: Access key id; empty or ``None`` for the default chain.
        access_key_secret: Its secret; required with an id.
        security_token: STS token of a temporary key.

    Raises:
        ValueError: Only one of id and secret was given.
    """
    if bool(access_key_id) != bool(access_key_secret):
        given, missing = (
            ("access_key_id", "access_key_secret")
            if access_key_id
            else ("access_key_secret", "access_key_id")
        )
        raise ValueError(f"{given} is set but {missing} is not; set both, or neither")
    if not access_key_id:
        return Credentials(Client())
    return Credentials(
        Client(
            Config(
                type="sts" if security_token else "access_key",
                access_key_id=access_key_id,
                access_key_secret=access_key_secret,
                security_token=security_token or None,
            )
        )
    )
