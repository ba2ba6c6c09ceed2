"""The user data of a service node. Pure: builds text from plain values.

Owns: the files and commands for cloud-init. Does not own: the instance (`components.nodes.node`).
Format: cloud-init's `write_files` and `runcmd` (https://cloudinit.readthedocs.io). `set -e` stops
the script at the first command that fails.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import PurePosixPath
from urllib.parse import urlsplit

import jinja2

__all__ = [
    "CODE_DIRECTORY",
    "USER_DATA_LIMIT_BYTES",
    "LogAgent",
    "MountedDisk",
    "check_mount_path",
    "render_user_data",
]

CODE_DIRECTORY = "/opt/customrag/code"
# Before Base64. Assumed: the lower of the limits (16 and 32 KB) ECS has had; the text needs 13 KB.
USER_DATA_LIMIT_BYTES = 16 * 1024
# Imports of the bootstrap, added to the service's own requirements.
_BOOTSTRAP_REQUIREMENTS = ("oss2", "alibabacloud-credentials")
_REQUIREMENTS_PATH = "/etc/customrag/requirements.txt"
_SERVICE_NAME = re.compile(r"[a-z][a-z0-9-]{0,30}")
_MODULE = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_CODE_URI = re.compile(r"oss://[a-z0-9][a-z0-9-]{1,61}[a-z0-9]/[^?#\s]*-[0-9a-f]{12,64}\.zip")
_IDENTITY = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,127}")
_ACCOUNT_ID = re.compile(r"\d{16}")
_URL = re.compile(r"https?://[A-Za-z0-9./:_-]+")
_STATE_DIRECTORY = "/var/lib/customrag"
# systemd keeps the state of a service with DynamicUser= here, and makes the path above a link. Its
# mount units accept no links: https://www.freedesktop.org/software/systemd/man/systemd.exec.html
# and systemd.mount.html, read 2026-11-30.
_PRIVATE_STATE_DIRECTORY = "/var/lib/private/customrag"
_MOUNT_PATH = re.compile(rf"{_STATE_DIRECTORY}(/[a-z0-9][a-z0-9_.-]*)*")
# Looser than the cloud's ids, because an estimate of the stack has placeholders for them.
_DISK_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_OWN_VARIABLES = frozenset({"CUSTOMRAG_BIND_HOST", "CUSTOMRAG_PORT", "PYTHONPATH", "HOME"})


@dataclass(frozen=True, kw_only=True)
class LogAgent:
    """The agent that sends the node's journal to Simple Log Service.

    Source: https://www.alibabacloud.com/help/en/sls/loongcollector-management-linux and
    .../sls/host-text-log-collection-auto-install, read 2026-11-21.

    Attributes:
        identity: User-defined identity of the machine group to which the node belongs.
        account_id: Account that owns the log project, 16 digits.
        installer_url: URL of the agent's installer, which the node must be able to reach.
    """

    identity: str
    account_id: str
    installer_url: str

    def __post_init__(self) -> None:
        for name, pattern in (
            ("identity", _IDENTITY),
            ("account_id", _ACCOUNT_ID),
            ("installer_url", _URL),
        ):
            value = getattr(self, name)
            if not pattern.fullmatch(value):
                raise ValueError(f"log_agent.{name} is {value!r}; it must match {pattern.pattern}")


@dataclass(frozen=True, kw_only=True)
class MountedDisk:
    """A data disk as the node finds it.

    The disk's serial number is its id without `d-`, and udev names the device after it:
    `virtio-<serial>`, or `nvme-Alibaba_Cloud_Elastic_Block_Storage_<serial>` on NVMe families.
    Source: https://www.alibabacloud.com/help/en/ecs/user-guide/query-the-serial-number-of-a-disk
    and pkg/disk of https://github.com/kubernetes-sigs/alibaba-cloud-csi-driver, read 2026-11-30.

    Attributes:
        disk_id: `d-` and the serial number.
        path: Where the service finds it, `/var/lib/customrag` or a folder below it.
    """

    disk_id: str
    path: str

    def __post_init__(self) -> None:
        check_mount_path(self.path)
        if not _DISK_ID.fullmatch(self.disk_id):
            raise ValueError(f"disk_id is {self.disk_id!r}; it must match {_DISK_ID.pattern}")

    @property
    def serial(self) -> str:
        """The serial number."""
        return self.disk_id.removeprefix("d-")

    @property
    def mount_point(self) -> str:
        """The path without links that the node mounts it at."""
        return _PRIVATE_STATE_DIRECTORY + self.path.removeprefix(_STATE_DIRECTORY)


def check_mount_path(path: str) -> None:
    """Raise ValueError unless a disk can be mounted at a path of the service's state."""
    if not _MOUNT_PATH.fullmatch(path):
        raise ValueError(
            f"mount_path is {path!r}; it must be {_STATE_DIRECTORY} or a folder below it, because "
            "the service can write nowhere else"
        )


def render_user_data(
    *,
    service_name: str,
    module: str,
    port: int,
    environment: Mapping[str, str],
    code_uri: str,
    oss_endpoint: str,
    region_id: str,
    requirements: Sequence[str] = (),
    packages: Sequence[str] = (),
    log_agent: LogAgent | None = None,
    data_disk: MountedDisk | None = None,
) -> str:
    """Return the `#cloud-config` of a node that runs one Python module as a systemd service.

    Args:
        service_name: Name in the unit `customrag-<service_name>.service`.
        module: Module in the zip that `python3 -m` runs.
        port: TCP port, passed as `CUSTOMRAG_PORT`.
        environment: Settings of the service, without secrets, because the node's users can read
            user data.
        code_uri: `oss://bucket/.../<name>-<digits of its SHA-256>.zip`.
        oss_endpoint: URL of OSS for the node.
        region_id: Region of the bucket.
        requirements: pip requirements of the service; the bootstrap installs missing ones.
        packages: Packages of the operating system that the service needs.
        log_agent: Agent that sends the node's journal to the log service. None: it stays on the
            node.
        data_disk: Disk that is mounted before the service starts. None: the state is on the system
            disk.

    Returns:
        YAML text, the same for the same arguments.

    Raises:
        ValueError: An argument would produce a file that is not valid or not safe, or the text is
            too long.
    """
    _check(service_name, module, port, environment, code_uri)
    variables = {
        "CUSTOMRAG_OSS_ENDPOINT": oss_endpoint,
        "CUSTOMRAG_REGION_ID": region_id,
        **environment,
        "CUSTOMRAG_PORT": str(port),
    }
    text = _template().render(
        service_name=service_name,
        unit_name=f"customrag-{service_name}.service",
        module=module,
        code_uri=code_uri,
        code_path=f"{CODE_DIRECTORY}/{PurePosixPath(urlsplit(code_uri).path).name}",
        bootstrap=_source("bootstrap.py").strip(),
        requirements_text="".join(
            f"{line}\n" for line in sorted({*_BOOTSTRAP_REQUIREMENTS, *requirements})
        ),
        environment_text="".join(f"{key}={_quote(variables[key])}\n" for key in sorted(variables)),
        log_agent=log_agent,
        log_agent_script=_source("log-agent.sh").strip(),
        data_disk=data_disk,
        mount_script=_source("mount-disk.sh").strip(),
        packages=["python3-pip", *packages],
        region_id=region_id,
        bootstrap_command=[
            *("python3", "/opt/customrag/bootstrap.py", "--code-uri", code_uri),
            *("--oss-endpoint", oss_endpoint, "--region-id", region_id),
            *("--directory", CODE_DIRECTORY, "--requirements", _REQUIREMENTS_PATH),
        ],
    )
    size = len(text.encode())
    if size > USER_DATA_LIMIT_BYTES:
        raise ValueError(
            f"the user data of {service_name!r} has {size} bytes, but ECS allows at most "
            f"{USER_DATA_LIMIT_BYTES}; move long settings into an object in OSS"
        )
    return text


def _check(
    service_name: str, module: str, port: int, environment: Mapping[str, str], code_uri: str
) -> None:
    if not _SERVICE_NAME.fullmatch(service_name):
        raise ValueError(
            f"service.name is {service_name!r}; it must have 1 to 31 lower-case letters, digits "
            "and hyphens, and begin with a letter"
        )
    if not _MODULE.fullmatch(module):
        raise ValueError(
            f"service.module is {module!r}; it must be a module name such as rag.serving"
        )
    if not 1024 <= port <= 65535:
        raise ValueError(f"service.port is {port}; it must be 1024 to 65535")
    if not _CODE_URI.fullmatch(code_uri):
        raise ValueError(
            f"code_uri is {code_uri!r}; it must be oss://<bucket>/<path>-<12 to 64 hexadecimal "
            "digits of its SHA-256>.zip"
        )
    for key, value in environment.items():
        if not _VARIABLE.fullmatch(key):
            raise ValueError(f"service.environment has {key!r}, which is not a valid variable name")
        if key in _OWN_VARIABLES:
            raise ValueError(
                f"service.environment has {key}, which the node sets itself; remove it"
            )
        if any(character in value for character in "\n\r\0"):
            raise ValueError(
                f"service.environment[{key!r}] has a line break; a value must be on one line"
            )


def _quote(value: str) -> str:
    """Quote a value for a systemd EnvironmentFile (systemd.exec(5))."""
    return '"' + re.sub(r'([\\"`$])', r"\\\1", value) + '"'


def _source(file_name: str) -> str:
    return resources.files("components.nodes").joinpath(file_name).read_text(encoding="utf-8")


def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        undefined=jinja2.StrictUndefined,
        autoescape=False,  # noqa: S701  (YAML, not HTML; values go through tojson)
        keep_trailing_newline=True,
    )
    environment.policies["json.dumps_kwargs"] = {"sort_keys": False, "ensure_ascii": False}
    return environment.from_string(_source("cloud-init.yaml.j2"))
