"""The machine of one instance: its files, boot and systemd services, as local processes.

Owns the folder of the instance. The node has no file system: its paths are mapped into the folder,
by substitution in the files that it writes and the commands that it runs. It does not own the list
of instances: ``localcloud.ecs.instances`` does.
"""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from localcloud.core.accounts import unprivileged_prefix
from localcloud.core.machine_image import image_environment
from localcloud.core.mapped_paths import substitute_paths
from localcloud.core.supervisor import ACTIVE, ProcessSpec, Supervisor
from localcloud.ecs import devices, shims
from localcloud.ecs.units import (
    Unit,
    UnitError,
    launcher,
    parse_environment_file,
    parse_unit,
)
from localcloud.ecs.user_data import CloudConfig, FileToWrite
from localcloud.opensearch.package import image_paths

PREFIXES: Final = (
    "/opt/customrag",
    "/etc/customrag",
    "/etc/systemd/system",
    "/var/lib/customrag",
    "/var/log/customrag",
    "/var/cache/customrag",
    "/run/customrag",
)
"""Folders of a node that are mapped as a whole. Other files are mapped one by one."""

_ALIASES: Final = {
    devices.DEVICES: devices.DEVICES,
    "/etc/fstab": "/etc/fstab",
    # The state of a service with DynamicUser=, to which systemd links /var/lib/<name>.
    "/var/lib/private": "/var/lib",
}
"""Other paths of a node that are mapped, and where to."""

_UNITS: Final = "/etc/systemd/system"
_POLL_SECONDS: Final = 0.05


class NodeClosingError(Exception):
    """The daemon is ending; leave everything unchanged."""


@dataclass(kw_only=True)
class Node:
    """The machine of one instance.

    Attributes:
        instance_id: Its instance.
        root: The folder that stands for its file system.
        log_folder: The folder of its logs.
        address: Its private address.
        credentials_uri: The URL that serves the credentials of its role.
        supervisor: Runs its processes.
        enabled: Units that start with the node.
        remember: Stores ``enabled``, which outlives the daemon.
        files: The files of its user data, whose paths are mapped.
        disks: Returns the folder of each attached disk by the disk's id.
        on_loopback: Replaces private addresses in a text with those of this machine.
    """

    instance_id: str
    root: Path
    log_folder: Path
    address: str
    credentials_uri: str
    supervisor: Supervisor
    enabled: frozenset[str]
    remember: Callable[[frozenset[str]], None]
    files: Sequence[FileToWrite] = ()
    disks: Callable[[], Mapping[str, Path]] = dict
    on_loopback: Callable[[str], str] = str
    _real: dict[str, Path] = field(default_factory=dict)

    def __post_init__(self) -> None:
        paths = [*PREFIXES, *(item.path for item in self.files)]
        self._real = {path: self.real(path) for path in paths}
        self._real |= {path: self.real(target) for path, target in _ALIASES.items()}
        self._real |= image_paths()

    @property
    def boot_process(self) -> str:
        """The supervisor's name for the boot script."""
        return f"ecs/{self.instance_id}/cloud-init"

    def map_text(self, text: str) -> str:
        """Return the text with the node's paths and addresses replaced by real ones."""
        return substitute_paths(self.on_loopback(text), self._real)

    def real(self, path: str) -> Path:
        """Return the real path for a path of the node."""
        return self.root / path.lstrip("/")

    def install(self, config: CloudConfig) -> None:
        """Write the files and the boot script; other files stay."""
        for path in PREFIXES:
            self.real(path).mkdir(parents=True, exist_ok=True)
        for item in config.files:
            self._write(item)
        shims.write_shims(self._shims, self._spool, devices.programs(self.root))
        self.plug()
        if config.script:
            script = self._script
            script.parent.mkdir(parents=True, exist_ok=True)
            script.write_text(self.map_text(config.script), encoding="utf-8")
            script.chmod(0o700)

    def plug(self) -> None:
        """Make the attached disks appear, and the others disappear."""
        devices.plug(self.root, self.disks)

    def run_boot_script(self, closing: threading.Event) -> int | None:
        """Run the boot script to its end, or continue to watch one that is already running.

        Returns:
            Its exit code; None if it is not known.

        Raises:
            NodeClosingError: The daemon is ending.
        """
        if not self._script.exists():
            return 0
        status = self.supervisor.status(self.boot_process)
        if status is None or status.state in ("stopped", "failed"):
            environment = self.environment()
            environment["PATH"] = f"{self._shims}:{environment['PATH']}"
            self.supervisor.start(
                ProcessSpec(
                    name=self.boot_process,
                    argv=("/bin/sh", str(self._script)),
                    env=environment,
                    cwd=self.root,
                    log=self.boot_log,
                    restart="never",
                )
            )
        while True:
            shims.answer_requests(self._spool, self.systemctl)
            status = self.supervisor.status(self.boot_process)
            if status is None or status.state not in ACTIVE:
                return status.exit_code if status is not None else None
            if closing.wait(_POLL_SECONDS):
                raise NodeClosingError

    @property
    def boot_log(self) -> Path:
        """The output of the boot."""
        return self.log_folder / "cloud-init-output.log"

    @property
    def _script(self) -> Path:
        return self.real("/var/lib/cloud/instance/scripts/runcmd")

    @property
    def _shims(self) -> Path:
        return self.root / ".local" / "bin"

    @property
    def _spool(self) -> Path:
        return self.root / ".local" / "systemctl"

    def log(self, text: str) -> None:
        """Append a line to the boot log."""
        self.boot_log.parent.mkdir(parents=True, exist_ok=True)
        with self.boot_log.open("a", encoding="utf-8") as file:
            file.write(f"{text}\n")

    def environment(self) -> dict[str, str]:
        """Return the environment of every process of the node."""
        return {
            **image_environment(self.real("/root")),
            "CUSTOMRAG_BIND_HOST": self.address,
            "ALIBABA_CLOUD_CREDENTIALS_URI": self.credentials_uri,
            # pip on a node must not install packages into this machine's interpreter.
            "PIP_NO_INDEX": "1",
        }

    def systemctl(self, arguments: Sequence[str]) -> tuple[int, str]:
        """Run a ``systemctl`` command and return its exit code and output."""
        match arguments:
            case ["daemon-reload"]:
                return 0, ""
            case ["enable", "--now", name] | ["enable", name]:
                unit = name if "." in name else f"{name}.service"
            case _:
                return 1, (
                    f"systemctl {' '.join(arguments)} is not supported by the local cloud; the "
                    "supported commands are daemon-reload and enable [--now] UNIT"
                )
        try:
            self._unit(unit)
            self.enabled |= {unit}
            self.remember(self.enabled)
            if "--now" in arguments:
                self._start(unit)
        except (UnitError, OSError) as error:
            return 1, str(error)
        return 0, ""

    def start_services(self) -> None:
        """Start the enabled units, as a start of the machine does."""
        for name in sorted(self.enabled):
            try:
                self._start(name)
            except (UnitError, OSError) as error:
                self.log(str(error))

    def stop(self) -> None:
        """End every process of the node."""
        for name in self.supervisor.names():
            if name.startswith(f"ecs/{self.instance_id}/"):
                self.supervisor.stop(name)

    def remove(self) -> None:
        """End every process and delete the files of the node."""
        for name in self.supervisor.names():
            if name.startswith(f"ecs/{self.instance_id}/"):
                self.supervisor.forget(name)
        shutil.rmtree(self.root, ignore_errors=True)
        shutil.rmtree(self.log_folder, ignore_errors=True)

    def _write(self, item: FileToWrite) -> None:
        path = self.real(item.path)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(self.map_text(item.content), encoding="utf-8")
        path.chmod(item.mode)

    def _unit(self, name: str) -> Unit:
        path = self.real(f"{_UNITS}/{name}")
        if not path.is_file():
            raise UnitError(f"Unit {name} not found: {_UNITS}/{name} does not exist.")
        return parse_unit(name, path.read_text(encoding="utf-8"))

    def _start(self, name: str) -> None:
        unit = self._unit(name)
        environment = {**self.environment(), **unit.environment}
        for path in unit.environment_files:
            file = Path(path) if path.startswith(str(self.root)) else self.real(path)
            if not file.is_file():
                raise UnitError(f"{name}: EnvironmentFile {path} does not exist")
            environment |= parse_environment_file(file.read_text(encoding="utf-8"))
        # Overrides the unit: a service must not listen on every address of this machine.
        environment["CUSTOMRAG_BIND_HOST"] = self.address
        for folder in unit.directories:
            self.real(folder).mkdir(parents=True, exist_ok=True)
        home = self.real("/root")
        home.mkdir(parents=True, exist_ok=True)
        self.supervisor.start(
            ProcessSpec(
                name=f"ecs/{self.instance_id}/{unit.name.removesuffix('.service')}",
                argv=(
                    *(unprivileged_prefix(self.root) if unit.dynamic_user else ()),
                    *("/bin/sh", "-c", launcher(unit, self.map_text)),
                ),
                env=environment,
                cwd=self._working_directory(unit),
                log=self.log_folder / f"{unit.name.removesuffix('.service')}.log",
                restart=unit.restart,
                max_restarts=unit.max_restarts,
            )
        )

    def _working_directory(self, unit: Unit) -> Path:
        given = unit.working_directory
        folder = Path(given) if given.startswith(str(self.root)) else self.real(given)
        if not folder.is_dir():
            raise UnitError(f"{unit.name}: WorkingDirectory {given} does not exist")
        return folder
