"""Which values a provider accepts for one property. Pure."""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType
from typing import Any

__all__ = ["Values", "allowed"]


@dataclass(frozen=True, kw_only=True)
class Values:
    """One set of accepted values.

    Attributes:
        one_of: The accepted values themselves; empty for no such list.
        minimum: Smallest accepted number.
        maximum: Largest accepted number.
        shortest: Smallest accepted number of characters.
        longest: Largest accepted number of characters.
        pattern: Regular expression that the whole text must match.
        format: `json`, `date` or `ip`.
        text: What is allowed, in words, where the other fields do not say it well.
    """

    one_of: tuple[Any, ...] = ()
    minimum: int | None = None
    maximum: int | None = None
    shortest: int | None = None
    longest: int | None = None
    pattern: str = ""
    format: str = ""
    text: str = ""

    @classmethod
    def of(cls, entry: Mapping[str, Any]) -> Values:
        """Read one entry of a facts file."""
        return cls(**{**entry, "one_of": tuple(entry.get("one_of", ()))})

    def accept(self, value: Any) -> bool:
        """Return whether the value is accepted."""
        if self.one_of:
            return value in self.one_of
        if self.format:
            return isinstance(value, str) and _has_format(value, _FORMATS[self.format][0])
        if self.pattern:
            return isinstance(value, str) and re.fullmatch(self.pattern, value) is not None
        if self.shortest is not None or self.longest is not None:
            return _within(len(str(value)), self.shortest, self.longest)
        number = _number(value)
        return number is not None and _within(number, self.minimum, self.maximum)

    def allowed(self) -> str:
        """Return what is accepted, in words."""
        if self.text:
            return self.text
        if self.one_of:
            return ", ".join(_word(item) for item in self.one_of)
        if self.format:
            return _FORMATS[self.format][1]
        if self.pattern:
            return f"text that matches {self.pattern}"
        if self.shortest is not None or self.longest is not None:
            return f"{_span(self.shortest, self.longest)} characters"
        return _span(self.minimum, self.maximum)


def allowed(alternatives: Sequence[Values]) -> str:
    """Return what any of the alternatives accepts, in words."""
    return ", or ".join(item.allowed() for item in alternatives)


def _number(value: Any) -> float | None:
    """Return a number, also from text: the provider takes some numbers as text."""
    if isinstance(value, bool):
        return None
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


def _within(number: float, lowest: int | None, highest: int | None) -> bool:
    return (lowest is None or number >= lowest) and (highest is None or number <= highest)


def _span(lowest: int | None, highest: int | None) -> str:
    if lowest is None:
        return f"at most {highest}"
    return f"at least {lowest}" if highest is None else f"{lowest} to {highest}"


def _word(value: Any) -> str:
    return value if isinstance(value, str) and value else json.dumps(value)


def _has_format(text: str, parse: Callable[[str], Any]) -> bool:
    try:
        parse(text)
    except ValueError:
        return False
    return True


def _day(text: str) -> date:
    """Return a day; its other forms in ISO 8601 are errors."""
    found = date.fromisoformat(text)
    if found.isoformat() != text:
        raise ValueError(text)
    return found


# How a text of the format is read, and the format in words.
_FORMATS: Mapping[str, tuple[Callable[[str], Any], str]] = MappingProxyType(
    {
        "json": (json.loads, "JSON text"),
        "date": (_day, "a date as YYYY-MM-DD"),
        "ip": (ipaddress.ip_address, "an IP address"),
    }
)
