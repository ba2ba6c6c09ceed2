"""The Python packages that services need on a node; the bootstrap installs missing ones.

The versions must match `pyproject.toml`; a test compares them. The embedding node's list does not
name torch: a GPU image includes the build for its driver, and sentence-transformers requires torch
otherwise.
"""

from __future__ import annotations

__all__ = ["CHAT", "EMBEDDING", "OPENSEARCH"]

# The bootstrap fetches the code with these two.
_BOOTSTRAP = ("oss2==2.19.1", "alibabacloud-credentials==1.0.12")

EMBEDDING = (
    *_BOOTSTRAP,
    "sentence-transformers==6.2.0",
    "openvino==2026.4.1",
    "starlette",
    "tenacity",
    "uvicorn",
    "pydantic-settings",
)
CHAT = (
    *_BOOTSTRAP,
    "alibabacloud-kms20160120==3.3.1",
    "aiohttp",
    "elasticsearch>=8.19,<9",
    "fastapi",
    "httpx",
    "httpx-aiohttp>=0.2,<0.3",
    "openai>=3.52,<4",
    "opensearch-py>=3.2,<4",
    "pydantic-settings",
    "tenacity",
    "uvicorn",
)
OPENSEARCH = (
    *_BOOTSTRAP,
    "alibabacloud-kms20160120==3.3.1",
    "httpx",
    "pydantic-settings",
    "requests",
    "tenacity",
)
