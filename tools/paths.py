"""The paths of a checkout.

Owns the layout: the checkout's own folders and the cache of the machine. Creates nothing.
`CUSTOMRAG_CACHE` and `XDG_CACHE_HOME` are read here only.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path

LOCAL_STACK = "local"
REHEARSAL = "rehearse-"
"""Prefix of the name of a rehearsal's stack; the rest is the rehearsed stack."""


def is_on_this_machine(stack: str) -> bool:
    """Whether a stack runs on this machine: the local one, or a rehearsal."""
    return stack == LOCAL_STACK or stack.startswith(REHEARSAL)


@dataclass(frozen=True, kw_only=True)
class Paths:
    """The files and folders that the tools share.

    Attributes:
        checkout: The folder of Pulumi.yaml.
        cache: The folder that survives `make down`, with the built CLI and the engines.
        local_stack: The stack on this machine that these paths belong to: `local`, or a rehearsal,
            which has its own folders and so runs beside it.
    """

    checkout: Path
    cache: Path
    local_stack: str = LOCAL_STACK

    def of(self, stack: str) -> Paths:
        """Return the paths of a stack: its own for a rehearsal, otherwise these."""
        return replace(self, local_stack=stack) if stack.startswith(REHEARSAL) else self

    @property
    def _is_rehearsal(self) -> bool:
        return self.local_stack != LOCAL_STACK

    @property
    def _shared(self) -> Path:
        return self.home if self._is_rehearsal else self.private

    @property
    def venv(self) -> Path:
        """The checkout's virtual environment."""
        return self.checkout / ".venv"

    @property
    def python(self) -> Path:
        """The virtual environment's interpreter."""
        return self.venv / "bin" / "python"

    @property
    def lock_file(self) -> Path:
        """The pinned dependencies."""
        return self.checkout / "requirements.lock"

    @property
    def private(self) -> Path:
        """The git-ignored folder with all files of the stacks on this machine."""
        return self.checkout / ".customrag"

    @property
    def home(self) -> Path:
        """The local stack's home."""
        return self.private / self.local_stack

    @property
    def pulumi_home(self) -> Path:
        """PULUMI_HOME of the local stack: its plugins and selected stack, apart from the user's."""
        return self._shared / "pulumi"

    @property
    def plugin_sources(self) -> Path:
        """The launchers of the plugins, which Pulumi installs."""
        return self._shared / "plugins"

    @property
    def lock(self) -> Path:
        """The lock file that a command holds while it changes the stack."""
        return self._shared / "lock"

    @property
    def folders(self) -> tuple[Path, ...]:
        """The stack's own folders, which its processes run in."""
        if self._is_rehearsal:
            return (self.home,)
        shared = (self.plugin_sources, self.private / "eval", self.logs)
        return (self.home, self.pulumi_home, *shared)

    @property
    def state(self) -> Path:
        """The local stack's file backend."""
        return self.home / "state"

    @property
    def backend_url(self) -> str:
        """The URL of the file backend.

        It turns off the metadata files, because an engine that is killed while it writes one leaves
        it empty, and then no command can read the state (`EOF`).
        """
        return f"{self.state.as_uri()}?metadata=skip"

    @property
    def passphrase(self) -> Path:
        """The file with the local stack's passphrase."""
        return self.home / "passphrase"

    @property
    def env_file(self) -> Path:
        """The shell file to source before plain `pulumi` commands."""
        return self.home / "env"

    @property
    def platform_file(self) -> Path:
        """The local cloud's own description, created by `localcloud init`."""
        return self.home / "platform.json"

    @property
    def logs(self) -> Path:
        """Logs of the set-up's own steps."""
        return self._shared / "setup-logs"

    @property
    def stack_file(self) -> Path:
        """The local stack's configuration, created from the template and ignored by git."""
        return self.checkout / "stacks" / f"Pulumi.{self.local_stack}.yaml"

    @property
    def stack_template(self) -> Path:
        """The values that a local stack starts with."""
        return self.checkout / "stacks" / f"{LOCAL_STACK}.template.yaml"

    @property
    def program_file(self) -> Path:
        """The Pulumi project file."""
        return self.checkout / "Pulumi.yaml"


def default_paths() -> Paths:
    """Return the paths of the checkout that contains this file."""
    own = os.environ.get("CUSTOMRAG_CACHE")
    base = os.environ.get("XDG_CACHE_HOME")
    cache = Path(own) if own else (Path(base) if base else Path.home() / ".cache") / "customrag"
    return Paths(checkout=Path(__file__).resolve().parents[1], cache=cache.absolute())
