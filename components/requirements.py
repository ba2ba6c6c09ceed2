"""What a node's image must have for the services that run on it; the bootstrap installs what it
lacks.

As in `pyproject.toml`, which a test compares. Torch is not named for the embedding node: a GPU
image brings the build that fits its driver, and sentence-transformers asks for one where there is
none.
"""

from __future__ import annotations

__all__ = ["CHAT", "EMBEDDING"]

# The bootstrap itself fetches the code with these two.
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
    "openai>=3.52,<4",
    "pydantic-settings",
    "tenacity",
    "uvicorn",
)
