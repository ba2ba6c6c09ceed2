"""The environment of a stack's `pulumi` commands, and the shell file with it for the user.

Owns which variables a local stack needs. Holds no secret: a variable has the path of the
passphrase.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from pathlib import Path

from tools.cli import Cli, write_host
from tools.paths import Paths


def stack_variables(paths: Paths, stack: str, cli: Cli) -> dict[str, str]:
    """Return the variables for one stack, without PATH.

    A cloud stack keeps the user's own Pulumi settings: its backend, login and plugins.
    """
    own = {"CUSTOMRAG_CHECKOUT": str(paths.checkout), "PULUMI_SKIP_UPDATE_CHECK": "true"}
    if stack != paths.local_stack:
        return own
    return {
        **own,
        "CUSTOMRAG_HOME": str(paths.home),
        "PULUMI_HOME": str(paths.pulumi_home),
        "PULUMI_BACKEND_URL": paths.backend_url,
        "PULUMI_CONFIG_PASSPHRASE_FILE": str(paths.passphrase),
        # A stack file that was deleted or rewritten gets its salt back from the state.
        "PULUMI_FALLBACK_TO_STATE_SECRETS_MANAGER": "true",
        # An official CLI would fetch the cloud's plugins, which a local stack must not have.
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        # Pulumi would use a plugin on PATH whatever its version: the cloud's for a local stack.
        "PULUMI_IGNORE_AMBIENT_PLUGINS": "true",
    }


def path_entries(paths: Paths, cli: Cli, stack: str = "") -> list[str]:
    """Return the folders that go before the user's PATH.

    A CLI without a language host gets ours: in a local stack as a plugin, because Pulumi ignores
    PATH there, otherwise on PATH.
    """
    entries = [str(cli.path.parent)]
    if not cli.brings_host:
        if stack == paths.local_stack:
            write_host(host_folder(paths, cli), paths)
        else:
            entries.insert(0, str(write_host(paths.pulumi_home / "bin", paths).parent))
    return [*entries, str(paths.venv / "bin")]


def host_folder(paths: Paths, cli: Cli) -> Path:
    """Return the folder where the engine looks for the local stack's language host."""
    version = ".".join(map(str, cli.version))
    return paths.pulumi_home / "plugins" / f"language-python-v{version}"


def command_environment(
    paths: Paths, stack: str, cli: Cli, base: Mapping[str, str] = os.environ
) -> dict[str, str]:
    """Return the whole environment for a `pulumi` command."""
    environment = {**base, **stack_variables(paths, stack, cli)}
    environment["PATH"] = os.pathsep.join([*path_entries(paths, cli, stack), base.get("PATH", "")])
    if stack == paths.local_stack:
        # It would take precedence over the file.
        environment.pop("PULUMI_CONFIG_PASSPHRASE", None)
    return environment


def exports(paths: Paths, stack: str, cli: Cli) -> str:
    """Return the shell code that sets the environment for plain `pulumi` commands on a stack."""
    lines = [
        f"export {name}={shlex.quote(value)}"
        for name, value in stack_variables(paths, stack, cli).items()
    ]
    if stack == paths.local_stack:
        lines.append("unset PULUMI_CONFIG_PASSPHRASE")
    entries = os.pathsep.join(path_entries(paths, cli, stack))
    lines.append(f'export PATH={shlex.quote(entries)}{os.pathsep}"$PATH"')
    return "\n".join(lines) + "\n"


def env_file_text(paths: Paths, cli: Cli) -> str:
    """Return the text of the local stack's shell file."""
    return (
        "# Created by set-up. Source this file, then run plain pulumi commands, such as\n"
        "#   pulumi preview --stack local --expect-no-changes\n"
    ) + exports(paths, paths.local_stack, cli)


def write_env_file(paths: Paths, cli: Cli) -> None:
    """Write the shell file, if it is missing or out of date."""
    text = env_file_text(paths, cli)
    if not paths.env_file.is_file() or paths.env_file.read_text() != text:
        paths.env_file.parent.mkdir(parents=True, exist_ok=True)
        paths.env_file.write_text(text)
