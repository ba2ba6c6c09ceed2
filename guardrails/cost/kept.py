"""What remains after a stack is torn down, and what it continues to cost. Pure.

Owns: which declared resources remain after `make down`. Does not own: keeping or deleting anything
(`ops.teardown`).

A key that waits for deletion is not billed, and is billed again if it is restored
(https://alibabacloud.com/help/en/kms/key-management-service/pay-as-you-go, of 2024-08-15, read
2026-11-21). That page does not mention deleted secrets that can still be restored.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from guardrails.cost.model import Kept, Line, Period, Resource

__all__ = ["kept"]

_KEY = "alicloud:kms/key:Key"
_SECRET = "alicloud:kms/secret:Secret"  # noqa: S105 - a type token
_DEFAULT_KEY_DAYS = 30
# The meter of keys uses this text.
_KMS_KEY = "KMS key"


def kept(resources: Sequence[Resource], lines: Sequence[Line]) -> Iterator[Kept]:
    """Yield what remains, dearest first. Existing resources are on another bill.

    Args:
        resources: What the stack declares; a resource with `retain` remains.
        lines: The estimate's lines for these resources.
    """
    found: list[Kept] = []
    for resource in resources:
        if getattr(resource, "existing", ""):
            continue
        mine = [
            line
            for line in lines
            if (line.type, line.name) == (resource.type, resource.name)
            and line.period is not Period.RUN
        ]
        if getattr(resource, "retain", False):
            if mine:
                what = ", ".join(line.what for line in mine)
                cny = sum(line.cny for line in mine)
                found.append(Kept(name=resource.name, what=what, fate="remains", cny=cny))
        elif resource.type == _KEY:
            days = resource.inputs.get("pendingWindowInDays") or _DEFAULT_KEY_DAYS
            fate = f"waits {days:g} days for deletion and costs nothing"
            found.append(Kept(name=resource.name, what=_KMS_KEY, fate=fate, cny=0.0))
        elif resource.type == _SECRET and not resource.inputs.get("forceDeleteWithoutRecovery"):
            days = resource.inputs.get("recoveryWindowInDays")
            fate = f"can be restored for {days or _DEFAULT_KEY_DAYS:g} days"
            found.append(Kept(name=resource.name, what="KMS secret", fate=fate, cny=None))
    if any(item.what == _KMS_KEY and item.cny for item in found):
        fate = "is needed as long as the keys remain; this sum does not include it"
        found.append(
            Kept(name="KMS instance", what="holds the keys that remain", fate=fate, cny=0.0)
        )
    yield from sorted(found, key=lambda item: (-(item.cny or 0), item.name))
