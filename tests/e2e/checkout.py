"""A private copy of the working tree, and the commands that its user would type there.

Owns copying, running `make` and `pulumi` with time limits, and finding the files and processes of
a copy. Copies share the virtual environment and the cache with the tested checkout; each has its
own state, plugins, ports and processes.
"""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from localcloud.core.home import Platform, load_platform
from tools.paths import Paths

POLL_SECONDS = 0.1
_DOWN_SECONDS = 900.0
_TAIL_LINES = 60
_SERVICE_TAIL_LINES = 15
# The tested `make` must not get the settings of the `make test` around it.
_NOT_PASSED_ON = (
    "PULUMI_",
    "MAKE",
    "MFLAGS",
    "CUSTOMRAG_",
    "ALIBABA_CLOUD_",
    "ALICLOUD_",
    "PYTEST",
)


def tail(text: str, lines: int = _TAIL_LINES) -> str:
    """Return the last lines of a text."""
    return "\n".join(text.splitlines()[-lines:])


def wait_until(condition: Callable[[], bool], what: str, timeout_seconds: float) -> None:
    """Poll until a condition holds.

    Raises:
        AssertionError: It does not hold in time.
    """
    deadline = time.monotonic() + timeout_seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {timeout_seconds:.0f} s: {what}"
        time.sleep(POLL_SECONDS)


@dataclass(frozen=True, kw_only=True)
class Finished:
    """A command that has ended.

    Attributes:
        command: Its words.
        code: Its exit code, or minus the signal.
        output: All its output.
        seconds: How long it ran.
    """

    command: tuple[str, ...]
    code: int
    output: str
    seconds: float

    @property
    def words(self) -> str:
        """The output without line breaks, which depend on the width of the terminal."""
        return " ".join(self.output.split())

    def check(self) -> Finished:
        """Return the command if it succeeded.

        Raises:
            AssertionError: It failed; with the end of its output.
        """
        assert self.code == 0, f"{self}\n{tail(self.output)}"
        return self

    def __str__(self) -> str:
        words = shlex.join(self.command)
        return f"`{words}` ended with code {self.code} after {self.seconds:.0f} s"


@dataclass
class Running:
    """A running command, in its own session, with its output in a file.

    Attributes:
        command: Its words.
        process: The process.
        log: The file with its output.
        deadline: When it must have ended, by `time.monotonic`.
    """

    command: tuple[str, ...]
    process: subprocess.Popen[bytes]
    log: Path
    deadline: float
    began: float = field(default_factory=time.monotonic)

    def output(self) -> str:
        """Return the output so far."""
        return self.log.read_text(encoding="utf-8", errors="replace")

    def wait(self) -> Finished:
        """Wait until the command ends.

        Raises:
            AssertionError: It took too long and was killed.
        """
        try:
            code = self.process.wait(max(0.0, self.deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(
                f"`{shlex.join(self.command)}` did not end in time; its output ends:\n"
                f"{tail(self.output())}"
            ) from None
        return Finished(
            command=self.command,
            code=code,
            output=self.output(),
            seconds=time.monotonic() - self.began,
        )

    def until(self, condition: Callable[[], bool], what: str) -> None:
        """Poll until a condition holds while the command runs.

        Raises:
            AssertionError: The command ended or reached its deadline first.
        """
        while not condition():
            if self.process.poll() is not None:
                raise AssertionError(f"{self.wait()}, and never: {what}\n{tail(self.output())}")
            if time.monotonic() > self.deadline:
                self.kill()
                raise AssertionError(f"not in time: {what}\n{tail(self.output())}")
            time.sleep(POLL_SECONDS)

    def kill(self) -> None:
        """Kill every process of its session."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


@dataclass(frozen=True, kw_only=True)
class Checkout:
    """A private copy of the working tree.

    Attributes:
        paths: Its files and folders.
        corpus: The corpus for its stack.
        outputs: The folder for the output of commands.
        path: PATH of its commands.
        started: The commands started so far.
    """

    paths: Paths
    corpus: Path
    outputs: Path
    path: str
    started: list[Running] = field(default_factory=list)

    @property
    def folder(self) -> Path:
        """The copy's folder."""
        return self.paths.checkout

    def environment(self) -> dict[str, str]:
        """Return the environment of a user who has set only the cache."""
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(_NOT_PASSED_ON) and name not in ("CORPUS", "STACK", "Q", "ARGS")
        }
        return {
            **kept,
            "PATH": self.path,
            "CUSTOMRAG_CACHE": str(self.paths.cache),
        }

    def start(
        self,
        *command: str,
        timeout_seconds: float,
        environment: Mapping[str, str] | None = None,
    ) -> Running:
        """Start a command in the checkout, with additional environment variables."""
        log = self.outputs / f"{len(self.started):02d}.log"
        with log.open("wb") as stream:
            process = subprocess.Popen(
                command,
                cwd=self.folder,
                env={**self.environment(), **(environment or {})},
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        deadline = time.monotonic() + timeout_seconds
        running = Running(command=command, process=process, log=log, deadline=deadline)
        self.started.append(running)
        return running

    def start_make(self, target: str, *, timeout_seconds: float, **variables: str) -> Running:
        """Start `make TARGET NAME=value …`."""
        settings = {"PYTHON": sys.executable, **variables}
        words = [f"{name}={value}" for name, value in settings.items()]
        return self.start("make", target, *words, timeout_seconds=timeout_seconds)

    def make(self, target: str, *, timeout_seconds: float = 600.0, **variables: str) -> Finished:
        """Run `make TARGET NAME=value …`; does not check the exit code."""
        return self.start_make(target, timeout_seconds=timeout_seconds, **variables).wait()

    def start_up(self, *, timeout_seconds: float) -> Running:
        """Start `make up` with the corpus."""
        return self.start_make("up", CORPUS=str(self.corpus), timeout_seconds=timeout_seconds)

    def pulumi(
        self, *arguments: str, timeout_seconds: float = 900.0, first_on_path: Path | None = None
    ) -> Finished:
        """Run a `pulumi` command with the stack's env file; does not check the exit code."""
        script = '. "$1" && PATH="${0:+$0:}$PATH" && shift && exec pulumi "$@"'
        return self.start(
            *("sh", "-c", script, str(first_on_path or ""), str(self.paths.env_file), *arguments),
            timeout_seconds=timeout_seconds,
        ).wait()

    def platform(self) -> Platform:
        """Return the platform file of the local cloud."""
        return load_platform(self.paths.home)

    def processes(self) -> list[psutil.Process]:
        """Return the processes that name the checkout in their words, directory or environment."""
        mark = str(self.folder)
        ours = {os.getpid(), *(parent.pid for parent in psutil.Process().parents())}
        return [
            process
            for process in psutil.process_iter()
            if process.pid not in ours and names_folder(process, mark)
        ]

    def engine(self) -> psutil.Process:
        """Return the one `pulumi up` process of the checkout.

        Raises:
            AssertionError: There is not exactly one.
        """
        found = [
            process
            for process in self.processes()
            if Path((words_of(process) or [""])[0]).name == "pulumi" and "up" in words_of(process)
        ]
        assert len(found) == 1, found
        return found[0]

    def running(self, word: str, **environment: str) -> list[psutil.Process]:
        """Return its processes with a word in their command, and with these variables."""
        found = []
        for process in self.processes():
            with suppress(psutil.Error):
                present = process.environ() if environment else {}
                if word in words_of(process) and environment.items() <= present.items():
                    found.append(process)
        return found

    def engine_children(self) -> list[psutil.Process]:
        """Return the running language host, program and plugins of the engine."""
        marks = ("localcloud.alicloud", "providers", "pulumi")
        return [
            process
            for process in self.processes()
            if any(word in marks or "language_host" in word for word in words_of(process))
        ]

    def files(self) -> set[str]:
        """Return every file and link of the checkout, relative to it, without Python's bytecode."""
        found: set[str] = set()
        for folder, folders, files in os.walk(self.folder):
            links = [name for name in folders if (Path(folder) / name).is_symlink()]
            folders[:] = [name for name in folders if name not in [*links, "__pycache__"]]
            found |= {str((Path(folder) / name).relative_to(self.folder)) for name in files + links}
        return found

    def logs(self) -> str:
        """Return the end of every log: of the commands, then of the local cloud's services."""
        services = sorted(self.paths.home.glob("logs/**/*.log"))
        commands = sorted(self.outputs.iterdir())[-2:]
        parts = []
        for path, lines in [
            *((path, _TAIL_LINES) for path in commands),
            *((path, _SERVICE_TAIL_LINES) for path in services),
        ]:
            text = path.read_text(encoding="utf-8", errors="replace")
            parts.append(f"--- {path.name}\n{tail(text, lines)}")
        return "\n".join(parts)

    def end(self) -> None:
        """Kill the commands of a failed test, then run `make down`.

        Raises:
            AssertionError: `make down` failed, or left a process.
        """
        for running in self.started:
            if running.process.poll() is None:
                running.kill()
        try:
            self.make("down", timeout_seconds=_DOWN_SECONDS).check()
            left = [_described(process) for process in self.processes()]
            assert not left, f"`make down` left running: {left}"
        finally:
            for process in self.processes():
                with suppress(psutil.NoSuchProcess):
                    process.kill()


def names_folder(process: psutil.Process, folder: str) -> bool:
    """Return whether a process names a folder in its words, directory or environment."""
    try:
        if process.status() == psutil.STATUS_ZOMBIE:
            return False
        words = [*process.cmdline(), process.cwd(), *process.environ().values()]
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return False
    return any(folder in word for word in words)


def words_of(process: psutil.Process) -> list[str]:
    """Return a process' command line; empty if it has ended."""
    with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
        return process.cmdline()
    return []


def _described(process: psutil.Process) -> str:
    try:
        return f"{process.pid} {shlex.join(process.cmdline())[:200]}"
    except psutil.NoSuchProcess:
        return f"{process.pid} (gone)"


def copy_working_tree(source: Path, target: Path) -> None:
    """Copy the files that git does not ignore, and link to the installed packages."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=source,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in filter(None, listed.stdout.split("\0")):
        # git also lists a file whose removal is not committed yet.
        if (source / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source / name, target / name)
    for installed in (".venv", "edge/node_modules", "edge/dist"):
        if (source / installed).is_dir():
            (target / installed).symlink_to(source / installed)


def add_configuration(checkout: Checkout, values: Mapping[str, str]) -> None:
    """Replace or add configuration values in the template of the local stack."""
    template = checkout.paths.stack_template
    keys = tuple(f"  customrag:{name}:" for name in values)
    text = template.read_text(encoding="utf-8").splitlines(keepends=True)
    lines = [line for line in text if not line.startswith(keys)]
    lines += [f'  customrag:{name}: "{value}"\n' for name, value in values.items()]
    template.write_text("".join(lines), encoding="utf-8")
