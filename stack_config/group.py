"""The base of every group of config keys: how raw text becomes a value, and what a problem is.

Owns the types of fields and the form of a rule between them. Does not own any key (the groups do),
nor what the user sees (`stack_config.config`).
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict

from training.bounds import Bounds

__all__ = [
    "Flag",
    "Group",
    "Number",
    "Problem",
    "Texts",
    "Whole",
    "bounded",
    "keys_after",
    "matching",
]


@dataclass(frozen=True)
class Problem:
    """What is wrong with a key: `text` continues a sentence that begins with the key's name."""

    key: str
    text: str


class Group(BaseModel):
    """Config keys that belong together. Each field's alias is its key, without namespace.

    Fields have no defaults: the defaults are in `Pulumi.yaml`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    def problems(self) -> Iterator[Problem]:
        """Yield what is wrong between the group's fields, once the value of each is valid."""
        yield from ()

    def wrong(self, field: str, allowed: str) -> Problem:
        """Return the problem that a field has this value; `allowed` says what it may be."""
        key = type(self).model_fields[field].alias or field
        return Problem(key, f"is {_shown(getattr(self, field))}; {allowed}")


def keys_after(prefix: str = "") -> Callable[[str], str]:
    """Return the naming of a group's keys: field `seed` is key `trainingSeed` after `training`."""

    def key(field: str) -> str:
        first, *rest = [prefix, *field.split("_")] if prefix else field.split("_")
        return first + "".join(word.capitalize() for word in rest)

    return key


def bounded(bounds: Bounds, note: str = "") -> AfterValidator:
    """Return a check that a number is within bounds. None passes."""

    def check(value: Any) -> Any:
        if value is not None and value not in bounds:
            raise ValueError(f"it must be {bounds}{note and f' ({note})'}")
        return value

    return AfterValidator(check)


def matching(pattern: str, allowed: str, *, or_empty: bool = False) -> AfterValidator:
    """Return a check that the whole of a text matches a pattern; `allowed` completes "give"."""

    def check(value: str) -> str:
        if not (or_empty and not value) and not re.fullmatch(pattern, value):
            raise ValueError(f"give {allowed}{', or leave it empty' * or_empty}")
        return value

    return AfterValidator(check)


def _shown(value: object) -> str:
    if isinstance(value, bool | int | float):
        return json.dumps(value)
    return repr(list(value) if isinstance(value, tuple) else str(value))


def _whole(raw: object) -> object:
    if isinstance(raw, str) and not re.fullmatch(r"-?\d+", raw):
        raise ValueError("give a whole number")
    return raw


def _flag(raw: object) -> object:
    flags: Mapping[object, bool] = {"true": True, "false": False}
    if isinstance(raw, str) and raw not in flags:
        raise ValueError("give true or false")
    return flags.get(raw, raw)


def _number(raw: object) -> object:
    if not isinstance(raw, str):
        return raw
    try:
        value = float(raw) if raw else None
    except ValueError as error:
        raise ValueError("give a number, or leave it empty") from error
    if value is not None and not math.isfinite(value):
        raise ValueError("give a finite number, or leave it empty")
    return value


def _texts(raw: object) -> object:
    if not isinstance(raw, str):
        return raw
    try:
        value = json.loads(raw)
    except ValueError:
        value = None
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise ValueError('give a list of texts, such as ["a", "b"]')
    return tuple(value)


Whole = Annotated[int, BeforeValidator(_whole)]
Flag = Annotated[bool, BeforeValidator(_flag)]
Number = Annotated[float | None, BeforeValidator(_number)]
"""A finite number; None where the value is empty."""
Texts = Annotated[tuple[str, ...], BeforeValidator(_texts)]
