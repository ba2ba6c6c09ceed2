"""Resource types of IMS.

Limits and error codes: https://www.alibabacloud.com/help/en/ram/developer-reference/
api-ims-2019-08-15-createoidcprovider (read 2026-11-21). Fingerprints have no effect, because a
local issuer uses plain HTTP on loopback and has no certificate.
"""

from __future__ import annotations

import re
from typing import Any, ClassVar
from urllib.parse import urlsplit

from localcloud.core.errors import CloudError
from localcloud.core.records import Plan, RecordHandler
from localcloud.core.resources import Context, Properties, ResourceHandler
from localcloud.core.times import timestamp

OIDC_PROVIDERS = "ims.oidc_providers"
DEFAULT_ISSUANCE_LIMIT_HOURS = 12  # assumed: the API's reference names 1 to 168, no default
_NAME = re.compile(r"[A-Za-z0-9._-]{1,128}")
_MAX_CLIENT_IDS = 50
_MAX_FINGERPRINTS = 5
_ISSUANCE_LIMIT_HOURS = range(1, 169)
_FIXED = ("oidcProviderName", "issuerUrl")


def _refused(parameter: str, message: str) -> CloudError:
    return CloudError(f"InvalidParameter.{parameter}", message)


class OidcProviderHandler(RecordHandler):
    """``alicloud:ims/oidcProvider:OidcProvider``; the id is the provider's name."""

    token: ClassVar[str] = "alicloud:ims/oidcProvider:OidcProvider"
    table: ClassVar[str] = OIDC_PROVIDERS
    effective: ClassVar[frozenset[str]] = frozenset(
        {"oidcProviderName", "issuerUrl", "clientIds", "issuanceLimitTime"}
    )
    recorded: ClassVar[frozenset[str]] = frozenset({"description", "fingerprints"})

    def plan(self, inputs: Properties, context: Context, old: Properties | None) -> Plan:
        """Validate the inputs as CreateOIDCProvider and UpdateOIDCProvider do."""
        record = _validated(inputs)
        name = record["oidcProviderName"]
        if old is not None:
            changed = [key for key in _FIXED if old[key] != record[key]]
            if changed:
                raise _refused(
                    changed[0], f"{changed[0]} of {name} cannot change; create another provider."
                )
            return "", record
        if self.records(context).get(name) is not None:
            raise CloudError(
                "EntityAlreadyExists.OIDCProvider",
                f"The OIDC provider already exists: {name}.",
                409,
            )
        arn = f"acs:ram::{context.platform.account_id}:oidc-provider/{name}"
        return name, {**record, "arn": arn, "createTime": timestamp()}


def _validated(inputs: Properties) -> dict[str, Any]:
    name, issuer = str(inputs["oidcProviderName"]), str(inputs["issuerUrl"])
    if _NAME.fullmatch(name) is None:
        raise _refused("OIDCProviderName", f"{name!r} must match {_NAME.pattern}.")
    address = urlsplit(issuer)
    local = address.scheme == "http" and (address.hostname or "").startswith("127.")
    if not (address.scheme == "https" or local) or address.query or address.fragment:
        raise _refused(
            "IssuerUrl",
            f"{issuer!r} must be an HTTPS URL without a query, or an HTTP URL on loopback.",
        )
    clients = list(inputs.get("clientIds") or ())
    if len(clients) > _MAX_CLIENT_IDS:
        raise _refused(
            "ClientIds",
            f"clientIds has {len(clients)} entries; at most {_MAX_CLIENT_IDS} are allowed.",
        )
    fingerprints = list(inputs.get("fingerprints") or ())
    if len(fingerprints) > _MAX_FINGERPRINTS:
        raise _refused(
            "Fingerprints",
            f"fingerprints has {len(fingerprints)} entries; at most {_MAX_FINGERPRINTS} are "
            "allowed.",
        )
    hours = int(inputs.get("issuanceLimitTime") or DEFAULT_ISSUANCE_LIMIT_HOURS)
    if hours not in _ISSUANCE_LIMIT_HOURS:
        raise _refused(
            "IssuanceLimitTime", f"issuanceLimitTime is {hours}; it must be 1 to 168 hours."
        )
    return {
        "oidcProviderName": name,
        "issuerUrl": issuer,
        "clientIds": clients,
        "fingerprints": fingerprints,
        "issuanceLimitTime": hours,
        "description": inputs.get("description"),
    }


HANDLERS: tuple[type[ResourceHandler], ...] = (OidcProviderHandler,)
