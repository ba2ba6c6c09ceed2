"""The Pulumi CLI: from PATH, from the cache, from the official installer, or built.

Owns finding, fetching and building it, and the launcher of our language host beside a built one.
The module that is built, and how to update it, is in `pulumi_cli/`. Does not run stacks.
"""

from __future__ import annotations

import os
import shlex
import shutil
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tools import prerequisites
from tools.errors import MissingError, StepError
from tools.paths import Paths
from tools.progress import StepContext

VERSION = "3.259.0"
"""The version that is installed or built here, and that the program was tested with."""
MINIMUM = (3, 245, 0)
"""Since 3.238 a failing after-hook fails the update, since 3.244 every provider error reaches the
error hooks. The program's hooks need both. 3.245 is the first release after them."""
HOST_NAME = "pulumi-language-python"
PRINTED = r"v?(\d+)\.(\d+)\.(\d+)"
"""The version that the CLI prints, such as `v3.259.0` or `3.259.0-alpha.1+x`."""
_MODULE = "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"
_VERSION_VARIABLE = "github.com/pulumi/pulumi/sdk/v3/go/common/version.Version"
_INSTALLER = "https://get.pulumi.com"
_FETCH = "import sys, urllib.request as r; r.urlretrieve(sys.argv[1], sys.argv[2])"
_PROBE_SECONDS = 8
_INSTALLER_SECONDS = 180
_BUILD_SECONDS = 3600


@dataclass(frozen=True, kw_only=True)
class Cli:
    """A usable CLI.

    Attributes:
        path: The executable.
        version: Its version.
        brings_host: It comes with its own Python language host.
    """

    path: Path
    version: tuple[int, ...]
    brings_host: bool


def _examine(path: Path) -> Cli | None:
    version = prerequisites.version_of(
        [str(path), "version"], PRINTED, {**os.environ, "PULUMI_SKIP_UPDATE_CHECK": "true"}
    )
    if version is None:
        return None
    host = path.resolve().parent / HOST_NAME
    return Cli(path=path, version=version, brings_host=host.exists())


def cached_path(paths: Paths) -> Path:
    """Return the path of the CLI that set-up installs or builds."""
    return paths.cache / "pulumi" / VERSION / "bin" / "pulumi"


def find(paths: Paths, environment: Mapping[str, str] = os.environ) -> Cli | None:
    """Find a CLI that is new enough: the user's own on PATH first, then the cache's."""
    on_path = shutil.which("pulumi", path=environment.get("PATH"))
    for candidate in (Path(on_path) if on_path else None, cached_path(paths)):
        if candidate is None or not candidate.exists():
            continue
        cli = _examine(candidate)
        if cli is not None and cli.version >= MINIMUM:
            return cli
    return None


def provide(paths: Paths, context: StepContext) -> str:
    """Provide a usable CLI; return a note, or "" if it was there.

    Raises:
        StepError: The build failed.
        MissingError: The installer cannot be reached, and there is no Go that can build it.
    """
    found = find(paths)
    if found is not None:
        if found.path == cached_path(paths):
            write_host(found.path.parent, paths, only_if_built=True)
        return ""
    target = cached_path(paths).parent.parent
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".new-", dir=target.parent) as scratch:
        new = Path(scratch) / "pulumi"
        if _install_official(new, context):
            note = f"installed {VERSION}"
        else:
            _build(new, context)
            note = f"built {VERSION} from its Go module"
        if _examine(new / "bin" / "pulumi") is None:
            raise StepError(context.name, "the new CLI does not print its version", context.log)
        shutil.rmtree(target, ignore_errors=True)
        new.rename(target)
    write_host(target / "bin", paths, only_if_built=True)
    return note


def _install_official(target: Path, context: StepContext) -> bool:
    """Try the official installer; return False soon if it cannot be reached."""
    script = target.with_suffix(".sh")
    try:
        context.run(
            [sys.executable, "-c", _FETCH, _INSTALLER, script], timeout_seconds=_PROBE_SECONDS
        )
        context.run(
            ["sh", script, "--version", VERSION, "--install-root", target, "--no-edit-path"],
            timeout_seconds=_INSTALLER_SECONDS,
        )
    except StepError as error:
        context.say(f"the official installer cannot be used: {error.args[0].splitlines()[0]}")
        shutil.rmtree(target, ignore_errors=True)
        return False
    return (target / "bin" / "pulumi").exists()


def _build(target: Path, context: StepContext) -> None:
    if not prerequisites.go_is_new_enough():
        raise MissingError(
            f"there is no Pulumi CLI {'.'.join(map(str, MINIMUM))} or newer on PATH, its installer "
            f"at {_INSTALLER} cannot be reached, and there is no Go 1.{prerequisites.GO_MINOR} or "
            "newer to build it. Provide any one of the three (for Go, unpack it anywhere and add "
            "it to PATH: https://go.dev/doc/install)"
        )
    module = target.parent / "module"
    shutil.copytree(Path(__file__).with_name("pulumi_cli"), module)
    context.run(
        [
            "go",
            "build",
            "-v",
            "-mod=readonly",
            "-trimpath",
            f"-ldflags=-s -w -X {_VERSION_VARIABLE}=v{VERSION}",
            "-o",
            target / "bin" / "pulumi",
            _MODULE,
        ],
        cwd=module,
        env={**os.environ, "GOWORK": "off", "GOFLAGS": "-buildvcs=false"},
        timeout_seconds=_BUILD_SECONDS,
    )


def host_launcher(paths: Paths) -> str:
    """Return the text of the launcher, which starts the host of the current checkout.

    All checkouts of a machine share the launcher, so it looks for the checkout that uses it.
    """
    return f"""#!/bin/sh
# Starts the Python language host of the checkout whose program runs.
root=${{CUSTOMRAG_CHECKOUT:-$PWD}}
while [ "$root" != / ] && [ ! -f "$root/tools/language_host/__main__.py" ]; do
  root=$(dirname "$root")
done
[ "$root" != / ] || root={shlex.quote(str(paths.checkout))}
exec "$root/.venv/bin/python" "$root/tools/language_host/__main__.py" "$@"
"""


def write_host(folder: Path, paths: Paths, *, only_if_built: bool = False) -> Path:
    """Write the launcher of our language host into a folder.

    Args:
        folder: The folder; created if missing.
        paths: The checkout.
        only_if_built: Leave an official host alone, which is not our launcher.
    """
    launcher = folder / HOST_NAME
    text = host_launcher(paths)
    if launcher.exists():
        with launcher.open("rb") as existing:
            is_script = existing.read(2) == b"#!"
        if only_if_built and not is_script:
            return launcher
        if is_script and launcher.read_text() == text:
            return launcher
    folder.mkdir(parents=True, exist_ok=True)
    fresh = launcher.with_suffix(".new")
    fresh.write_text(text)
    fresh.chmod(0o755)
    fresh.replace(launcher)
    return launcher
