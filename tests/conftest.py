"""The order of the whole suite, which tests stay together, and what they share.

Quick tests come first, then those that drive the engine, start Elasticsearch or load a model, and
last the whole loop. `make test` runs them in several processes: tests that share something slow
to make stay in one of them. Tests against the real cloud run only with `--real-cloud`.
"""

from __future__ import annotations

import os
import shutil
from collections import Counter
from pathlib import Path

import pytest

from guardrails.placeholders import load_modules
from tests.support import stacks
from tools import cli
from tools.paths import Paths, default_paths

ORDER = ("engine", "elasticsearch", "model", "e2e", "real_cloud")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--real-cloud",
        action="store_true",
        help="run the tests that need an Alibaba Cloud account",
    )


def pytest_configure(config: pytest.Config) -> None:
    runs_tests = config.getoption("dist", "no") == "no"
    if runs_tests:
        # Before any test: a warning of the SDKs' modules, raised in one test as an error, would
        # leave the module half imported for all the others.
        load_modules()


def rank(markers: set[str]) -> int:
    """Return a test's place in the suite, by the slowest of its markers; 0 without a marker."""
    return max((ORDER.index(name) + 1 for name in markers & set(ORDER)), default=0)


def group(item: pytest.Item) -> str:
    """Return the name that tests share which must run in one process; "" if it may run in any."""
    markers = {marker.name for marker in item.iter_markers()}
    if "elasticsearch" in markers:
        return "elasticsearch"
    if rank(markers):
        return f"{item.path.parent.name}-{item.path.stem}"
    # The stacks' declarations take seconds each and are kept in memory.
    uses_stacks = getattr(getattr(item, "module", None), "declared", None) is stacks.declared
    return "declared" if uses_stacks else ""


@pytest.hookimpl(tryfirst=True)  # xdist reads the groups in the same hook
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not config.getoption("--real-cloud"):
        left_out = [item for item in items if item.get_closest_marker("real_cloud")]
        if left_out:
            config.hook.pytest_deselected(items=left_out)
            items[:] = [item for item in items if item not in left_out]
    sizes = Counter(item.path for item in items)

    def place(item: pytest.Item) -> tuple[int, int]:
        found = rank({marker.name for marker in item.iter_markers()})
        # The longest stories begin first, so that the processes end at about the same time.
        return found, -sizes[item.path] if found > ORDER.index("e2e") else 0

    items.sort(key=place)
    if config.getoption("loadgroup", False):
        for item in items:
            if name := group(item):
                item.add_marker(pytest.mark.xdist_group(name))


@pytest.fixture(scope="session")
def checkout() -> Paths:
    """Return the paths of the checkout under test."""
    return default_paths()


@pytest.fixture(scope="session")
def pulumi_cli(checkout: Paths) -> cli.Cli:
    """Return a real Pulumi CLI, or fail the test: a skipped test would prove nothing."""
    found = cli.find(checkout)
    if found is None:
        pytest.fail("there is no Pulumi CLI; run `make setup`")
    return found


@pytest.fixture
def pulumi_environment(pulumi_cli: cli.Cli, checkout: Paths, tmp_path: Path) -> dict[str, str]:
    """Return the environment of `pulumi` commands with a backend and a home for this test only.

    It uses our language host even beside an official CLI, because the engine tests are about it.
    """
    binaries = tmp_path / "bin"
    cli.write_host(binaries, checkout)
    for folder in ("state", "pulumi-home"):
        (tmp_path / folder).mkdir()
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PULUMI_", "ALIBABA_CLOUD_", "ALICLOUD_", "CUSTOMRAG_HOME"))
    }
    folders = [str(binaries), str(pulumi_cli.path.parent), kept.get("PATH", "")]
    return {
        **kept,
        "PATH": os.pathsep.join(folders),
        "CUSTOMRAG_CHECKOUT": str(checkout.checkout),
        "PULUMI_HOME": str(tmp_path / "pulumi-home"),
        "PULUMI_BACKEND_URL": (tmp_path / "state").as_uri(),
        "PULUMI_CONFIG_PASSPHRASE": "a passphrase of this test only",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
    }


@pytest.fixture
def pulumi_path(pulumi_environment: dict[str, str]) -> str:
    """Return the executable that the engine tests start."""
    found = shutil.which("pulumi", path=pulumi_environment["PATH"])
    if found is None:
        pytest.fail("the Pulumi CLI is not on the test's PATH")
    return found
