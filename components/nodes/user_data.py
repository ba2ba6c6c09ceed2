"""The user data of a service node: pure text, made from plain values.

Owns: what cloud-init writes and runs. Does not own: the instance (`components.nodes.node`).
Format: cloud-init's `write_files` and `runcmd` (https://cloudinit.readthedocs.io); `set -e` ends
its script at the first command that fails.
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
    "render_user_data",
]

CODE_DIRECTORY = "/opt/customrag/code"
# Before Base64. Assumed: the lower of the limits (16 and 32 KB) ECS has had; the text needs 10 KB.
USER_DATA_LIMIT_BYTES = 16 * 1024
# What the bootstrap itself imports; added to the service's own requirements.
_BOOTSTRAP_REQUIREMENTS = ("oss2", "alibabacloud-credentials")
_REQUIREMENTS_PATH = "/etc/customrag/requirements.txt"
_SERVICE_NAME = re.compile(r"[a-z][a-z0-9-]{0,30}")
_MODULE = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_CODE_URI = re.compile(r"oss://[a-z0-9][a-z0-9-]{1,61}[a-z0-9]/[^?#\s]*-[0-9a-f]{12,64}\.zip")
_IDENTITY = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,127}")
_ACCOUNT_ID = re.compile(r"\d{16}")
_URL = re.compile(r"https?://[A-Za-z0-9./:_-]+")
_OWN_VARIABLES = frozenset({"CUSTOMRAG_BIND_HOST", "CUSTOMRAG_PORT", "PYTHONPATH", "HOME"})


@dataclass(frozen=True, kw_only=True)
class LogAgent:
    """The agent that sends the node's journal to Simple Log Service.

    Source: https://www.alibabacloud.com/help/en/sls/loongcollector-management-linux and
    .../sls/host-text-log-collection-auto-install, read 2026-11-21.

    Attributes:
        identity: User-defined identity of the machine group that the node joins.
        account_id: Account that owns the log project, 16 digits.
        installer_url: The agent's installer, reachable from the node.
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
    log_agent: LogAgent | None = None,
) -> str:
    """The `#cloud-config` of a node that runs one Python module as a systemd service.

    Args:
        service_name: The unit is `customrag-<service_name>.service`.
        module: What `python3 -m` runs, from the zip.
        port: TCP port, handed over as `CUSTOMRAG_PORT`.
        environment: The service's settings. User data can be read on the node: no secrets.
        code_uri: `oss://bucket/.../<name>-<digits of its SHA-256>.zip`.
        oss_endpoint: URL of OSS as the node sees it.
        region_id: The bucket's region.
        requirements: pip requirements that the image must have; what it lacks is installed.
        log_agent: Sends the node's journal away. None: it stays on the node.

    Returns:
        YAML text, the same for the same arguments.

    Raises:
        ValueError: An argument that would make an invalid or unsafe file; the text is too long.
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
            f"the user data of {service_name!r} has {size} bytes and ECS takes "
            f"{USER_DATA_LIMIT_BYTES}; move long settings into an object in OSS"
        )
    return text


def _check(
    service_name: str, module: str, port: int, environment: Mapping[str, str], code_uri: str
) -> None:
    if not _SERVICE_NAME.fullmatch(service_name):
        raise ValueError(
            f"service.name is {service_name!r}; use 1 to 31 lower-case letters, digits and "
            "hyphens, a letter first"
        )
    if not _MODULE.fullmatch(module):
        raise ValueError(f"service.module is {module!r}; give a dotted module such as rag.serving")
    if not 1024 <= port <= 65535:
        raise ValueError(f"service.port is {port}; an unprivileged service takes 1024 to 65535")
    if not _CODE_URI.fullmatch(code_uri):
        raise ValueError(
            f"code_uri is {code_uri!r}; give oss://<bucket>/<path>-<12 to 64 hexadecimal digits of "
            "its SHA-256>.zip"
        )
    for key, value in environment.items():
        if not _VARIABLE.fullmatch(key):
            raise ValueError(f"service.environment has {key!r}, which is no variable's name")
        if key in _OWN_VARIABLES:
            raise ValueError(f"service.environment sets {key}, which the node sets itself")
        if any(character in value for character in "\n\r\0"):
            raise ValueError(
                f"service.environment[{key!r}] has a line break; a unit takes one line"
            )


def _quote(value: str) -> str:
    """A value in a systemd EnvironmentFile (systemd.exec(5)): double quotes, four escapes."""
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
