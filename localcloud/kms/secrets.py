"""Secrets of KMS and their versions in the store.

Owns the effect of CreateSecret, PutSecretValue, GetSecretValue, DescribeSecret and DeleteSecret,
which the resource type and the API share. Error codes: https://api.aliyun.com/document/Kms/2016-01-20
(read 2026-11).
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from typing import Any

from localcloud.core.errors import CloudError
from localcloud.core.resources import Context
from localcloud.core.store import Document
from localcloud.core.times import timestamp

SECRETS = "kms.secrets"
CURRENT, PREVIOUS = "ACSCurrent", "ACSPrevious"
_NAME = re.compile(r"[A-Za-z0-9_/+=.@-]{1,192}")
_MAX_DATA_CHARACTERS = 30720


@dataclass(frozen=True)
class Secrets:
    """The secrets of one stack."""

    context: Context

    def arn(self, name: str) -> str:
        """Return the secret's ARN for policies and outputs."""
        platform = self.context.platform
        return f"acs:kms:{platform.region_id}:{platform.account_id}:secret/{name}"

    def find(self, name: str) -> Document | None:
        """Return the secret's record, or None if it does not exist."""
        return self.context.store.table(SECRETS).get(name)

    def require(self, name: str) -> Document:
        """Return the secret's record.

        Raises:
            CloudError: ``Forbidden.ResourceNotFound``, also if it waits for its deletion.
        """
        secret = self.find(name)
        if secret is None or secret["planned_delete_time"]:
            raise CloudError(
                "Forbidden.ResourceNotFound", f"The secret {name} does not exist.", 404
            )
        return secret

    def create(self, name: str, version_id: str, data: str, fields: dict[str, Any]) -> Document:
        """Create a secret like CreateSecret.

        Args:
            name: The secret's name.
            version_id: Id of its first version.
            data: Its value.
            fields: ``description``, ``data_type``, ``type``, ``tags``.
        """
        if _NAME.fullmatch(name) is None:
            raise CloudError(
                "InvalidParameter", f"secretName is {name!r}; it must match {_NAME.pattern}."
            )
        secret = {
            **fields,
            "create_time": timestamp(),
            "planned_delete_time": "",
            "versions": {version_id: _version(data)},
            "stages": {CURRENT: version_id},
        }

        def change(old: Document | None) -> Document:
            if old is not None:
                waiting = old["planned_delete_time"]
                raise CloudError(
                    "Rejected.ResourceExist",
                    f"The secret {name} already exists"
                    + (f" and will be deleted at {waiting}." if waiting else "."),
                )
            return secret

        self.context.store.table(SECRETS).update(name, change)
        return secret

    def put_value(self, name: str, version_id: str, data: str) -> Document:
        """Add a current version like PutSecretValue, unless it exists with the same data.

        Raises:
            CloudError: ``Rejected.ResourceExist`` if the version exists with other data.
        """

        def change(secret: Document | None) -> Document:
            if secret is None:
                raise CloudError(
                    "Forbidden.ResourceNotFound", f"The secret {name} does not exist.", 404
                )
            old = secret["versions"].get(version_id)
            if old is not None:
                if old["data"] != data:
                    raise CloudError(
                        "Rejected.ResourceExist",
                        f"The version {version_id} of secret {name} already has another value; "
                        "give the new value a new versionId.",
                    )
                return secret
            current = secret["stages"][CURRENT]
            return secret | {
                "versions": {**secret["versions"], version_id: _version(data)},
                "stages": {CURRENT: version_id, PREVIOUS: current},
            }

        return self.context.store.table(SECRETS).update(name, change) or {}

    def value(self, name: str, version_id: str | None, stage: str | None) -> dict[str, Any]:
        """Return the response body of GetSecretValue."""
        secret = self.require(name)
        wanted = version_id or secret["stages"].get(stage or CURRENT)
        version = secret["versions"].get(wanted)
        if version is None:
            raise CloudError(
                "Forbidden.ResourceNotFound",
                f"The secret {name} has no version {version_id or stage!r}.",
                404,
            )
        stages = [key for key, value in secret["stages"].items() if value == wanted]
        return {
            "SecretName": name,
            "SecretType": secret["type"],
            "SecretData": version["data"],
            "SecretDataType": secret["data_type"],
            "VersionId": wanted,
            "VersionStages": {"VersionStage": stages},
            "CreateTime": version["create_time"],
            "AutomaticRotation": "Disabled",
        }

    def delete(self, name: str, *, recovery_days: int | None) -> None:
        """Delete a secret like DeleteSecret.

        Args:
            name: The secret's name; a missing secret is success.
            recovery_days: Days until its removal, in which it cannot be read and its name cannot be
                used again; None removes it at once.
        """
        secret = self.find(name)
        if secret is None:
            return
        if recovery_days is None:
            self.context.store.table(SECRETS).delete(name)
            return
        planned = timestamp(time.time() + 86_400 * recovery_days)
        self.context.store.table(SECRETS).put(name, secret | {"planned_delete_time": planned})


def _version(data: str) -> dict[str, str]:
    if not data or len(data) > _MAX_DATA_CHARACTERS:
        raise CloudError(
            "InvalidParameter",
            f"secretData has {len(data)} characters; it must have 1 to {_MAX_DATA_CHARACTERS}.",
        )
    return {"data": data, "create_time": timestamp()}
