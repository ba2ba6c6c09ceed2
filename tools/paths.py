"""Where everything of a checkout lives.

Owns the layout: the checkout's own folders and the cache of the machine. Creates nothing.
`CUSTOMRAG_CACHE` and `XDG_CACHE_HOME` are read here only.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

LOCAL_STACK = "local"


@dataclass(frozen=True, kw_only=True)
class Paths:
    """The files and folders that the tools share.

    Attributes:
        checkout: The folder of Pulumi.yaml.
        cache: What survives `make down`: the built CLI, the engines.
    """

    checkout: Path
    cache: Path

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
        """The git-ignored folder that holds everything of the local stack."""
        return self.checkout / ".customrag"

    @property
    def home(self) -> Path:
        """The local stack's home."""
        return self.private / LOCAL_STACK

    @property
    def pulumi_home(self) -> Path:
        """PULUMI_HOME of the local stack: its plugins and selected stack, nothing of the user's."""
        return self.private / "pulumi"

    @property
    def state(self) -> Path:
        """The local stack's file backend."""
        return self.home / "state"

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
        return self.private / "setup-logs"

    @property
    def stack_file(self) -> Path:
        """The local stack's configuration; made from the template, ignored by git."""
        return self.checkout / "stacks" / f"Pulumi.{LOCAL_STACK}.yaml"

    @property
    def stack_template(self) -> Path:
        """The values that a local stack starts with."""
        return self.checkout / "stacks" / f"{LOCAL_STACK}.template.yaml"

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
