"""Physical names of resources.

Owns: the names that the cloud shows. Does not own: Pulumi's logical names, which each component
sets. OSS bucket names are global to all of Alibaba Cloud, so they contain six digits of a hash of
the account id.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

__all__ = ["Naming"]

# https://www.alibabacloud.com/help/en/oss/user-guide/bucket-naming-conventions, read 2026-11-21:
# 3 to 63 characters, lower-case letters, digits and hyphens, no hyphen at either end.
_BUCKET_NAME = re.compile(r"^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$")


@dataclass(frozen=True, kw_only=True)
class Naming:
    """Builds physical names for one stack.

    Attributes:
        project: The Pulumi project, `customrag`.
        stack: The stack, e.g. `dev`.
        account_id: Alibaba Cloud account ID, 16 digits.
    """

    project: str
    stack: str
    account_id: str

    def physical(self, role: str) -> str:
        """Return `<project>-<stack>-<role>`, which is unique within the account and region."""
        return f"{self.project}-{self.stack}-{role}"

    def bucket(self, role: str) -> str:
        """Return a globally unique OSS bucket name.

        Raises:
            ValueError: The result is not a valid bucket name, because the stack's name is too long
                or has characters that OSS does not allow.
        """
        digest = hashlib.sha256(self.account_id.encode()).hexdigest()[:6]
        name = f"{self.project}-{self.stack}-{role}-{digest}"
        if not _BUCKET_NAME.match(name):
            raise ValueError(
                f"stack name {self.stack!r} gives the bucket name {name!r}, which is not valid: "
                "OSS allows 3 to 63 lower-case letters, digits and hyphens. Rename the stack"
            )
        return name

    def workspace(self) -> str:
        """Return a PAI workspace name: 3 to 23 letters, digits and `_`, beginning with a letter.

        Source: AIWorkSpace CreateWorkspace, WorkspaceName (2021-02-04).
        """
        plain = re.sub(r"[^A-Za-z0-9_]", "_", f"{self.project}_{self.stack}")
        if len(plain) <= 23:
            return plain
        digest = hashlib.sha256(plain.encode()).hexdigest()[:6]
        return f"{plain[:16]}_{digest}"
