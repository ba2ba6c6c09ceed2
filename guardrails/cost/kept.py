"""What is still there when a stack is torn down, and what it goes on to cost. Pure.

Owns: which declarations outlive `make down`, by what they say themselves. Does not own: keeping or
deleting anything (`ops.teardown`).

That a key which waits to be deleted does not bill, and is billed again if it is brought back, is
the vendor's own word
(https://alibabacloud.com/help/en/kms/key-management-service/pay-as-you-go, of 2024-08-15, read
2026-11-21); that page says nothing of a deleted secret that can still be brought back.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from guardrails.cost.model import Kept, Line, Period, Resource

__all__ = ["kept"]

_KEY = "alicloud:kms/key:Key"
_SECRET = "alicloud:kms/secret:Secret"  # noqa: S105 - a type token
_DEFAULT_KEY_DAYS = 30
# As the meter of keys calls one.
_KMS_KEY = "KMS key"


def kept(resources: Sequence[Resource], lines: Sequence[Line]) -> Iterator[Kept]:
    """What stays, dearest first; what was there before the stack is another's.

    Args:
        resources: What the stack declares; a resource with `retain` stays.
        lines: What bills of it.
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
                found.append(Kept(name=resource.name, what=what, fate="stays", cny=cny))
        elif resource.type == _KEY:
            days = resource.inputs.get("pendingWindowInDays") or _DEFAULT_KEY_DAYS
            fate = f"waits {days:g} days to be deleted, and does not bill meanwhile"
            found.append(Kept(name=resource.name, what=_KMS_KEY, fate=fate, cny=0.0))
        elif resource.type == _SECRET and not resource.inputs.get("forceDeleteWithoutRecovery"):
            days = resource.inputs.get("recoveryWindowInDays")
            fate = f"can be brought back for {days or _DEFAULT_KEY_DAYS:g} days"
            found.append(Kept(name=resource.name, what="KMS secret", fate=fate, cny=None))
    if any(item.what == _KMS_KEY and item.cny for item in found):
        fate = "is needed as long as they are; its bill is none of this sum"
        found.append(Kept(name="KMS instance", what="of the keys that stay", fate=fate, cny=0.0))
    yield from sorted(found, key=lambda item: (-(item.cny or 0), item.name))
