"""The language model that writes answers: an OpenAI-compatible endpoint and the secret that opens
it.

Owns: the API key's secret. Does not own: the model; DashScope serves it.
API: https://www.alibabacloud.com/help/en/model-studio (OpenAI-compatible mode), read 2026-11-21.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pulumi

from components.naming import Naming
from components.secrets import MachineSecret, MachineSecretArgs

__all__ = ["SECRET_ROLE", "ModelEndpoint", "ModelEndpointArgs"]

SECRET_ROLE = "model-api-key"  # noqa: S105  the secret's name, not its value


@dataclass(frozen=True, kw_only=True)
class ModelEndpointArgs:
    """Arguments of `ModelEndpoint`.

    Attributes:
        naming: Makes physical names.
        base_url: Up to and with `/v1`, e.g. `https://dashscope.aliyuncs.com/compatible-mode/v1`.
        model: The model's name in requests.
        api_key: Bearer key; kept secret, read by machines from KMS.
        secret_recovery_window_days: See `MachineSecretArgs.recovery_window_days`.
        kms_instance_id: See `MachineSecretArgs`.
        kms_key_id: See `MachineSecretArgs`.
        tags: Tags of the secret.
    """

    naming: Naming
    base_url: str
    model: str
    api_key: pulumi.Input[str]
    secret_recovery_window_days: int = 30
    kms_instance_id: str = ""
    kms_key_id: pulumi.Input[str] | None = None
    tags: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.base_url.startswith(("http://", "https://")):
            raise ValueError(
                f"base_url is {self.base_url!r}; it must begin with https:// or http://"
            )


class ModelEndpoint(pulumi.ComponentResource):
    """Where answers are written.

    Attributes:
        base_url: OpenAI-compatible base URL.
        model: Model name.
        secret_name: KMS secret that holds the API key.
    """

    base_url: str
    model: str
    secret_name: pulumi.Output[str]

    def __init__(
        self, name: str, args: ModelEndpointArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("customrag:bailian:ModelEndpoint", name, None, opts)
        self.base_url = args.base_url
        self.model = args.model
        self.secret_name = MachineSecret(
            f"{name}-key",
            MachineSecretArgs(
                naming=args.naming,
                role=SECRET_ROLE,
                value=args.api_key,
                description="API key of the language model",
                recovery_window_days=args.secret_recovery_window_days,
                kms_instance_id=args.kms_instance_id,
                kms_key_id=args.kms_key_id,
                tags=args.tags,
            ),
            pulumi.ResourceOptions(parent=self),
        ).secret_name
        self.register_outputs({"base_url": self.base_url, "model": self.model})
