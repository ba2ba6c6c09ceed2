"""The facts about each type, compared with the installed SDK and with the handlers."""

from __future__ import annotations

from typing import Any

import pytest

from localcloud import registry
from provider_facts import PACKAGES, Shape, resource_type, shape_of, type_tokens
from tools.alicloud_facts import TYPES, output_names, sdk_classes, shapes


def bare(shape: Shape) -> Any:
    """Return the part of a shape that the SDK's Args define."""
    items = None if shape.items is None else bare(shape.items)
    return shape.type, shape.required, items, {k: bare(v) for k, v in shape.properties.items()}


def test_the_facts_have_every_type_of_the_generator() -> None:
    assert set(type_tokens()) == set(TYPES)


@pytest.mark.parametrize("token", sorted(TYPES))
def test_shapes_match_the_installed_sdk(token: str) -> None:
    kind = resource_type(token)
    assert kind is not None
    resource_class, args_class = sdk_classes(token)
    expected = {name: bare(shape_of(entry)) for name, entry in shapes(args_class).items()}
    assert {name: bare(shape) for name, shape in kind.inputs.items()} == expected
    assert set(kind.computed) == set(output_names(resource_class)) - set(expected)


def test_a_password_is_a_secret() -> None:
    kind = resource_type("alicloud:elasticsearch/instance:Instance")
    assert kind is not None
    assert kind.inputs["password"].secret


def test_every_handler_has_a_known_type_and_known_inputs() -> None:
    for token, handler in registry.handlers().items():
        kind = resource_type(token)
        assert kind is not None, token
        assert (handler.effective | handler.recorded) - kind.inputs.keys() == set(), token
        assert handler.effective & handler.recorded == set(), token


def test_every_required_input_is_supported() -> None:
    for token, handler in registry.handlers().items():
        kind = resource_type(token)
        assert kind is not None
        required = {name for name, shape in kind.inputs.items() if shape.required}
        assert required - handler.effective - handler.recorded == set(), token


def test_every_known_type_has_a_handler() -> None:
    known = {token for package in PACKAGES for token in type_tokens(package)}
    assert set(registry.handlers()) == known
