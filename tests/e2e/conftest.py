"""A private checkout with a small corpus for each module, and tests that are steps of one story.

A module's tests run in their order and build on each other: after one that failed, the rest of its
module are skipped, and the logs' ends are shown with the failure. `make down` comes at the end
however the module ended.
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
"""As short a training as there is: what the tests are about is the loop, not the model."""

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
        pytest.skip(f"the step before failed: {failed}")


@pytest.fixture(scope="module")
def private(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    checkout: Paths,
    pulumi_cli: cli.Cli,
) -> Iterator[Checkout]:
    """A private checkout and corpus; no stack is made yet.

    A module may have a mapping CONFIGURATION, for other values of the stack's configuration.
    """
    if not virtualenv.is_installed(checkout):
        pytest.fail(f"{checkout.venv} is not what requirements.lock pins: run `make setup`")
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
    add_configuration(made, getattr(request.module, "CONFIGURATION", CONFIGURATION))
    try:
        yield made
    finally:
        made.end()


@pytest.fixture(scope="module")
def cloud(private: Checkout) -> Cloud:
    """The checkout's local cloud."""
    return Cloud(private)
