"""The faults as data, and those that are on, in the stack's store.

Kept in the store, so that every process of the stack sees them at once: the daemon, OSS and the
model endpoint.
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
    """There is no such fault, or it lacks what it is about."""


@dataclass(frozen=True, kw_only=True)
class FaultKind:
    """One kind of fault.

    Attributes:
        about: What the cloud does while it is on.
        required: What it must name.
        optional: What it may name; without it, all are meant.
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
            about="another account has the OSS bucket of that name", required=("bucket",)
        ),
        "clock-skewed": FaultKind(about="the caller's clock is more than 15 minutes off"),
        "cloudflare-token-expired": FaultKind(about="Cloudflare says that the API token is over"),
        "cloudflare-token-unknown": FaultKind(about="Cloudflare does not know the API token"),
        "cloudflare-zone-pending": FaultKind(
            about="the zone's name servers are not Cloudflare's yet"
        ),
        "credentials-expired": FaultKind(about="the caller's security token is over"),
        "deletion-refused": FaultKind(
            about="refuses to delete declared resources of a type, such as "
            "alicloud:vpc/network:Network, with a code, such as DependencyViolation",
            required=("type", "code"),
        ),
        "ecs-spec-unavailable": FaultKind(
            about="PAI DLC has none of an ECS specification left", required=("ecs_spec",)
        ),
        "kms-instance-missing": FaultKind(
            about="the account has no KMS instance of that id", required=("instance_id",)
        ),
        "model-retired": FaultKind(
            about="the model endpoint serves a model no more", required=("model",)
        ),
        "node-spec-withdrawn": FaultKind(
            about="Elasticsearch offers a node specification no more", required=("spec",)
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
            about="Elasticsearch offers a version no more", required=("version",)
        ),
        "zone-closed": FaultKind(
            about="a zone takes no new resources of ours", required=("zone_id",)
        ),
    }
)
"""Every kind of fault by its name."""


@dataclass(frozen=True, kw_only=True)
class Fault:
    """A fault that is on.

    Attributes:
        kind: One of ``KINDS``.
        about: What it is about, by the names that its kind has.
    """

    kind: str
    about: Mapping[str, str]

    @property
    def key(self) -> str:
        """What tells it from others; the same fault twice is one."""
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
            FaultError: There is no such kind, or it needs other names.
        """
        known = KINDS.get(kind)
        if known is None:
            raise FaultError(f"there is no fault {kind!r}; there are {', '.join(sorted(KINDS))}")
        missing = sorted(set(known.required) - about.keys())
        unknown = sorted(about.keys() - set(known.required) - set(known.optional))
        if missing or unknown:
            raise FaultError(
                f"fault {kind!r} got {', '.join(sorted(about)) or 'nothing'}; it needs "
                f"{', '.join(known.required) or 'nothing'}"
                + (f" and takes {', '.join(known.optional)}" if known.optional else "")
            )
        fault = Fault(kind=kind, about=dict(about))
        self._table.put(fault.key, {"kind": kind, "about": dict(about)})
        return fault

    def active(self) -> list[Fault]:
        """Return those that are on."""
        return [Fault(kind=item["kind"], about=item["about"]) for item in self._table.values()]

    def clear(self) -> None:
        """Turn every fault off."""
        self._table.clear()

    def hits(self, kind: str, **about: str) -> bool:
        """Return whether a fault of that kind concerns this.

        Args:
            kind: One of ``KINDS``.
            about: What is asked about; what a fault does not name, it means all of.
        """
        return any(
            fault.kind == kind
            and all(fault.about.get(name, value) in (value, ANY) for name, value in about.items())
            for fault in self.active()
        )

    def check_deletion(self, resource_type: str) -> None:
        """Raise what the faults make of the deletion of a declared resource.

        Raises:
            CloudError: With the code that the fault names.
        """
        for fault in self.active():
            if fault.kind == "deletion-refused" and fault.about["type"] in (resource_type, ANY):
                code = fault.about["code"]
                raise CloudError(code, f"The {resource_type} is not deleted: {code}.")

    def check_call(self, operation: str) -> None:
        """Raise what the faults make of a signed call of the control plane.

        Args:
            operation: RPC action, or method and path.

        Raises:
            CloudError: As the cloud answers on such a day.
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
