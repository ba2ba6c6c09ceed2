"""KMS secrets with the passwords and keys that machines read at run time through their roles.

Owns: the secrets. Does not own: who may read them (`components.identity`).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

import pulumi
from pulumi_alicloud import kms

from components.scope import Scope

__all__ = ["MachineSecret", "MachineSecretArgs", "SecretStorage"]


@dataclass(frozen=True, kw_only=True)
class SecretStorage:
    """How KMS stores the secrets of a stack.

    Attributes:
        recovery_window_days: Days for which a deleted secret can be restored, 7 to 30. 0 deletes it
            at once, so that a stack of the same name can be created again.
        kms_instance_id: KMS instance that stores the secrets. Empty: KMS itself.
        kms_key_id: Key that encrypts the secrets, in the same place. Default: KMS's own key.
    """

    recovery_window_days: int = 30
    kms_instance_id: str = ""
    kms_key_id: pulumi.Input[str] | None = None

    def __post_init__(self) -> None:
        if self.recovery_window_days != 0 and not 7 <= self.recovery_window_days <= 30:
            raise ValueError(
                f"recovery_window_days is {self.recovery_window_days}; it must be 7 to 30, or 0 to "
                "delete secrets at once"
            )


@dataclass(frozen=True, kw_only=True)
class MachineSecretArgs:
    """Arguments of `MachineSecret`.

    Attributes:
        scope: Names, region and tags of the stack.
        role: Purpose of the secret, e.g. `elasticsearch-password`.
        value: The secret value, which is encrypted in the state.
        description: Shown in the console.
        storage: How KMS stores it.
    """

    scope: Scope
    role: str
    value: pulumi.Input[str]
    description: str
    storage: SecretStorage = field(default_factory=SecretStorage)


class MachineSecret(pulumi.ComponentResource):
    """A KMS secret whose version changes exactly when its value changes.

    Attributes:
        secret_name: Name of the secret.
        version_id: Version of the secret, which reveals nothing about a random value.
    """

    secret_name: pulumi.Output[str]
    version_id: pulumi.Output[str]

    def __init__(
        self, name: str, args: MachineSecretArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("customrag:secrets:MachineSecret", name, None, opts)
        value = pulumi.Output.secret(args.value)
        # A salted digest, which changes with the value but does not reveal it.
        version_id = value.apply(lambda text: _version_id(args.role, text))
        secret = kms.Secret(
            name,
            secret_name=args.scope.naming.physical(args.role),
            description=args.description,
            secret_data=value,
            version_id=version_id,
            force_delete_without_recovery=args.storage.recovery_window_days == 0,
            recovery_window_in_days=args.storage.recovery_window_days or None,
            dkms_instance_id=args.storage.kms_instance_id or None,
            encryption_key_id=args.storage.kms_key_id,
            tags=dict(args.scope.tags),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.secret_name = secret.secret_name
        self.version_id = pulumi.Output.unsecret(version_id)
        self.register_outputs({"secret_name": self.secret_name})


def _version_id(role: str, value: str) -> str:
    digest = hashlib.scrypt(value.encode(), salt=role.encode(), n=2**14, r=8, p=1, dklen=8)
    return f"v-{digest.hex()}"
