"""Brings a model from OSS onto the machine that serves it."""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path

from rag.settings import EmbeddingServiceSettings, region_of

__all__ = ["fetch_model"]


def fetch_model(settings: EmbeddingServiceSettings) -> str:
    """Download an ``oss://`` model and return its folder; return any other name unchanged.

    Each version is downloaded once, into a temporary folder that is then renamed, so that an
    interrupted download leaves nothing that looks like a model.

    Raises:
        ClientError: The download from OSS failed.
    """
    uri = settings.model_uri
    if not uri.startswith("oss://"):
        return uri
    from providers.clients.credentials import credentials_provider
    from providers.clients.oss import OssClient

    name = hashlib.sha256(f"{uri} {settings.model_version}".encode()).hexdigest()[:16]
    folder = settings.model_dir / name
    if settings.model_version and folder.is_dir():
        return str(folder)
    region_id = settings.region_id or region_of(settings.oss_endpoint)
    client = OssClient(settings.oss_endpoint, region_id, credentials_provider())
    partial = settings.model_dir / f".{name}.{os.getpid()}"
    shutil.rmtree(partial, ignore_errors=True)
    try:
        client.download_prefix(uri, partial)
        shutil.rmtree(folder, ignore_errors=True)
        partial.replace(folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    _remove_others(settings.model_dir, keep=folder)
    return str(folder)


def _remove_others(directory: Path, keep: Path) -> None:
    for path in directory.iterdir():
        if path != keep and path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
