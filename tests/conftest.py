"""Order of the whole suite, and what its tests share.

Quick tests come first, then those that drive the engine, start Elasticsearch, load a model, and
last the whole loop. Tests against the real cloud run only with `--real-cloud`.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from guardrails.placeholders import load_modules
from tools import cli
from tools.paths import Paths, default_paths

# Before any test: a warning of the SDK's own, met in one as an error, would break it for all.
load_modules()

ORDER = ("engine", "elasticsearch", "model", "e2e", "real_cloud")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--real-cloud",
        action="store_true",
        help="run the tests that need an Alibaba Cloud account",
    )


def rank(markers: set[str]) -> int:
    """The place of a test in the suite: the slowest of its markers decides, 0 has none."""
    return max((ORDER.index(name) + 1 for name in markers & set(ORDER)), default=0)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not config.getoption("--real-cloud"):
        left_out = [item for item in items if item.get_closest_marker("real_cloud")]
        if left_out:
            config.hook.pytest_deselected(items=left_out)
            items[:] = [item for item in items if item not in left_out]
    items.sort(key=lambda item: rank({marker.name for marker in item.iter_markers()}))


@pytest.fixture(scope="session")
def checkout() -> Paths:
    """The paths of the checkout under test."""
    return default_paths()


@pytest.fixture(scope="session")
def pulumi_cli(checkout: Paths) -> cli.Cli:
    """A real Pulumi CLI; without one the test fails, as it would prove nothing by being skipped."""
    found = cli.find(checkout)
    if found is None:
        pytest.fail("there is no Pulumi CLI: `make test` provides one")
    return found


@pytest.fixture
def pulumi_environment(pulumi_cli: cli.Cli, checkout: Paths, tmp_path: Path) -> dict[str, str]:
    """The environment of `pulumi` commands on a backend and home of the test's own.

    Our language host is used even beside an official CLI, as it is what the engine tests are about.
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
    """The executable that the engine tests start."""
    found = shutil.which("pulumi", path=pulumi_environment["PATH"])
    if found is None:
        pytest.fail("the CLI that was found is not on the test's PATH")
    return found
