"""Values as a comment may show them: short, and never a secret.

Owns the rule by which a value is hidden: what the program or the engine calls secret, what is named
like one, and what looks like one. A value that is hidden without need costs a reviewer nothing.
"""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any

from infra.declare import is_unknown

__all__ = ["HIDDEN", "scrubbed", "shown"]

HIDDEN = "[secret]"
_LONGEST = 80
_DIGITS = 8
_NAMED = re.compile(
    r"(pass(word|phrase|wd)?|secret(data|value|key)?|api_?key|access_?key|token|credential|"
    r"private_?key|signature)s?$",
    re.IGNORECASE,
)
# Access keys of Alibaba Cloud, keys of model services, PEM blocks, tokens of the form a.b.c.
_LOOKS_LIKE = re.compile(
    r"\bLTAI\w{8,}|\bSTS\.\w{8,}|\bsk-[\w-]{8,}|-----BEGIN[^-]*-----(.*?-----END[^-]*-----)?"
    r"|\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*",
    re.DOTALL,
)
_DIGEST = re.compile(r"(sha256:)?[0-9a-f]{32,64}")
_SIGNATURE = "4dabf18193072939515e22adb298388d"
# Names of secrets, which are no secrets.
_NOT_SECRET = re.compile(r"(secretName|secretType|httpTokens)$")


def shown(path: str, value: Any, *, secret: bool = False) -> str:
    """A value for a reader.

    Args:
        path: Where it stands, for the rule by name.
        value: Any plain value.
        secret: It is known to be one.
    """
    if value is None:
        return "—"
    if secret or _is_secret(path, value):
        return HIDDEN
    if is_unknown(value):
        return "known later"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    if _DIGEST.fullmatch(text):
        return f"{text[:_DIGITS]}…"
    if len(text) > _LONGEST or "\n" in text:
        digest = hashlib.sha256(text.encode()).hexdigest()[:_DIGITS]
        return f"{len(text)} characters, digest {digest}"
    return text


def scrubbed(text: str) -> str:
    """A text of somebody else's, such as an error, without what looks like a secret."""
    return _LOOKS_LIKE.sub(HIDDEN, text)


def _is_secret(path: str, value: Any) -> bool:
    if not _NOT_SECRET.search(path) and any(_NAMED.search(part) for part in path.split(".")):
        return True
    if isinstance(value, dict):
        return _SIGNATURE in value or any(
            _is_secret(f"{path}.{key}", item) for key, item in value.items()
        )
    if isinstance(value, list):
        return any(_is_secret(path, item) for item in value)
    return isinstance(value, str) and _LOOKS_LIKE.search(value) is not None
