"""The kinds of faults, and the active faults in the stack's store.

Every process of the stack (the daemon, OSS, the model endpoint) reads them from the store, so a
change takes effect at once.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from localcloud.core.errors import CloudError, LocalCloudError
from localcloud.core.store import Store

_TABLE: Final = "faults"
ANY: Final = "*"


class FaultError(LocalCloudError):
    """The kind of fault does not exist, or a parameter is missing or unknown."""


@dataclass(frozen=True, kw_only=True)
class FaultKind:
    """One kind of fault.

    Attributes:
        about: What the cloud does while the fault is active.
        required: The mandatory parameters.
        optional: The optional parameters; a fault without one applies to all values.
    """

    about: str
    required: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()


_OPERATION: Final = (
    "an RPC action such as DescribeZones, a ROA operation such as `GET /openapi/region`, or *"
)

KINDS: Final[Mapping[str, FaultKind]] = MappingProxyType(
    {
        "access-denied": FaultKind(
            about=f"refuses an operation, as a policy would; operation is {_OPERATION}",
            required=("operation",),
        ),
        "api-down": FaultKind(
            about=f"answers 503 to an operation; operation is {_OPERATION}", required=("operation",)
        ),
        "api-throttled": FaultKind(
            about=f"answers Throttling.User to an operation; operation is {_OPERATION}",
            required=("operation",),
        ),
        "bucket-taken": FaultKind(
            about="another account owns the OSS bucket with this name", required=("bucket",)
        ),
        "clock-skewed": FaultKind(about="the caller's clock is more than 15 minutes off"),
        "cloudflare-token-expired": FaultKind(
            about="Cloudflare reports that the API token has expired"
        ),
        "cloudflare-token-unknown": FaultKind(about="Cloudflare does not know the API token"),
        "cloudflare-zone-pending": FaultKind(
            about="the zone does not use Cloudflare's name servers yet"
        ),
        "credentials-expired": FaultKind(about="the caller's security token has expired"),
        "deletion-refused": FaultKind(
            about="refuses to delete declared resources of a type, such as "
            "alicloud:vpc/network:Network, with a code, such as DependencyViolation",
            required=("type", "code"),
        ),
        "ecs-spec-unavailable": FaultKind(
            about="PAI DLC has no capacity left for an ECS specification", required=("ecs_spec",)
        ),
        "kms-instance-missing": FaultKind(
            about="the account has no KMS instance with this id", required=("instance_id",)
        ),
        "model-retired": FaultKind(
            about="the model endpoint no longer serves a model", required=("model",)
        ),
        "node-spec-withdrawn": FaultKind(
            about="Elasticsearch no longer offers a node specification", required=("spec",)
        ),
        "pai-not-activated": FaultKind(about="PAI was never activated in this account"),
        "quota-used-up": FaultKind(
            about="the account's quota of an instance type is used up", required=("instance_type",)
        ),
        "role-missing": FaultKind(
            about="a service role of the account does not exist", required=("role_name",)
        ),
        "sold-out": FaultKind(
            about="an instance type is sold out", required=("instance_type",), optional=("zone_id",)
        ),
        "version-withdrawn": FaultKind(
            about="Elasticsearch no longer offers a version", required=("version",)
        ),
        "zone-closed": FaultKind(
            about="a zone accepts no new resources of this account", required=("zone_id",)
        ),
    }
)
"""Every kind of fault by name."""


@dataclass(frozen=True, kw_only=True)
class Fault:
    """An active fault.

    Attributes:
        kind: One of ``KINDS``.
        about: The values of its parameters.
    """

    kind: str
    about: Mapping[str, str]

    @property
    def key(self) -> str:
        """The key of the fault; equal faults have the same key."""
        return json.dumps([self.kind, dict(self.about)], sort_keys=True)


class Faults:
    """The faults of one stack.

    Args:
        store: The stack's store.
    """

    def __init__(self, store: Store) -> None:
        self._table = store.table(_TABLE)

    def inject(self, kind: str, about: Mapping[str, str]) -> Fault:
        """Turn a fault on.

        Raises:
            FaultError: The kind does not exist, or a parameter is missing or unknown.
        """
        known = KINDS.get(kind)
        if known is None:
            raise FaultError(f"there is no fault {kind!r}; use one of {', '.join(sorted(KINDS))}")
        missing = sorted(set(known.required) - about.keys())
        unknown = sorted(about.keys() - set(known.required) - set(known.optional))
        if missing or unknown:
            raise FaultError(
                f"fault {kind!r} got {', '.join(sorted(about)) or 'nothing'}; it needs "
                f"{', '.join(known.required) or 'nothing'}"
                + (f" and may have {', '.join(known.optional)}" if known.optional else "")
            )
        fault = Fault(kind=kind, about=dict(about))
        self._table.put(fault.key, {"kind": kind, "about": dict(about)})
        return fault

    def active(self) -> list[Fault]:
        """Return the active faults."""
        return [Fault(kind=item["kind"], about=item["about"]) for item in self._table.values()]

    def clear(self) -> None:
        """Turn every fault off."""
        self._table.clear()

    def hits(self, kind: str, **about: str) -> bool:
        """Return whether an active fault of this kind applies.

        Args:
            kind: One of ``KINDS``.
            about: The values to check; a fault without a parameter applies to all its values.
        """
        return any(
            fault.kind == kind
            and all(fault.about.get(name, value) in (value, ANY) for name, value in about.items())
            for fault in self.active()
        )

    def check_deletion(self, resource_type: str) -> None:
        """Raise the error of a fault that refuses to delete this type of resource.

        Raises:
            CloudError: With the code of the fault.
        """
        for fault in self.active():
            if fault.kind == "deletion-refused" and fault.about["type"] in (resource_type, ANY):
                code = fault.about["code"]
                raise CloudError(code, f"The {resource_type} is not deleted: {code}.")

    def check_call(self, operation: str) -> None:
        """Raise the error of a fault that applies to a signed call of the control plane.

        Args:
            operation: The RPC action, or the method and path.

        Raises:
            CloudError: With the code and message of the cloud.
        """
        if not self._table.values():
            return
        if self.hits("credentials-expired"):
            raise CloudError(
                "InvalidSecurityToken.Expired", "Specified SecurityToken is expired.", 403
            )
        if self.hits("clock-skewed"):
            raise CloudError(
                "InvalidTimeStamp.Expired",
                "The time stamp is more than 15 minutes from the server's time.",
            )
        if self.hits("api-down", operation=operation):
            raise CloudError(
                "ServiceUnavailable",
                "The request has failed due to a temporary failure of the server.",
                503,
            )
        if self.hits("api-throttled", operation=operation):
            raise CloudError("Throttling.User", "Request was denied due to user flow control.", 429)
        if self.hits("access-denied", operation=operation):
            raise CloudError(
                "NoPermission", f"You are not authorized to do this action: {operation}.", 403
            )
