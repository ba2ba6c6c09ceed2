"""The node's secrets, read from KMS by its RAM role: certificates and the users' passwords."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path

from opensearch_node.errors import NodeError
from opensearch_node.settings import NodeSettings
from providers.clients.credentials import credentials_provider
from providers.clients.kms import get_secret_value

__all__ = ["Certificates", "Secrets", "read_secrets"]


@dataclass(frozen=True, kw_only=True)
class Certificates:
    """The certificates of a node, as PEM texts; keys are PKCS#8.

    Attributes:
        ca: The authority that signed both.
        node, node_key: For the node's transport and HTTP layers.
        admin, admin_key: For administration by this program.
    """

    ca: str
    node: str
    node_key: str = field(repr=False)
    admin: str
    admin_key: str = field(repr=False)

    def files(self) -> dict[str, str]:
        """Return the text of each file of the engine's configuration."""
        return {
            "ca.pem": self.ca,
            "node.pem": self.node,
            "node.key": self.node_key,
            "admin.pem": self.admin,
            "admin.key": self.admin_key,
        }

    def write(self, folder: Path) -> None:
        """Write the files, which only the node's user can read."""
        for name, text in self.files().items():
            part = folder / f".{name}.part"
            part.unlink(missing_ok=True)
            part.touch(mode=0o600)
            part.write_text(text, encoding="utf-8")
            part.replace(folder / name)


@dataclass(frozen=True, kw_only=True)
class Secrets:
    """What KMS holds for a node.

    Attributes:
        certificates: Its certificates.
        passwords: Password by user.
    """

    certificates: Certificates
    passwords: Mapping[str, str] = field(repr=False)


def read_secrets(settings: NodeSettings, read: Callable[[str], str] | None = None) -> Secrets:
    """Read everything from KMS.

    Args:
        settings: The node's settings.
        read: Returns the value of a secret. Default: from KMS.

    Raises:
        NodeError: The secret with the certificates has another form.
        providers.clients.errors.ClientError: KMS did not return a secret.
    """
    read = read or _from_kms(settings)
    text = read(settings.opensearch_certificates)
    try:
        values = json.loads(text)
        certificates = Certificates(
            **{item.name: str(values[item.name]) for item in fields(Certificates)}
        )
    except (ValueError, KeyError, TypeError) as error:
        names = ", ".join(item.name for item in fields(Certificates))
        raise NodeError(
            f"the KMS secret {settings.opensearch_certificates!r} is not a JSON object with "
            f"{names} ({type(error).__name__}: {error}). Run pulumi up, which writes it"
        ) from error
    return Secrets(
        certificates=certificates,
        passwords={user: read(secret) for user, secret in settings.users.items()},
    )


def _from_kms(settings: NodeSettings) -> Callable[[str], str]:
    credentials = credentials_provider()
    return lambda name: get_secret_value(
        settings.kms_endpoint, settings.region_id, name, credentials
    )
