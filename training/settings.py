"""Settings of the evaluation from the environment; only this module reads it."""

from __future__ import annotations

from pydantic import SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

__all__ = ["EvaluationSettings"]


class EvaluationSettings(BaseSettings):
    """Settings of `training.evaluate`; each is ``CUSTOMRAG_`` and its name in capitals.

    Attributes:
        elasticsearch_url: ``http[s]://host:port``; may be empty.
        elasticsearch_username: The user that indexes and searches.
        elasticsearch_password: The user's password.
        opensearch_url: ``https://host:port``; may be empty.
        opensearch_username: The user that indexes and searches.
        opensearch_password: The user's password.
        opensearch_ca: File with the certificate of the cluster's authority; may be empty.
    """

    model_config = SettingsConfigDict(env_prefix="CUSTOMRAG_", frozen=True, extra="ignore")

    elasticsearch_url: str = ""
    elasticsearch_username: str = "elastic"
    elasticsearch_password: SecretStr = SecretStr("")
    opensearch_url: str = ""
    opensearch_username: str = "deployer"
    opensearch_password: SecretStr = SecretStr("")
    opensearch_ca: str = ""
