"""The language model that writes answers: an OpenAI-compatible endpoint and its API key.

Owns: the secret with the API key. Does not own: the model, which DashScope serves.
API: https://www.alibabacloud.com/help/en/model-studio (OpenAI-compatible mode), read 2026-11-21.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import pulumi

from components.scope import Scope
from components.secrets import MachineSecret, MachineSecretArgs, SecretStorage

__all__ = ["SECRET_ROLE", "ModelEndpoint", "ModelEndpointArgs"]

SECRET_ROLE = "model-api-key"  # noqa: S105  the secret's name, not its value


@dataclass(frozen=True, kw_only=True)
class ModelEndpointArgs:
    """Arguments of `ModelEndpoint`.

    Attributes:
        scope: Names, region and tags of the stack.
        base_url: URL including `/v1`, e.g. `https://dashscope.aliyuncs.com/compatible-mode/v1`.
        model: Name of the model in requests.
        api_key: Bearer key; a secret, which machines read from KMS.
        storage: How KMS stores the key.
    """

    scope: Scope
    base_url: str
    model: str
    api_key: pulumi.Input[str]
    storage: SecretStorage = field(default_factory=SecretStorage)

    def __post_init__(self) -> None:
        if not self.base_url.startswith(("http://", "https://")):
            raise ValueError(
                f"base_url is {self.base_url!r}; it must begin with https:// or http://"
            )


class ModelEndpoint(pulumi.ComponentResource):
    """The endpoint of the language model.

    Attributes:
        base_url: OpenAI-compatible base URL.
        model: Name of the model in requests.
        secret_name: KMS secret with the API key.
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
                scope=args.scope,
                role=SECRET_ROLE,
                value=args.api_key,
                description="API key of the language model",
                storage=args.storage,
            ),
            pulumi.ResourceOptions(parent=self),
        ).secret_name
        self.register_outputs({"base_url": self.base_url, "model": self.model})
