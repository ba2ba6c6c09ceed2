"""Values in the form that a comment may show: short, and never a secret.

Owns the rule by which a value is hidden: the program or the engine calls it secret, its name
suggests a secret, or it looks like one. Hiding too much costs a reviewer little.
"""

from __future__ import annotations

import hashlib
import json
import re
from os.path import commonprefix
from typing import Any

from guardrails.declare import is_unknown

__all__ = ["HIDDEN", "code", "excerpts", "plain", "scrubbed", "shown"]

HIDDEN = "[secret]"
_LONGEST = 80
# How much of a long text is shown on either side of a change.
_AROUND = 12
_DIGITS = 8
_NAMED = re.compile(
    r"(pass(word|phrase|wd)?|secret(data|value|key)?|api_?key|access_?key|token|credential|"
    r"private_?key|signature)s?$",
    re.IGNORECASE,
)
# Access keys of Alibaba Cloud, keys of model services, PEM blocks, tokens of the form a.b.c and of
# GitHub, a bearer's, a password in a URL.
_LOOKS_LIKE = re.compile(
    r"\bLTAI\w{8,}|\bSTS\.\w{8,}|\bsk-[\w-]{8,}|-----BEGIN[^-]*-----(.*?-----END[^-]*-----)?"
    r"|\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*|\bgh[a-z]_\w{20,}|\bgithub_pat_\w{20,}"
    r"|\bBearer [\w.~+/-]{8,}=*|(?<=://)[^/\s:@]*:[^/\s@]+(?=@)",
    re.DOTALL,
)
_DIGEST = re.compile(r"(sha256:)?[0-9a-f]{32,64}")
_SIGNATURE = "4dabf18193072939515e22adb298388d"
# Base64 and the like: a part of it tells a reviewer nothing.
_ENCODED = re.compile(r"[A-Za-z0-9+/=_-]+")
_NEAR = re.compile(r"pass|secret|token|credential|key", re.IGNORECASE)
# Characters that begin a tag, a link, a mention, code or a table's next cell, escaped for GitHub.
_ENTITIES = {"<": "&lt;", ">": "&gt;", "@": "&#64;", "[": "&#91;", "]": "&#93;", "|": "&#124;"}
# Names that only sound like secrets.
_NOT_SECRET = re.compile(r"(secretName|secretType|httpTokens)$")


def shown(path: str, value: Any, *, secret: bool = False) -> str:
    """Return a value for a reader.

    Args:
        path: The value's property, for the rule by name.
        value: Any plain value.
        secret: The value is known to be secret.
    """
    if value is None:
        return "—"
    if secret or _is_secret(path, value):
        return HIDDEN
    if is_unknown(value):
        return "known after the update"
    if value == "":
        return "empty"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    if _DIGEST.fullmatch(text):
        return f"{text[:_DIGITS]}…"
    if len(text) > _LONGEST or "\n" in text:
        digest = hashlib.sha256(text.encode()).hexdigest()[:_DIGITS]
        return f"{len(text)} characters, digest {digest}"
    return text


def excerpts(path: str, before: Any, after: Any) -> tuple[str, str] | None:
    """Return the part of two long texts that differs, with context; None if that is not useful.

    A text that may be a secret, or is near the name of one, stays a digest.
    """
    texts = [item for item in (before, after) if isinstance(item, str) and not is_unknown(item)]
    if len(texts) < 2 or max(map(len, texts)) <= _LONGEST or _is_secret(path, texts):
        return None
    if any("\n" in text or _ENCODED.fullmatch(text) for text in texts):
        return None
    common = len(commonprefix(texts))  # noqa: RUF071  these are not paths
    ends = [text[common:][::-1] for text in texts]
    end = len(commonprefix(ends))  # noqa: RUF071  as above
    first = max(common - _AROUND, 0)
    parts = []
    for text in texts:
        if _NEAR.search(text[max(common - _LONGEST // 2, 0) : len(text) - end]):
            return None
        last = min(len(text) - end + _AROUND, len(text))
        if last - first > _LONGEST:
            return None
        parts.append(f"{'…' if first else ''}{text[first:last]}{'…' if last < len(text) else ''}")
    return parts[0], parts[1]


def plain(text: str) -> str:
    """Return foreign text as one line of Markdown without any markup."""
    line = " ".join(scrubbed(text).split())
    return "".join(_ENTITIES.get(each, each) for each in line)


def code(text: str) -> str:
    """Return inline code for any text: a document's name may contain anything."""
    if text == "—":
        return text
    text = " ".join(text.split("\n"))
    if "`" not in text:
        return f"`{text}`"
    fence = "`" * (max(map(len, re.findall("`+", text))) + 1)
    return f"{fence} {text} {fence}"


def scrubbed(text: str) -> str:
    """Return a foreign text, such as an error, without parts that look like secrets."""
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
