"""Keys of KMS and their aliases.

Owns the records of keys. They encrypt nothing, but a resource that names a key must name one that
exists and is enabled. Error codes: https://api.aliyun.com/document/Kms/2016-01-20
(CreateKey, ScheduleKeyDeletion, CreateAlias; read 2026-11).
"""

from __future__ import annotations

import re
import time
import uuid
from typing import ClassVar

from localcloud.core.errors import CloudError
from localcloud.core.records import Plan, RecordHandler
from localcloud.core.resources import Context, Properties
from localcloud.core.times import timestamp

KEYS, ALIASES = "kms.keys", "kms.aliases"
_KEY_SPECS = ("Aliyun_AES_256",)
_KEY_USAGES = ("ENCRYPT/DECRYPT",)
_STATUSES = ("Enabled", "Disabled")
_PENDING_DELETION = "PendingDeletion"
_ALIAS = re.compile(r"alias/[A-Za-z0-9/_-]{1,249}")
_DAY = 86_400
_UNIT_SECONDS = {"d": _DAY, "h": 3600, "m": 60, "s": 1}


def key_arn(key_id: str, context: Context) -> str:
    """Return the key's ARN for policies and outputs."""
    platform = context.platform
    return f"acs:kms:{platform.region_id}:{platform.account_id}:key/{key_id}"


def require_key(key_id: str, context: Context) -> Properties:
    """Return the key with that id.

    Raises:
        CloudError: ``Forbidden.KeyNotFound`` or ``Rejected.Disabled``.
    """
    record = context.store.table(KEYS).get(key_id)
    if record is None:
        raise CloudError("Forbidden.KeyNotFound", f"The key {key_id} does not exist.", 404)
    if record["status"] != "Enabled":
        raise CloudError("Rejected.Disabled", f"The key {key_id} is {record['status']}.", 409)
    return record


class KeyHandler(RecordHandler):
    """``alicloud:kms/key:Key``: a record that encrypts nothing."""

    token: ClassVar[str] = "alicloud:kms/key:Key"  # noqa: S105 - a type token
    table: ClassVar[str] = KEYS
    effective: ClassVar[frozenset[str]] = frozenset(
        {
            *("keySpec", "keyUsage", "status", "pendingWindowInDays"),
            *("automaticRotation", "rotationInterval", "deletionProtection"),
        }
    )
    recorded: ClassVar[frozenset[str]] = frozenset(
        {
            *("description", "deletionProtectionDescription", "dkmsInstanceId"),
            *("protectionLevel", "tags"),
        }
    )

    def plan(self, inputs: Properties, context: Context, old: Properties | None) -> Plan:
        """Return the record like CreateKey and UpdateRotationPolicy."""
        for name, allowed in (
            ("keySpec", _KEY_SPECS),
            ("keyUsage", _KEY_USAGES),
            ("status", _STATUSES),
        ):
            value = inputs.get(name, allowed[0])
            if value not in allowed:
                raise CloudError(
                    "InvalidParameter", f"{name} is {value!r}; allowed: {', '.join(allowed)}."
                )
        rotation = inputs.get("automaticRotation", "Disabled")
        changing = {
            "status": inputs.get("status", "Enabled"),
            "automaticRotation": rotation,
            "deletionProtection": inputs.get("deletionProtection", "Disabled"),
            "nextRotationDate": _next_rotation(rotation, inputs.get("rotationInterval", "")),
        }
        if old is not None:
            return "", changing
        key_id = f"key-{uuid.uuid5(uuid.NAMESPACE_URL, context.ids.new('key-', 20))}"
        return key_id, {
            **changing,
            "arn": key_arn(key_id, context),
            "creationDate": timestamp(),
            "creator": context.platform.account_id,
            "keySpec": _KEY_SPECS[0],
            "keyUsage": _KEY_USAGES[0],
            "origin": "Aliyun_KMS",
            "primaryKeyVersion": context.ids.new("", 32),
        }

    def read(self, id: str, outputs: Properties, context: Context) -> Properties | None:
        """Return the record; None if the key does not exist or waits for its deletion."""
        record = super().read(id, outputs, context)
        return None if record is None or record["status"] == _PENDING_DELETION else record

    def delete(self, id: str, outputs: Properties, context: Context) -> None:
        """Schedule the deletion; the key stays, disabled, until the end of the window."""
        with context.store.transaction():
            record = self.records(context).get(id)
            if record is None or record["status"] == _PENDING_DELETION:
                return
            if record["deletionProtection"] == "Enabled":
                raise CloudError(
                    "Rejected.DeletionProtectionEnabled",
                    f"The key {id} has deletion protection; turn it off first.",
                    409,
                )
            date = timestamp(time.time() + _DAY * int(record.get("pendingWindowInDays", 30)))
            self.records(context).put(
                id, record | {"status": _PENDING_DELETION, "deleteDate": date}
            )
            aliases = context.store.table(ALIASES)
            for name, alias in aliases.items():
                if alias["keyId"] == id:
                    aliases.delete(name)


def _next_rotation(rotation: str, interval: str) -> str:
    if rotation == "Disabled":
        return ""
    return timestamp(time.time() + int(interval[:-1]) * _UNIT_SECONDS[interval[-1]])


class AliasHandler(RecordHandler):
    """``alicloud:kms/alias:Alias``; its id is its name."""

    token: ClassVar[str] = "alicloud:kms/alias:Alias"  # noqa: S105 - a type token
    table: ClassVar[str] = ALIASES
    effective: ClassVar[frozenset[str]] = frozenset({"aliasName", "keyId"})

    def plan(self, inputs: Properties, context: Context, old: Properties | None) -> Plan:
        """Return the record like CreateAlias and UpdateAlias."""
        name = inputs["aliasName"]
        if not _ALIAS.fullmatch(name):
            raise CloudError(
                "InvalidParameter", f"aliasName is {name!r}; it must match {_ALIAS.pattern}."
            )
        require_key(inputs["keyId"], context)
        if old is None and self.records(context).get(name) is not None:
            raise CloudError(
                "Forbidden.AliasAlreadyExists", f"The alias {name} already exists.", 409
            )
        return name, {}
