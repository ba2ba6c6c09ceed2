"""The component with the real engine, the local plugin and tokens from the local issuer."""

from __future__ import annotations

import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from components.edge import COMPATIBILITY_DATE
from localcloud import control
from localcloud.core.home import Platform, init_home
from localcloud.issuer.__main__ import main as issuer
from tests.edge.origin import Application, Reply, ask
from tests.localcloud.running import until
from tests.tools.engine import Project
from tools.paths import Paths
from tools.plugins import CLOUDFLARE, launcher

pytestmark = pytest.mark.engine

PROGRAM = """
import sys
from pathlib import Path

import pulumi
import pulumi_cloudflare as cloudflare

config = pulumi.Config()
sys.path.insert(0, config.require("checkout"))

from components.edge import Edge, EdgeArgs, read_worker

provider = cloudflare.Provider(
    "cloudflare",
    base_url=config.require("platform"),
    opts=pulumi.ResourceOptions(version="7.0.0-local"),
)
issuer = config.require("issuer")
edge = Edge(
    "edge",
    EdgeArgs(
        script_name="scratch-local-edge",
        content=read_worker(Path(config.require("checkout"))),
        account_id="a" * 32,
        zone_id="b" * 32,
        url=config.require("url"),
        origin_url=config.require("origin"),
        origin_key=config.require_secret("key"),
        issuer=issuer,
        audience="customrag",
        jwks_url=f"{issuer}/.well-known/jwks.json",
        answers_version=config.require("version"),
    ),
    pulumi.ResourceOptions(providers=[provider]),
)
pulumi.export("edge_url", edge.url)
"""
KEY = "the-key-of-the-edge"


@dataclass(frozen=True)
class World:
    """A local cloud, a stack with an edge, and an application."""

    platform: Platform
    project: Project
    origin: Application

    @property
    def url(self) -> str:
        """URL of the edge."""
        return self.platform.endpoints["edge"]


@pytest.fixture
def world(
    tmp_path: Path,
    pulumi_path: str,
    pulumi_environment: dict[str, str],
    edge_folder: str,
    checkout: Paths,
    origin: Application,
) -> Iterator[World]:
    home = tmp_path / "home"
    platform = init_home(home)
    control.start(home, ("issuer", "cloudflare"))
    project = Project(
        folder=tmp_path / "project", pulumi=pulumi_path, environment=pulumi_environment
    )
    folder = project.folder / "plugin"
    folder.mkdir(parents=True)
    executable = folder / "pulumi-resource-cloudflare"
    executable.write_text(launcher(CLOUDFLARE, checkout))
    executable.chmod(0o755)
    install = ("plugin", "install", "resource", "cloudflare", CLOUDFLARE.version, "--file")
    project.succeed(*install, str(folder), "--reinstall")
    project.write(PROGRAM)
    project.succeed("stack", "init", "local")
    values = {
        "checkout": str(checkout.checkout),
        "platform": (home / "platform.json").as_uri(),
        "issuer": platform.endpoints["issuer"],
        "url": platform.endpoints["edge"],
        "origin": origin.url,
        "version": "corpus-1",
    }
    plain = [word for key, value in values.items() for word in ("--plaintext", f"{key}={value}")]
    project.succeed("config", "set-all", *plain, "--secret", f"key={KEY}")
    yield World(platform, project, origin)
    control.stop(home)


def token(world: World, capsys: pytest.CaptureFixture[str], tenant: str) -> str:
    capsys.readouterr()
    assert issuer(["token", "--home", str(world.platform.home), "--tenant", tenant]) == 0
    return capsys.readouterr().out.strip()


def kept(url: str, bearer: str) -> Reply:
    """Return the answer after the edge has cached it, which happens after the first reply."""
    return until(  # type: ignore[no-any-return]  # what the condition returned
        lambda: reply if (reply := ask(url, bearer)).headers["X-Edge-Cache"] == "hit" else None,
        "the answer is kept",
    )


def test_an_edge_is_created_answers_changes_and_is_deleted(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    project = world.project
    project.succeed("up", "--yes", "--skip-preview")
    assert project.outputs()["edge_url"] == world.url
    assert ask(world.url, "").status == 401
    assert KEY not in project.succeed("stack", "export")

    north = token(world, capsys, "north")
    assert ask(world.url, north).headers["X-Edge-Cache"] == "miss"
    assert kept(world.url, north).document["answer"] == "1"
    assert ask(world.url, token(world, capsys, "south")).document["answer"] == "2"
    assert world.origin.keys == [KEY, KEY]

    # The issuer rotates its key; earlier tokens stay valid.
    assert issuer(["rotate", "--home", str(world.platform.home)]) == 0
    assert kept(world.url, north).document["answer"] == "1"

    project.succeed("preview", "--expect-no-changes")
    project.succeed("refresh", "--yes", "--expect-no-changes")
    project.succeed("config", "set", "version", "corpus-2")
    project.succeed("up", "--yes", "--skip-preview")
    # Signed with the new key.
    assert ask(world.url, token(world, capsys, "north")).document["answer"] == "3"

    project.succeed("destroy", "--yes", "--skip-preview")
    with pytest.raises(OSError, match="refused"):
        urllib.request.urlopen(world.url, timeout=5)


def test_the_worker_runs_with_the_same_settings_as_in_its_tests(checkout: Paths) -> None:
    tested = (checkout.checkout / "edge" / "test" / "world.ts").read_text(encoding="utf-8")
    assert f'COMPATIBILITY_DATE = "{COMPATIBILITY_DATE}"' in tested
