"""Compare a preview of this program with one of a bare program that declares the same.

    python -m benchmarks.preview [--rounds 5]

Alternates between two, with the same engine and plugins, each as a first preview of a stack:
    bare      a loop that registers the resources which `guardrails.declare` lists for the local
              stack: the same types, names and inputs, as plain values, without components,
              configuration or a corpus
    customrag this program, with the local stack's template, without the edge (its worker is built
              by npm)
Prints the seconds of each and the ratio of the medians. The difference is the time of
the program itself: it reads its configuration and the corpus, packs its code, and waits for
outputs. Works in a copy of the checkout; creates nothing, and no local cloud runs. Needs a Pulumi
CLI on PATH, or in the cache where set-up puts it.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import yaml

from guardrails.declare import declare
from localcloud.core.home import init_home
from tools import cli, plugins
from tools.environment import path_entries
from tools.paths import Paths, default_paths

ROOT = Path(__file__).resolve().parent.parent
COPIED = (
    "Pulumi.yaml",
    "components",
    "examples",
    "guardrails",
    "infra",
    "localcloud",
    "pluginhost",
    "providers",
    "rag",
    "stack_config",
    "stacks",
    "tools",
    "training",
)
_SECONDS = 600
_BARE = """
import json
from pathlib import Path

import pulumi


class Provider(pulumi.ProviderResource):
    def __init__(self, package, name, inputs):
        version = inputs.pop("version", None)
        super().__init__(package, name, inputs, pulumi.ResourceOptions(version=version))


class Resource(pulumi.CustomResource):
    def __init__(self, token, name, inputs, provider):
        super().__init__(token, name, inputs, pulumi.ResourceOptions(provider=provider))


items = json.loads((Path(__file__).parent / "declared.json").read_text())
providers = {
    item["name"]: Provider(item["name"], item["name"], item["inputs"])
    for item in items
    if item["type"].startswith("pulumi:providers:")
}
for item in items:
    package = item["type"].partition(":")[0]
    if package in providers:
        Resource(item["type"], item["name"], item["inputs"], providers[package])
"""


@dataclass(frozen=True, kw_only=True)
class Project:
    """A folder with a Pulumi project and a stack `local`, and how to preview it."""

    folder: Path
    pulumi: Path
    environment: Mapping[str, str]

    def run(self, *arguments: str) -> None:
        """Run a `pulumi` command.

        Raises:
            SystemExit: The command failed.
        """
        done = subprocess.run(
            [str(self.pulumi), *arguments, "--non-interactive"],
            cwd=self.folder,
            env=dict(self.environment),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
        if done.returncode:
            raise SystemExit(f"pulumi {' '.join(arguments)} failed:\n{done.stdout}{done.stderr}")

    def preview_seconds(self) -> float:
        """Return the wall time of a preview."""
        began = time.perf_counter()
        self.run("preview", "--stack", "local")
        return time.perf_counter() - began


def copy_program(folder: Path) -> None:
    """Copy the parts of the checkout that a preview reads, and link its virtual environment."""
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(source, folder / name)
    (folder / ".venv").symlink_to(ROOT / ".venv")
    stack = yaml.safe_load((folder / "stacks" / "local.template.yaml").read_text())
    stack["config"]["customrag:edge"] = "none"
    (folder / "stacks" / "Pulumi.local.yaml").write_text(yaml.safe_dump(stack))


def write_bare(folder: Path, home: Path) -> int:
    """Write a program that declares the local stack; return the number of its resources."""
    items = [asdict(item) for item in declare("local", config={"edge": "none"}, template=True)]
    for item in items:
        if item["type"] == "pulumi:providers:alicloud":
            # As the program configures its provider.
            item["inputs"]["sharedCredentialsFile"] = str(home / "platform.json")
            item["inputs"]["version"] = plugins.ALICLOUD.version
        if item["type"] == "pulumi:providers:customrag":
            item["inputs"]["version"] = plugins.CUSTOMRAG.version
        if "source" in item["inputs"]:
            item["inputs"]["source"] = __file__
    (folder / "infra").mkdir(parents=True)
    (folder / "infra" / "__main__.py").write_text(_BARE)
    (folder / "infra" / "declared.json").write_text(json.dumps(items))
    (folder / "Pulumi.yaml").write_text(
        "name: customrag\nmain: infra/\n"
        f"runtime:\n  name: python\n  options:\n    virtualenv: {ROOT / '.venv'}\n"
    )
    return len(items)


def _state(project: Path) -> Path:
    """Create the folder of a project's file backend."""
    state = project.with_name(f"{project.name}-state")
    state.mkdir()
    return state


def set_up(folder: Path) -> tuple[Project, Project, int]:
    """Both projects, with the plugins installed; and how many resources they declare."""
    found = default_paths()
    program, bare, home = folder / "customrag", folder / "bare", folder / "home"
    program.mkdir()
    copy_program(program)
    paths = Paths(checkout=program, cache=found.cache)
    tool = cli.find(found)
    if tool is None:
        raise SystemExit("no Pulumi CLI on PATH or in the cache; `make preview` provides one")
    init_home(home)
    environment = {
        **{key: value for key, value in os.environ.items() if not key.startswith("PULUMI_")},
        "CUSTOMRAG_CHECKOUT": str(program),
        "CUSTOMRAG_HOME": str(home),
        "PULUMI_HOME": str(folder / "pulumi"),
        "PULUMI_CONFIG_PASSPHRASE": "of this benchmark only",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        "PATH": os.pathsep.join([*path_entries(paths, tool), os.environ["PATH"]]),
    }
    count = write_bare(bare, home)
    projects = tuple(
        Project(
            folder=place,
            pulumi=tool.path,
            environment={**environment, "PULUMI_BACKEND_URL": _state(place).as_uri()},
        )
        for place in (bare, program)
    )
    for plugin in (plugins.ALICLOUD, plugins.CUSTOMRAG):
        source = folder / "plugins" / plugin.name
        source.mkdir(parents=True)
        executable = source / f"pulumi-resource-{plugin.name}"
        executable.write_text(plugins.launcher(plugin, paths))
        executable.chmod(0o755)
        projects[0].run(
            "plugin", "install", "resource", plugin.name, plugin.version, "--file", str(source)
        )
    return projects[0], projects[1], count


def measure(projects: Mapping[str, Callable[[], float]], rounds: int) -> dict[str, list[float]]:
    """Return the seconds of each, alternating, after one round that only fills caches."""
    seconds: dict[str, list[float]] = {name: [] for name in projects}
    for turn in range(rounds + 1):
        for name, preview in projects.items():
            taken = preview()
            if turn:
                seconds[name].append(taken)
    return seconds


def main() -> int:
    """Measure, print and return the exit status."""
    parser = argparse.ArgumentParser(description="Time a preview beside a bare program's.")
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as folder:
        bare, program, count = set_up(Path(folder))
        for project in (bare, program):
            project.run("stack", "init", "local")
        seconds = measure(
            {"bare": bare.preview_seconds, "customrag": program.preview_seconds}, rounds
        )
    sys.stdout.write(f"{count} resources, {rounds} rounds, {os.cpu_count()} CPUs\n")
    for name, values in seconds.items():
        shown = " ".join(f"{value:.2f}" for value in values)
        sys.stdout.write(f"{name:10} median {statistics.median(values):6.2f} s   ({shown})\n")
    ratio = statistics.median(seconds["customrag"]) / statistics.median(seconds["bare"])
    sys.stdout.write(f"ratio      {ratio:.2f}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
