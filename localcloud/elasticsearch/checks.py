"""Inputs of an Elasticsearch instance that the local cloud accepts, as data and pure checks.

Owns: versions, value ranges and error messages. Does not own the names and types of inputs, which
the plugin checks first.

Source: the input docs of ``alicloud.elasticsearch.Instance`` (pulumi_alicloud 4.0.0) and the pages
named below, all read 2026-11.
"""

from __future__ import annotations

import string
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from localcloud.core.errors import CloudError
from localcloud.elasticsearch.distribution import VERSION

__all__ = ["SETTINGS", "VERSIONS", "OfferedVersion", "check_inputs", "engine_settings"]


@dataclass(frozen=True, kw_only=True)
class OfferedVersion:
    """A version string of the cloud.

    Attributes:
        source: The document that names it.
        read: When the document was read.
    """

    source: str
    read: str


_PROVIDER_DOCS: Final = "terraform-provider-alicloud, r/elasticsearch_instance, `version`"
_REGION_CONFIGURATION: Final = (
    "AllowedValues of ALIYUN::Elasticsearch::Instance::ElasticsearchVersion in public ROS templates"
)

# Versions that the local 8.19 engine can replace: they have the same major version, so the same
# wire format and clients. The cloud also offers 5.x to 7.x, which have no local replacement.
VERSIONS: Final[Mapping[str, OfferedVersion]] = {
    "8.5.1_with_X-Pack": OfferedVersion(
        source="https://help.aliyun.com/document_detail/148782.html, esVersion", read="2026-11"
    ),
    "8.5_with_X-Pack": OfferedVersion(source=_PROVIDER_DOCS, read="2026-11"),
    "8.9_with_X-Pack": OfferedVersion(source=_PROVIDER_DOCS, read="2026-11"),
    "8.13_with_X-Pack": OfferedVersion(source=_PROVIDER_DOCS, read="2026-11"),
    "8.15_with_X-Pack": OfferedVersion(source=_REGION_CONFIGURATION, read="2026-11"),
    "8.17_with_X-Pack": OfferedVersion(source=_REGION_CONFIGURATION, read="2026-11"),
}

# ``settingConfig`` entries that have an effect locally, with the cloud's defaults.
# https://help.aliyun.com/en/es/user-guide/configure-the-yml-file
SETTINGS: Final[Mapping[str, str]] = {
    "action.auto_create_index": "false",
    "action.destructive_requires_name": "true",
}

_PASSWORD_SPECIALS: Final = "!@#$%^&*()_+-="  # noqa: S105 - the characters that are allowed


def check_inputs(inputs: Mapping[str, Any]) -> None:
    """Refuse inputs that the cloud or the local cloud does not accept.

    Raises:
        CloudError: Names the input, its value (unless it is a password) and the allowed values.
    """
    _check_version(str(inputs["version"]))
    _check_password(inputs.get("password"))
    if inputs.get("protocol") == "HTTPS":
        raise _unsupported(
            "protocol is HTTPS, but the local cloud supports only HTTP, because no client would "
            "trust its certificate; set HTTP in the local stack"
        )
    if inputs.get("zoneCount") == 0:
        raise _refused("zoneCount is 0; allowed: 1, 2, 3")
    for name in ("enablePublic", "enableKibanaPublicNetwork", "enableKibanaPrivateNetwork"):
        if inputs.get(name):
            what = "has no Kibana" if "Kibana" in name else "has no public addresses"
            raise _unsupported(f"{name} is true, but the local cloud {what}; set it to false")
    engine_settings(inputs)


def engine_settings(inputs: Mapping[str, Any]) -> dict[str, str]:
    """Return the engine settings of ``settingConfig`` with the cloud's defaults.

    Raises:
        CloudError: An entry has no effect in the local cloud.
    """
    given = inputs.get("settingConfig") or {}
    unknown = sorted(set(given) - set(SETTINGS))
    if unknown:
        raise _unsupported(
            f"settingConfig has {', '.join(unknown)}; the local cloud supports only "
            f"{', '.join(sorted(SETTINGS))}"
        )
    return {name: str(given.get(name, default)) for name, default in SETTINGS.items()}


def _check_version(version: str) -> None:
    if version not in VERSIONS:
        raise _refused(
            f"version is {version!r}; allowed: {', '.join(VERSIONS)}, for which the local cloud "
            f"runs Elasticsearch {VERSION}"
        )


def _check_password(password: object) -> None:
    if not isinstance(password, str):
        raise _refused(
            "password is missing; set it, because the local cloud does not support "
            "kmsEncryptedPassword"
        )
    classes = (string.ascii_uppercase, string.ascii_lowercase, string.digits, _PASSWORD_SPECIALS)
    used = sum(any(character in group for character in password) for group in classes)
    strange = any(character not in "".join(classes) for character in password)
    if used < 3 or strange:
        raise _refused(
            f"password has characters of {used} allowed kinds; it must have at least three of: "
            f"upper case, lower case, digits, and {_PASSWORD_SPECIALS}; other characters are not "
            "allowed"
        )


def _refused(message: str) -> CloudError:
    return CloudError("InvalidParameter", message, 400)


def _unsupported(message: str) -> CloudError:
    return CloudError("LocalCloud.NotSupported", message, 501)
