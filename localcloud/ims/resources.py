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
from localcloud.core.resources import Context, Created, Properties, ResourceHandler
from localcloud.core.times import timestamp

OIDC_PROVIDERS = "ims.oidc_providers"
DEFAULT_ISSUANCE_LIMIT_HOURS = 12  # assumed: the API's reference names 1 to 168, no default
_NAME = re.compile(r"[A-Za-z0-9._-]{1,128}")
_MAX_CLIENT_IDS = 50
_MAX_FINGERPRINTS = 5
_ISSUANCE_LIMIT_HOURS = range(1, 169)
_FIXED = ("oidcProviderName", "issuerUrl")


def provider_arn(account_id: str, name: str) -> str:
    """Return the ARN of an OIDC provider."""
    return f"acs:ram::{account_id}:oidc-provider/{name}"


def _refused(parameter: str, message: str) -> CloudError:
    return CloudError(f"InvalidParameter.{parameter}", message)


class OidcProviderHandler(ResourceHandler):
    """``alicloud:ims/oidcProvider:OidcProvider``; the id is the provider's name."""

    token: ClassVar[str] = "alicloud:ims/oidcProvider:OidcProvider"
    effective: ClassVar[frozenset[str]] = frozenset(
        {"oidcProviderName", "issuerUrl", "clientIds", "issuanceLimitTime"}
    )
    recorded: ClassVar[frozenset[str]] = frozenset({"description", "fingerprints"})

    def create(self, inputs: Properties, context: Context) -> Created:
        """Create it, as CreateOIDCProvider does."""
        record = _validated(inputs)
        name = record["oidcProviderName"]
        table = context.store.table(OIDC_PROVIDERS)
        with context.store.transaction():
            if table.get(name) is not None:
                raise CloudError(
                    "EntityAlreadyExists.OIDCProvider",
                    f"The OIDC provider already exists: {name}.",
                    409,
                )
            table.put(name, record | {"createTime": timestamp()})
        return Created(name, _outputs(name, context) or {})

    def read(self, id: str, outputs: Properties, context: Context) -> Properties | None:  # noqa: A002
        """Read it, as GetOIDCProvider does."""
        return _outputs(id, context)

    def update(
        self,
        id: str,  # noqa: A002
        outputs: Properties,
        inputs: Properties,
        context: Context,
    ) -> Properties:
        """Change it, as UpdateOIDCProvider does; the name and the issuer cannot change."""
        record = _validated(inputs)

        def change(old: Properties | None) -> Properties:
            if old is None:
                raise _not_found(id)
            changed = [key for key in _FIXED if old[key] != record[key]]
            if changed:
                raise _refused(
                    changed[0], f"{changed[0]} of {id} cannot change; create another provider."
                )
            return old | record

        context.store.table(OIDC_PROVIDERS).update(id, change)
        return _outputs(id, context) or {}

    def delete(self, id: str, outputs: Properties, context: Context) -> None:  # noqa: A002
        """Delete it, as DeleteOIDCProvider does."""
        context.store.table(OIDC_PROVIDERS).delete(id)


def _not_found(name: str) -> CloudError:
    return CloudError(
        "EntityNotExist.OIDCProvider", f"The OIDC provider {name!r} does not exist.", 404
    )


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


def _outputs(name: str, context: Context) -> Properties | None:
    record = context.store.table(OIDC_PROVIDERS).get(name)
    if record is None:
        return None
    return {**record, "arn": provider_arn(context.platform.account_id, name)}


HANDLERS: tuple[type[ResourceHandler], ...] = (OidcProviderHandler,)
