"""A stack's configuration with other values, whether they are valid or not."""

from __future__ import annotations

from typing import Any

from stack_config.config import StackConfig
from stack_config.group import Group

__all__ = ["with_values"]


def with_values(config: StackConfig, changes: dict[str, Any]) -> StackConfig:
    """Return a copy with values, by config key, that no rule is applied to."""
    left = dict(changes)
    whole: dict[str, Any] = {}
    for name, field in StackConfig.model_fields.items():
        group = getattr(config, name)
        if isinstance(group, Group):
            inner = {
                inner_name: left.pop(str(inner_field.alias))
                for inner_name, inner_field in type(group).model_fields.items()
                if inner_field.alias in left
            }
            whole[name] = group.model_copy(update=inner)
        elif field.alias in left:
            whole[name] = left.pop(field.alias)
    assert not left, f"these are not config keys: {sorted(left)}"
    return config.model_copy(update=whole)
