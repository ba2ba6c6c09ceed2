"""Settings of the services and jobs of this package. Only this module reads the environment.

Every variable is ``CUSTOMRAG_`` and the field's name in capitals. A setting names a secret, and the
value comes from KMS with the credentials of the machine's RAM role. For development,
``CUSTOMRAG_SEARCH_PASSWORD`` and ``CUSTOMRAG_LLM_API_KEY`` give a value directly.
"""

from __future__ import annotations

import base64
import binascii
import re
import ssl
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from rag.engines.kinds import EngineKind
from rag.errors import RagError

__all__ = [
    "AppSettings",
    "EmbeddingServiceSettings",
    "SearchSettings",
    "SecretMissingError",
    "SecretSource",
    "region_of",
    "wrong_variables",
]

Port = Annotated[int, Field(ge=1, le=65535)]


class SecretMissingError(RagError):
    """A secret is neither given nor named, or KMS did not return it."""


class _Settings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="CUSTOMRAG_", frozen=True, extra="ignore")


class SecretSource(_Settings):
    """The source of secrets.

    Attributes:
        kms_endpoint: KMS endpoint; required if a setting names a secret.
        region_id: Region of KMS and OSS. Default: the region in the endpoint's name.
    """

    kms_endpoint: str = ""
    region_id: str = ""

    def read(self, value: SecretStr | None, name: str, variable: str) -> SecretStr:
        """Return `value` if it is given, else the KMS secret `name`.

        Args:
            value: The secret itself; None or empty to read it from KMS.
            name: Name of the KMS secret.
            variable: The environment variable without its suffix, for the message.

        Raises:
            SecretMissingError: Neither is given, or KMS did not return the secret.
        """
        if value is not None and value.get_secret_value():
            return value
        if not name or not self.kms_endpoint:
            raise SecretMissingError(
                f"{variable}_SECRET or CUSTOMRAG_KMS_ENDPOINT is not set. Set both: the name of a "
                f"KMS secret, and the endpoint of KMS."
            )
        from providers.clients.credentials import credentials_provider
        from providers.clients.errors import ClientError
        from providers.clients.kms import get_secret_value

        try:
            region_id = self.region_id or region_of(self.kms_endpoint)
            return SecretStr(
                get_secret_value(self.kms_endpoint, region_id, name, credentials_provider())
            )
        except ClientError as error:
            raise SecretMissingError(f"KMS secret {name!r} cannot be read: {error}") from error


class EmbeddingServiceSettings(_Settings):
    """Settings of `rag.serving`.

    Attributes:
        model_uri: ``oss://bucket/prefix/``, a folder, or a name as in `rag.models`.
        model_version: Reported by ``/health``; an index is tied to it.
        oss_endpoint: OSS endpoint, for an ``oss://`` model.
        region_id: Region of the bucket. Default: the region in the endpoint's name.
        model_dir: Folder for models from OSS.
        bind_host: Address to listen on. Default: loopback only.
        port: Port to listen on.
        device: ``cpu``, ``cuda``, ...; default: a GPU if the machine has one.
        max_batch_texts: Texts of a batch. Default: 16 on a CPU, 256 on a GPU.
        max_queued_texts: The most texts that may wait; the service answers 429 beyond it.
    """

    model_uri: str = "all-MiniLM-L6-v2"
    model_version: str = ""
    oss_endpoint: str = ""
    region_id: str = ""
    model_dir: Path = Field(default_factory=lambda: Path.home() / ".cache/customrag/models")
    bind_host: str = "127.0.0.1"
    port: Port = 8000
    device: str | None = None
    max_batch_texts: Annotated[int, Field(ge=1, le=4096)] | None = None
    max_queued_texts: Annotated[int, Field(ge=1)] = 8192


class SearchSettings(SecretSource):
    """The search cluster, and the user who connects to it; `rag.ingest` has no other settings.

    Attributes:
        search_engine: Kind of the cluster.
        search_url: ``http[s]://host:port``.
        search_username: The user.
        search_password: The user's password, for development.
        search_secret: Name of the KMS secret with the password.
        search_ca_certificate: The authority that signed the cluster's certificate, in DER as
            Base64: the body of its PEM text on one line. Default: the authorities that this machine
            trusts.
    """

    search_engine: EngineKind = EngineKind.ELASTICSEARCH
    search_url: str
    search_username: str = "elastic"
    search_password: SecretStr | None = None
    search_secret: str = ""
    search_ca_certificate: str = ""

    @field_validator("search_ca_certificate")
    @classmethod
    def _check_certificate(cls, value: str) -> str:
        try:
            base64.b64decode(value, validate=True)
        except binascii.Error as error:
            raise ValueError(
                "it is not Base64; give the body of the PEM text on one line"
            ) from error
        return value

    @property
    def search_ca_pem(self) -> str | None:
        """The authority's certificate as PEM text; None without one."""
        if not self.search_ca_certificate:
            return None
        return ssl.DER_cert_to_PEM_cert(base64.b64decode(self.search_ca_certificate))

    def read_search_password(self) -> SecretStr:
        """Return the user's password.

        Raises:
            SecretMissingError: It is neither given nor named, or KMS did not return it.
        """
        return self.read(self.search_password, self.search_secret, "CUSTOMRAG_SEARCH")


class AppSettings(SearchSettings):
    """Settings of `rag.app`.

    Attributes:
        index_alias: The alias that readers use.
        llm_base_url: OpenAI-compatible endpoint, up to and including ``/v1``.
        llm_model: Model name to ask for.
        llm_api_key: Its key, for development.
        llm_secret: Name of the KMS secret with its key.
        edge_key: The key that the edge sends with each request, for development.
        edge_secret: Name of the KMS secret with that key. Default: there is no edge, and every
            client that reaches the application may ask.
        llm_context_tokens: Tokens of prompt and answer together; default: by the model's name.
        llm_timeout_seconds: Longest wait for the next piece of an answer.
        reranker: What orders the best passages again: `lateInteraction`, `crossEncoder` (after the
            late interaction, if the index's model has one), `hosted` or `none`.
        reranker_base_url: The rerank API of a hosted one, up to and including ``/v1``. It takes the
            key of the language model.
        reranker_model: The model's name there.
        oss_endpoint: OSS endpoint, for links; answers do not need it.
        bind_host: Address to listen on. Default: loopback only.
        port: Port to listen on.
        top_k: Passages retrieved for a question that does not say.
        max_concurrent_questions: Questions answered at the same time; 503 beyond it.
    """

    index_alias: str
    llm_base_url: str
    llm_model: str
    llm_api_key: SecretStr | None = None
    llm_secret: str = ""
    edge_key: SecretStr | None = None
    edge_secret: str = ""
    llm_context_tokens: Annotated[int, Field(ge=256)] | None = None
    llm_timeout_seconds: Annotated[float, Field(gt=0)] = 120.0
    reranker: Literal["lateInteraction", "crossEncoder", "hosted", "none"] = "lateInteraction"
    reranker_base_url: str = "https://dashscope.aliyuncs.com/compatible-api/v1"
    reranker_model: str = "qwen3-rerank"
    oss_endpoint: str = ""
    bind_host: str = "127.0.0.1"
    port: Port = 8080
    top_k: Annotated[int, Field(ge=1, le=50)] = 6
    max_concurrent_questions: Annotated[int, Field(ge=1)] = 32

    def read_edge_key(self) -> SecretStr | None:
        """Return the key that the edge sends with each request; None without an edge.

        Raises:
            SecretMissingError: KMS did not return the key.
        """
        if self.edge_key is None and not self.edge_secret:
            return None
        return self.read(self.edge_key, self.edge_secret, "CUSTOMRAG_EDGE")


def wrong_variables(error: ValidationError) -> list[str]:
    """Return a line for each variable that is missing or wrong, without its value."""
    return [
        f"CUSTOMRAG_{'_'.join(map(str, problem['loc'])).upper()}: {problem['msg']}"
        for problem in error.errors(include_input=False)
    ]


def region_of(endpoint: str) -> str:
    """Return the region in an endpoint's name; ``cn-hangzhou`` if the name has no region."""
    found = re.search(r"\b((?:cn|ap|us|eu|me|na)-[a-z]+(?:-\d+)?)", endpoint)
    return found.group(1).removesuffix("-internal") if found else "cn-hangzhou"
