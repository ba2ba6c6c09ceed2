"""A private checkout with a small corpus for each module, whose tests are steps of one story.

The tests of a module run in order and build on each other: after a failure, the rest of the module
is skipped, and the report shows the ends of the logs. `make down` always runs at the end.
"""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator

import pytest

from tests.e2e import sample
from tests.e2e.checkout import Checkout, add_configuration, copy_working_tree
from tests.e2e.cloud import Cloud
from tools import cli, virtualenv
from tools.paths import Paths

CONFIGURATION = {"trainingNumTrainEpochs": "1"}
"""The shortest training, because the tests are about the loop and not about the model."""

_FAILED = pytest.StashKey[str]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if call.excinfo is not None and not report.skipped and item.parent is not None:
        item.parent.stash.setdefault(_FAILED, item.name)
        private = getattr(item, "funcargs", {}).get("private")
        if isinstance(private, Checkout):
            report.sections.append(("ends of the logs", private.logs()))
    return report


def pytest_runtest_setup(item: pytest.Item) -> None:
    failed = item.parent.stash.get(_FAILED, None) if item.parent is not None else None
    if failed is not None:
        pytest.skip(f"an earlier step failed: {failed}")


@pytest.fixture(scope="module")
def private(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    checkout: Paths,
    pulumi_cli: cli.Cli,
) -> Iterator[Checkout]:
    """Return a private checkout and corpus, without a stack.

    A module may have a mapping CONFIGURATION with values for the stack's configuration. The stack
    has Elasticsearch alone, unless that names other engines.
    """
    if not virtualenv.is_installed(checkout):
        pytest.fail(f"{checkout.venv} does not match requirements.lock; run `make setup`")
    base = tmp_path_factory.mktemp("private")
    folder = base / "checkout"
    folder.mkdir()
    copy_working_tree(checkout.checkout, folder)
    (base / "outputs").mkdir()
    path = [str(pulumi_cli.path.parent), os.environ.get("PATH", os.defpath)]
    made = Checkout(
        paths=Paths(checkout=folder, cache=checkout.cache),
        corpus=sample.cut(checkout.checkout / "examples" / "corpus", base / "corpus"),
        outputs=base / "outputs",
        path=os.pathsep.join(path),
    )
    configuration = getattr(request.module, "CONFIGURATION", CONFIGURATION)
    add_configuration(made, {"searchEngines": "elasticsearch", **configuration})
    try:
        yield made
    finally:
        made.end()


@pytest.fixture(scope="module")
def files(private: Checkout) -> set[str]:
    """Return the checkout's files before anything runs."""
    return private.files()


@pytest.fixture(scope="module")
def cloud(private: Checkout) -> Cloud:
    """Return the checkout's local cloud."""
    return Cloud(private)
