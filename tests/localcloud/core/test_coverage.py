"""The generated coverage document, and whether it matches the code."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.routing import Route

from localcloud import registry
from localcloud.core.home import init_home
from localcloud.core.operations import Operation
from localcloud.core.resources import Context
from localcloud.daemon import make_context
from tools.coverage import render
from tools.paths import Paths
from tools.reference import COVERAGE_FILE

# These services have their own endpoints; their tests compare operations and routes.
OWN_ENDPOINTS = ("oss", "dashscope", "issuer")


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Context]:
    home = tmp_path_factory.mktemp("coverage")
    init_home(home)
    made = make_context(home)
    yield made
    made.supervisor.stop_all()
    made.store.close()


def is_on_api_endpoint(operation: Operation) -> bool:
    """Return whether the operation has its own route on the `api` endpoint."""
    return operation.service not in OWN_ENDPOINTS and " /" in operation.api


def with_same_placeholders(path: str) -> str:
    """Return the path with every placeholder renamed to ``{}``."""
    return re.sub(r"\{[^}]*\}", "{}", path)


def test_the_document_is_up_to_date(checkout: Paths) -> None:
    text = (checkout.checkout / COVERAGE_FILE).read_text("utf-8")
    assert text == render(), "run: python -m tools.reference"


def test_every_operation_belongs_to_a_listed_service() -> None:
    assert {operation.service for operation in registry.operations()} <= set(registry.SERVICES)


def test_no_operation_is_listed_twice() -> None:
    names = [(operation.service, operation.name) for operation in registry.operations()]
    assert len(names) == len(set(names))


def test_listed_http_operations_are_the_routed_ones(context: Context) -> None:
    routed = {
        (method, with_same_placeholders(route.path))
        for route in registry.routes(context)
        if isinstance(route, Route) and not route.path.startswith("/_local/")
        for method in (route.methods or set()) - {"HEAD"}
    }
    listed = {
        (operation.api.split(" ")[0], with_same_placeholders(operation.api.split(" ")[1]))
        for operation in registry.operations()
        if is_on_api_endpoint(operation)
    }
    assert listed == routed


@pytest.mark.parametrize("service", registry.SERVICES)
def test_every_listed_service_has_a_package(service: str) -> None:
    assert Path(registry.__file__).with_name(service).joinpath("__init__.py").exists()
