"""The installation of the checkout's three plugins into a PULUMI_HOME.

Owns their launchers and their installation. Does not own the plugins: `localcloud.alicloud` and
`localcloud.cloudflare` belong to the local cloud, `providers` is customrag's own. Prerelease
versions keep a cloud stack from ever using those of the local cloud.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tools.paths import Paths
from tools.progress import StepContext


@dataclass(frozen=True, kw_only=True)
class Plugin:
    """A resource plugin: its name and version for Pulumi, and the module that serves it."""

    name: str
    version: str
    module: str


ALICLOUD = Plugin(name="alicloud", version="4.0.0-local", module="localcloud.alicloud")
CLOUDFLARE = Plugin(name="cloudflare", version="7.0.0-local", module="localcloud.cloudflare")
CUSTOMRAG = Plugin(name="customrag", version="0.1.0", module="providers")


def launcher(plugin: Plugin, paths: Paths) -> str:
    """Return the text of a plugin's executable.

    The plugin runs in the program's folder; -P keeps the program's modules out of it.
    """
    checkout, python = shlex.quote(str(paths.checkout)), shlex.quote(str(paths.python))
    return (
        "#!/bin/sh\n"
        f"PYTHONPATH={checkout}\nexport PYTHONPATH\n"
        f'exec {python} -P -m {plugin.module} "$@"\n'
    )


def installed_path(plugin: Plugin, pulumi_home: Path) -> Path:
    """Return the path where Pulumi keeps the plugin's executable."""
    folder = f"resource-{plugin.name}-v{plugin.version}"
    return pulumi_home / "plugins" / folder / f"pulumi-resource-{plugin.name}"


def provide(
    plugin: Plugin,
    paths: Paths,
    context: StepContext,
    *,
    pulumi: Path,
    pulumi_home: Path,
    environment: Mapping[str, str],
) -> str:
    """Install a plugin whose launcher is missing or has changed; return a note, or "".

    Raises:
        StepError: Pulumi refused it.
    """
    text = launcher(plugin, paths)
    installed = installed_path(plugin, pulumi_home)
    if installed.is_file() and installed.read_text() == text:
        return ""
    folder = paths.plugin_sources / plugin.name
    folder.mkdir(parents=True, exist_ok=True)
    executable = folder / f"pulumi-resource-{plugin.name}"
    executable.write_text(text)
    executable.chmod(0o755)
    context.run(
        [
            pulumi,
            "plugin",
            "install",
            "resource",
            plugin.name,
            plugin.version,
            "--file",
            folder,
            "--reinstall",
        ],
        cwd=folder,
        env=environment,
    )
    return f"installed {plugin.name} {plugin.version}"
