"""Where everything of a checkout lives.

Owns the layout: the checkout's own folders and the cache of the machine. Creates nothing.
`CUSTOMRAG_CACHE` and `XDG_CACHE_HOME` are read here only.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path

LOCAL_STACK = "local"
REHEARSAL = "rehearse-"
"""What the name of a rehearsal's stack begins with; the rest is the stack that is rehearsed."""


def is_on_this_machine(stack: str) -> bool:
    """Whether a stack is brought up on this machine: the local one, or a rehearsal."""
    return stack == LOCAL_STACK or stack.startswith(REHEARSAL)


@dataclass(frozen=True, kw_only=True)
class Paths:
    """The files and folders that the tools share.

    Attributes:
        checkout: The folder of Pulumi.yaml.
        cache: What survives `make down`: the built CLI, the engines.
        local_stack: The stack of this machine whose home these paths name: `local`, or a
            rehearsal's, which has everything of its own and so runs beside it.
    """

    checkout: Path
    cache: Path
    local_stack: str = LOCAL_STACK

    def of(self, stack: str) -> Paths:
        """The paths of a stack: of its own for a rehearsal, else these."""
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
        """The git-ignored folder that holds everything of the stacks of this machine."""
        return self.checkout / ".customrag"

    @property
    def home(self) -> Path:
        """The local stack's home."""
        return self.private / self.local_stack

    @property
    def pulumi_home(self) -> Path:
        """PULUMI_HOME of the local stack: its plugins and selected stack, nothing of the user's."""
        return self._shared / "pulumi"

    @property
    def plugin_sources(self) -> Path:
        """The launchers of the plugins, as Pulumi is given them to install."""
        return self._shared / "plugins"

    @property
    def lock(self) -> Path:
        """Held by a command that changes the stack."""
        return self._shared / "lock"

    @property
    def folders(self) -> tuple[Path, ...]:
        """All that is the stack's own, and what its processes run out of."""
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
        """The file backend, as Pulumi is given it.

        Without the files that it keeps beside each of its own: an engine that is killed while it
        writes one leaves it empty, and then no command can read the state (`EOF`).
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
        """The local cloud's own description, made by `localcloud init`."""
        return self.home / "platform.json"

    @property
    def stamps(self) -> Path:
        """What set-up remembers, so that it need not look again."""
        return self.private / "stamps"

    @property
    def logs(self) -> Path:
        """Logs of the set-up's own steps."""
        return self._shared / "setup-logs"

    @property
    def stack_file(self) -> Path:
        """The local stack's configuration; made from the template, ignored by git."""
        return self.checkout / "stacks" / f"Pulumi.{self.local_stack}.yaml"

    @property
    def stack_template(self) -> Path:
        """The values that a local stack starts with."""
        return self.checkout / "stacks" / f"{LOCAL_STACK}.template.yaml"

    @property
    def policy_pack(self) -> Path:
        """What no stack may be, as a policy pack: every update of a cloud stack runs under it."""
        return self.checkout / "guardrails" / "policy"

    @property
    def program_file(self) -> Path:
        """The Pulumi project file."""
        return self.checkout / "Pulumi.yaml"


def default_paths() -> Paths:
    """The paths of the checkout that this file is in."""
    own = os.environ.get("CUSTOMRAG_CACHE")
    base = os.environ.get("XDG_CACHE_HOME")
    cache = Path(own) if own else (Path(base) if base else Path.home() / ".cache") / "customrag"
    return Paths(checkout=Path(__file__).resolve().parents[1], cache=cache.absolute())
