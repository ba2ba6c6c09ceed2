"""Check what a stack declares against the rules, without an engine, an account or a network.

    python -m guardrails.policy.check --stack dev
    python -m guardrails.policy.check --stack pr-7 --json --set embeddingSpot=false

Owns the conversion of a declaration (`guardrails.declare`) for the rules. Exit status: 0 without a
violation, 1 with one, 2 if the stack cannot be declared. The pack checks in the preview what only
the engine knows, such as the provider's inputs.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from guardrails.declare import (
    Declared,
    DeclareError,
    declare,
    given_values,
    is_unknown,
    stack_config,
)
from guardrails.placeholders import unknown
from guardrails.policy.model import STACK_TYPE, UNKNOWN, Resource, Setting, Violation
from guardrails.policy.rules import RULES, violations
from stack_config.config import SECRET_KEYS, ConfigError

_WHOLE = re.compile(re.escape(unknown("", "").rstrip(".")) + r"[\w.-]+")

__all__ = ["check", "resources_of", "setting_of", "violations_of"]


def resources_of(declared: Sequence[Declared]) -> list[Resource]:
    """Return declared resources in the rules' model, without those that existed before."""
    return [
        Resource(
            type=item.type,
            name=item.name,
            inputs=_plain(item.inputs),
            urn=item.urn,
            parent=item.parent,
            protect=item.protect,
        )
        for item in declared
        if not item.existing
    ]


def setting_of(
    stack: str, config: Mapping[str, str] | None = None, *, template: bool = False
) -> Setting:
    """Return the environment and configuration of a stack.

    Args:
        stack: As `guardrails.declare.declare` takes it.
        config: Values on top of the stack's file.
        template: As `guardrails.declare.declare` takes it.

    Raises:
        ConfigError: The stack has no file.
    """
    values = {**stack_config(stack, template=template), **(config or {})}
    known = {key: value for key, value in values.items() if key not in SECRET_KEYS}
    return Setting(environment=known.get("environment", ""), config=known)


def violations_of(declared: Sequence[Declared], setting: Setting) -> list[Violation]:
    """Return the violations of a declaration."""
    stack = Resource(type=STACK_TYPE, name="the configuration", inputs={})
    return violations([stack, *resources_of(declared)], setting)


def check(stack: str, *, config: Mapping[str, str] | None = None) -> list[Violation]:
    """Return the violations of a stack.

    Args:
        stack: As `guardrails.declare.declare` takes it.
        config: Values on top of the stack's file.

    Raises:
        ConfigError: The configuration is not valid.
        DeclareError: The program failed.
    """
    return violations_of(declare(stack, config=config), setting_of(stack, config))


def _plain(value: Any) -> Any:
    if isinstance(value, str):
        # A text with an unknown part stays: a role's document contains a bucket's name somewhere.
        return UNKNOWN if is_unknown(value) and _WHOLE.fullmatch(value) else value
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, Sequence):
        return [_plain(item) for item in value]
    return value


def _lines(stack: str, found: Sequence[Violation]) -> list[str]:
    lines = [
        f"FAIL  {item.rule}  {item.resource.type} {item.resource.name}\n      {item.message}"
        for item in found
    ]
    broken = len({item.rule for item in found})
    return [*lines, f"{stack}: {len(RULES) - broken} of {len(RULES)} rules pass"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return the exit status."""
    parser = argparse.ArgumentParser(prog="guardrails.policy.check")
    parser.add_argument("--stack", required=True)
    parser.add_argument("--json", action="store_true", help="print a list of violations")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    given = parser.parse_args(arguments)
    try:
        found = check(given.stack, config=given_values(given.set))
    except (ConfigError, DeclareError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    if given.json:
        document = [
            {
                "rule": item.rule,
                "type": item.resource.type,
                "name": item.resource.name,
                "message": item.message,
            }
            for item in found
        ]
        sys.stdout.write(json.dumps(document, indent=2) + "\n")
    else:
        sys.stdout.write("\n".join(_lines(given.stack, found)) + "\n")
    return 1 if found else 0


if __name__ == "__main__":
    raise SystemExit(main())
