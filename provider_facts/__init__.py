"""What the cloud providers know about each resource type, and checks of declared inputs.

Owns the facts of the types in use (``alicloud.json``, ``cloudflare.json``, written by
``tools/alicloud_facts.py`` and ``tools/cloudflare_facts.py``): property names and types, what is
required, what replaces a resource, and which values the provider accepts. Owns the pure functions
that hold declared inputs against them. The local plugins and ``guardrails.declare`` share both, so
a value that the provider refuses is refused before an account is involved.

Does not own defaults, comparison or what the local cloud supports (``localcloud.alicloud``), nor
anything that needs the cloud to answer (``guardrails.preflight``). Imports nothing of this project.
"""

from provider_facts.check import NOT_KNOWN, Failure, Hidden, check_inputs, shown
from provider_facts.schema import (
    PACKAGES,
    ResourceType,
    Shape,
    UnknownResourceTypeError,
    provenance,
    require_type,
    resource_type,
    shape_of,
    type_tokens,
)
from provider_facts.values import Values

__all__ = [
    "NOT_KNOWN",
    "PACKAGES",
    "Failure",
    "Hidden",
    "ResourceType",
    "Shape",
    "UnknownResourceTypeError",
    "Values",
    "check_inputs",
    "provenance",
    "require_type",
    "resource_type",
    "shape_of",
    "shown",
    "type_tokens",
]
