"""The order of the whole suite, and the fixtures that all tests share.

Quick files come first, then those that drive the engine, start a search engine or load a model, and
last the whole loop: the slowest test of a file decides. `tests.support.spread` spreads the files
over processes. Tests against the real cloud run only with `--real-cloud`.
"""

from __future__ import annotations

import os
import shutil
import signal
from pathlib import Path
from typing import Any

import pytest

from guardrails.placeholders import load_modules
from tests.support.elasticsearch import elasticsearch_server
from tests.support.engines import both_engines, lent
from tests.support.opensearch import opensearch_server
from tests.support.spread import SEARCH_ENGINES, Spread, group
from tools import cli
from tools.paths import Paths, default_paths

# The fixtures of the whole suite. A folder's own import of one would start another engine.
__all__ = ["both_engines", "elasticsearch_server", "lent", "opensearch_server"]

ORDER = ("engine", "elasticsearch", "opensearch", "model", "e2e", "real_cloud")
LONGEST_FIRST = (
    *("test_kills", "test_healing", "test_opensearch_faults", "test_loop", "test_engines"),
    *("test_rehearse", "test_sweep"),
)
"""Stories of `tests/e2e` in the order in which they begin, so that the processes end together."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--real-cloud",
        action="store_true",
        help="run the tests that need an Alibaba Cloud account",
    )


def pytest_configure(config: pytest.Config) -> None:
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        # A shell starts its background commands like that, and every program that a test starts
        # would inherit it and ignore the test's Ctrl-C.
        signal.signal(signal.SIGINT, signal.default_int_handler)
    runs_tests = config.getoption("dist", "no") == "no"
    if runs_tests:
        # Before any test: a warning of the SDKs' modules, raised in one test as an error, would
        # leave the module half imported for all the others.
        load_modules()


def rank(markers: set[str]) -> int:
    """Return a test's place in the suite, by the slowest of its markers; 0 without a marker."""
    return max((ORDER.index(name) + 1 for name in markers & set(ORDER)), default=0)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    return Spread(config, log)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not config.getoption("--real-cloud"):
        left_out = [item for item in items if item.get_closest_marker("real_cloud")]
        if left_out:
            config.hook.pytest_deselected(items=left_out)
            items[:] = [item for item in items if item not in left_out]
    groups = {item: group(item.nodeid.partition("::")[0]) for item in items}
    slowest: dict[str, int] = {}
    for item, name in groups.items():
        found = rank({marker.name for marker in item.iter_markers()})
        slowest[name] = max(found, slowest.get(name, 0))

    def place(item: pytest.Item) -> tuple[int, int]:
        name = groups[item]
        if name == SEARCH_ENGINES:
            # The longest group begins before the other slow files, so that it does not end last.
            return 1, -1
        story = item.path.stem
        first = LONGEST_FIRST.index(story) if story in LONGEST_FIRST else len(LONGEST_FIRST)
        return slowest[name], first

    items.sort(key=place)


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
