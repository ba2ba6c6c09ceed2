"""What the cloud provider would refuse of a declared resource.

Owns the translation of what `guardrails.declare` records into the form that `provider_facts`
checks. Does not own the facts. Resources of our own plugin are checked by the plugin itself.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from guardrails.placeholders import is_unknown
from provider_facts import NOT_KNOWN, PACKAGES, Failure, Hidden, check_inputs, require_type

__all__ = ["refusals"]


def refusals(token: str, inputs: Mapping[str, Any], secrets: Collection[str] = ()) -> list[Failure]:
    """Return what the provider refuses of one resource.

    Args:
        token: Its type.
        inputs: Plain values by wire name. A text for which `is_unknown` is true is not judged.
        secrets: Names of the inputs whose values must not be shown.

    Raises:
        provider_facts.UnknownResourceTypeError: The type belongs to a package whose values are
            checked, and there are no facts about it.
    """
    if token.partition(":")[0] not in PACKAGES:
        return []
    checkable = {name: _checkable(value) for name, value in inputs.items()}
    hidden = {name: Hidden(checkable[name]) for name in secrets if name in checkable}
    return check_inputs(require_type(token), {**checkable, **hidden})


def _checkable(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _checkable(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_checkable(item) for item in value]
    return NOT_KNOWN if is_unknown(value) else value
