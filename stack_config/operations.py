"""Config keys that concern the stack as a whole: network, protection, alarms, cost."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import AfterValidator

from stack_config.group import Flag, Group, Problem, Texts, Whole, bounded, keys_after, matching
from training.bounds import Bounds

__all__ = ["Cost", "Existing", "Network", "Observability", "Protection"]

# Both forms of id: https://www.alibabacloud.com/help/en/kms/key-management-service/developer-reference/
# api-kms-2016-01-20-createkey, read 2026-11-21.
_KEY = r"managed|own|key-[a-z0-9-]+|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"


def _id(pattern: str, example: str) -> AfterValidator:
    return matching(pattern, f"an id as the cloud writes it, such as {example}", or_empty=True)


def _recovery_window(days: int) -> int:
    if days != 0 and not 7 <= days <= 30:
        raise ValueError("KMS allows 7 to 30 days, or 0 to delete at once")
    return days


def _vswitches(ids: tuple[str, ...]) -> tuple[str, ...]:
    wrong = [item for item in ids if not re.fullmatch(r"vsw-[a-z0-9]+", item)]
    if wrong:
        raise ValueError(f"{wrong[0]!r} is not a vSwitch's id; those begin with vsw-")
    return ids


def _addresses(addresses: tuple[str, ...]) -> tuple[str, ...]:
    wrong = [item for item in addresses if not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", item)]
    if wrong:
        raise ValueError(f"{wrong[0]!r} is not an e-mail address")
    return addresses


def _night(text: str) -> str:
    clock = r"([01]\d|2[0-3]):[0-5]\d"
    found = re.fullmatch(rf"(?P<start>{clock})-(?P<end>{clock}) (?P<zone>\S+)", text)
    example = "give from-to and a time zone, such as 20:00-08:00 Asia/Shanghai"
    if not text:
        return text
    if not found or found["start"] == found["end"]:
        raise ValueError(example)
    try:
        ZoneInfo(found["zone"])
    except (KeyError, ValueError, OSError) as error:  # KeyError: there is no such zone
        raise ValueError(f"{found['zone']} is not a time zone; {example}") from error
    return text


class Network(Group, alias_generator=keys_after()):
    """The VPC."""

    cidr_block: str
    nat_gateway: Flag


class Existing(Group, alias_generator=keys_after("existing")):
    """Resources that the stack uses and does not own; empty where it creates its own."""

    vpc_id: Annotated[str, _id(r"vpc-[a-z0-9]+", "vpc-bp1…")]
    vswitch_ids: Annotated[Texts, AfterValidator(_vswitches)]
    corpus_bucket: Annotated[str, _id(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]", "my-bucket")]
    elasticsearch_instance_id: Annotated[str, _id(r"es-[a-z]{2}-[a-z0-9]+", "es-cn-…")]
    pai_workspace_id: Annotated[str, _id(r"\d+", "123456")]

    def problems(self) -> Iterator[Problem]:
        """Yield a VPC without vSwitches, or the other way round."""
        if bool(self.vpc_id) != bool(self.vswitch_ids):
            yield self.wrong(
                "vswitch_ids",
                f"it goes with existingVpcId, which is {self.vpc_id!r}; give both or neither",
            )


class Protection(Group, alias_generator=keys_after()):
    """What keeps data: against deletion, against readers, and against the loss of a region."""

    deletion_protection: Flag
    force_destroy: Flag
    retain_data: Flag
    secret_recovery_window_days: Annotated[Whole, AfterValidator(_recovery_window)]
    encryption_key: Annotated[
        str,
        matching(
            _KEY,
            "managed (keys that the cloud manages), own (the stack creates a KMS key) or the id "
            "of a key (key-…)",
        ),
    ]
    kms_instance_id: Annotated[str, _id(r"kst-[a-z0-9]+", "kst-…")]
    replication_region_id: Annotated[
        str, matching(r"[a-z]{2}(-[a-z0-9]+)+", "a region, such as cn-shanghai", or_empty=True)
    ]

    def problems(self) -> Iterator[Problem]:
        """Yield data that is both retained and force-destroyed."""
        if self.retain_data and self.force_destroy:
            yield self.wrong("retain_data", "it must be false when forceDestroy is true")


class Observability(Group, alias_generator=keys_after()):
    """Logs and alarms."""

    log_retention_days: Annotated[Whole, bounded(Bounds(0, 3650), "0 collects no logs")]
    alarm_contact_emails: Annotated[Texts, AfterValidator(_addresses)]


class Cost(Group, alias_generator=keys_after()):
    """What limits the bill."""

    monthly_budget_cny: Annotated[Whole, bounded(Bounds(0), "0 sets no budget")]
    night_hours: Annotated[str, AfterValidator(_night)]
