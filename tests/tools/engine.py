"""A scratch Pulumi project for the engine tests: its program, its plugin, its engine process."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

DEADLINE_SECONDS = 180.0
_HUNG_SECONDS = 1200.0
"""A command of `pulumi` that takes longer hangs. On two cores with a load of 17, quick ones took
more than 120 s."""

PLUGIN = '''
"""A provider whose creates write a file `creating`, then wait for the test's file `release`."""

import asyncio
import os
import sys
from pathlib import Path

from pulumi.provider.experimental import provider as p
from pulumi.provider.experimental.server import main


class Slow(p.Provider):
    def __init__(self):
        self.cancelled = asyncio.Event()

    async def check_config(self, request):
        return p.CheckResponse(inputs=request.new_inputs)

    async def configure(self, request):
        return p.ConfigureResponse(accept_secrets=True, supports_preview=True)

    async def check(self, request):
        return p.CheckResponse(inputs=request.new_inputs)

    async def diff(self, request):
        return p.DiffResponse(changes=request.old_state != request.new_inputs)

    async def create(self, request):
        if request.preview:
            return p.CreateResponse(resource_id="", properties=request.properties)
        folder = Path(request.properties["folder"].value)
        (folder / "creating").write_text(str(os.getpid()))
        while not (folder / "release").exists():
            if self.cancelled.is_set():
                raise RuntimeError("the create was cancelled")
            await asyncio.sleep(0.02)
        return p.CreateResponse(resource_id="thing", properties=request.properties)

    async def delete(self, request):
        return None

    async def cancel(self):
        self.cancelled.set()


main(sys.argv[1:], "0.1.0", Slow())
'''

SLOW_PROGRAM = """
import pulumi


class Thing(pulumi.CustomResource):
    def __init__(self, name, folder):
        super().__init__("slow:index:Thing", name, {"folder": folder})


pulumi.export("thing", Thing("thing", pulumi.Config().require("folder")).id)
"""


def wait_until(condition: Callable[[], bool], what: str) -> None:
    """Poll until a condition holds.

    Raises:
        AssertionError: It does not hold within DEADLINE_SECONDS.
    """
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, f"not within {DEADLINE_SECONDS:.0f} s: {what}"
        time.sleep(0.05)


def is_running(pid: int) -> bool:
    """Return whether a process exists and is not a zombie."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state not in ("Z", "X")


def descendants(pid: int) -> set[int]:
    """Return the children of a process, their children, and so on."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            parents[int(entry.name)] = int(fields[1])
    found: set[int] = set()
    left = [pid]
    while left:
        parent = left.pop()
        children = {child for child, its_parent in parents.items() if its_parent == parent}
        left.extend(children - found)
        found |= children
    return found


@dataclass(frozen=True, kw_only=True)
class Project:
    """A scratch project with one stack, `local`.

    Attributes:
        folder: The folder of Pulumi.yaml.
        pulumi: The CLI's executable.
        environment: Its whole environment.
    """

    folder: Path
    pulumi: str
    environment: dict[str, str]

    def write(self, program: str, *, settings: str = "") -> None:
        """Write the project: a program in infra/, configuration in stacks/."""
        (self.folder / "infra").mkdir(exist_ok=True)
        (self.folder / "stacks").mkdir(exist_ok=True)
        (self.folder / "infra" / "__main__.py").write_text(program)
        environment = Path(sys.prefix)
        (self.folder / "Pulumi.yaml").write_text(
            "name: scratch\nmain: infra/\nstackConfigDir: stacks\n"
            f"runtime:\n  name: python\n  options:\n    virtualenv: {environment}\n{settings}"
        )

    def write_plugin(self) -> str:
        """Write the slow plugin; return the settings that make the project use it."""
        plugin = self.folder / "plugin"
        plugin.mkdir()
        (plugin / "PulumiPlugin.yaml").write_text("runtime: python\n")
        (plugin / "__main__.py").write_text(PLUGIN)
        return "plugins:\n  providers:\n    - {name: slow, path: plugin, version: 0.1.0}\n"

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run one `pulumi` command to its end."""
        return subprocess.run(
            [self.pulumi, *arguments],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=_HUNG_SECONDS,
        )

    def succeed(self, *arguments: str) -> str:
        """Run one command that must succeed, and return its output."""
        done = self.run(*arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def outputs(self) -> dict[str, Any]:
        """Return the stack's outputs."""
        found: dict[str, Any] = json.loads(self.succeed("stack", "output", "--json"))
        return found

    def begin_slow_update(self, folder: Path) -> subprocess.Popen[str]:
        """Start an update of the slow program and wait until its create is in progress."""
        self.succeed("config", "set", "folder", str(folder))
        process = subprocess.Popen(
            [self.pulumi, "up", "--yes", "--skip-preview"],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        marker = folder / "creating"
        wait_until(
            lambda: process.poll() is not None or (marker.exists() and bool(marker.read_text())),
            "the create began",
        )
        assert process.poll() is None, process.communicate()[0]
        return process


def end(process: subprocess.Popen[str]) -> None:
    """Kill an engine that a failed test has left, and its plugins."""
    for pid in [*descendants(process.pid), process.pid]:
        if is_running(pid):
            os.kill(pid, signal.SIGKILL)
    process.communicate()
