"""The exact types, names and inputs of every component, in an update and in a first preview.

The expectations are in `expected/`; `tests.support.snapshots` says how to regenerate them. The
tests use mocks and do not show how the cloud behaves.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from pathlib import Path

import pulumi
import pytest

import components
from guardrails.placeholders import is_unknown
from tests.components.cases import CASES
from tests.support.components import declared_by
from tests.support.pulumi_mocks import closed_loops
from tests.support.snapshots import assert_expected, readable

__all__ = ["closed_loops"]

EXPECTED = Path(__file__).parent / "expected"


def component_classes() -> Iterator[type[pulumi.ComponentResource]]:
    """Yield every component of the package."""
    for found in pkgutil.walk_packages(components.__path__, "components."):
        module = importlib.import_module(found.name)
        for value in vars(module).values():
            if (
                isinstance(value, type)
                and issubclass(value, pulumi.ComponentResource)
                and value.__module__ == module.__name__
            ):
                yield value


@pytest.mark.parametrize("name", CASES)
def test_a_component_declares_exactly_what_is_expected(name: str) -> None:
    declared = declared_by(lambda: CASES[name](name))
    assert_expected(EXPECTED / f"{name}.yaml", readable(declared))


@pytest.mark.parametrize("name", CASES)
def test_a_first_preview_declares_the_same_known_values(name: str) -> None:
    update = {item.urn: item for item in declared_by(lambda: CASES[name](name))}
    preview = {item.urn: item for item in declared_by(lambda: CASES[name](name), preview=True)}
    assert preview.keys() == update.keys()
    for urn, item in preview.items():
        for key, value in item.inputs.items():
            if not is_unknown(value) and not is_unknown(update[urn].inputs.get(key)):
                assert value == update[urn].inputs.get(key), f"{urn} {key}"


def test_every_component_has_a_case() -> None:
    shown: set[type] = set()

    def note(name: str) -> None:
        shown.update(type(item) for item in [CASES[name](name)])

    for name in CASES:
        declared_by(lambda name=name: note(name))  # type: ignore[misc] # a loop variable
    assert {kind.__name__ for kind in component_classes()} == {kind.__name__ for kind in shown}


def test_every_expectation_has_a_case() -> None:
    assert {file.stem for file in EXPECTED.glob("*.yaml")} == CASES.keys()
