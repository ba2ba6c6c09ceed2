"""The rules as a Pulumi policy pack.

Owns the conversion of the engine's resources, and the source of the environment. Does not own the
rules. Framework: https://www.pulumi.com/docs/iac/packages-and-automation/crossguard/, and
`pulumi_policy` 1.21.0 itself (read 2026-11-21).

The engine sends a pack its stack's configuration with `ConfigureStack` (3.245 and newer). The
framework keeps only the tags of that message and offers no public access to the rest, so a class
here replaces a private one and reads the message. docs/reference/policy.md describes the
alternatives, and what happens if a later framework differs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pulumi_policy as policy
from pulumi_policy import policy as framework
from pulumi_policy.proxy import UnknownValueError

from guardrails.policy.model import STRICTEST, UNKNOWN, Resource, Rule, Setting
from guardrails.policy.rules import RULES

__all__ = ["plain", "serve", "setting_of"]

NAME = "customrag"
_NAMESPACE = "customrag:"
_Servicer = framework._PolicyAnalyzerServicer
_config: dict[str, str] = {}


class _ConfigurationServicer(_Servicer):
    """Keeps the configuration of the current stack."""

    def ConfigureStack(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Store the stack's configuration."""
        secret = set(request.config_secret_keys)
        _config.clear()
        _config.update(
            {
                key.removeprefix(_NAMESPACE): value
                for key, value in request.config.items()
                if key.startswith(_NAMESPACE) and key not in secret
            }
        )
        return super().ConfigureStack(request, context)


def plain(value: Any) -> Any:
    """Return the guarded properties as plain values, with `UNKNOWN` for unknown ones."""
    if isinstance(value, Mapping):
        return {key: _item(value, key) for key in value}
    if hasattr(value, "__getitem__") and hasattr(value, "__len__") and not isinstance(value, str):
        return [_item(value, index) for index in range(len(value))]
    return value


def _item(container: Any, key: Any) -> Any:
    try:
        return plain(container[key])
    except UnknownValueError:
        return UNKNOWN


def setting_of(config: Mapping[str, str], resources: list[Resource]) -> Setting:
    """Return the environment from the configuration, or else the first such tag, or else prod."""
    environment = config.get("environment", "")
    for resource in resources:
        tags = resource.inputs.get("tags")
        if not environment and isinstance(tags, Mapping):
            found = tags.get("environment")
            environment = found if isinstance(found, str) else ""
    return Setting(environment=environment or STRICTEST, config=dict(config))


def _resource(given: Any) -> Resource:
    references = getattr(given, "property_dependencies", {})
    parent = getattr(given, "parent", None)
    return Resource(
        type=given.resource_type,
        name=given.name,
        inputs=plain(given.props),
        urn=given.urn,
        parent=parent.urn if parent is not None else (given.opts.parent or ""),
        protect=given.opts.protect,
        references={key: [item.urn for item in items] for key, items in references.items()},
    )


def _policy(rule: Rule) -> policy.Policy:
    def of_resource(args: Any, report: Any) -> None:
        resource = _resource(args)
        setting = setting_of(_config, [resource])
        for found in rule.violations([resource], setting):
            report(found.message)

    def of_stack(args: Any, report: Any) -> None:
        resources = [_resource(given) for given in args.resources]
        for found in rule.violations(resources, setting_of(_config, resources)):
            report(found.message, found.resource.urn)

    if rule.on_resource is not None:
        return policy.ResourceValidationPolicy(
            name=rule.name, description=rule.description, validate=of_resource
        )
    return policy.StackValidationPolicy(
        name=rule.name, description=rule.description, validate=of_stack
    )


def serve() -> None:
    """Serve the pack to the engine until it ends."""
    # The pack creates its server itself and accepts no other servicer.
    setattr(framework, "_PolicyAnalyzerServicer", _ConfigurationServicer)  # noqa: B010
    policy.PolicyPack(
        name=NAME,
        policies=[_policy(rule) for rule in RULES],
        enforcement_level=policy.EnforcementLevel.MANDATORY,
    )
