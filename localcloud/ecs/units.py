"""A parser of systemd service units, as far as the services of nodes need them. Pure.

Owns the parsing of a unit file and its environment files, and the launch script. Directives of the
stack's units that only harden or describe a service have no effect. All others are refused.
Source: systemd.unit(5), systemd.service(5), systemd.exec(5).
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

_EFFECTIVE: Final = frozenset(
    {
        *("Type", "WorkingDirectory", "Environment", "EnvironmentFile", "ExecStart", "Restart"),
        *("UMask", "DynamicUser", "StateDirectory", "CacheDirectory", "StartLimitIntervalSec"),
    }
)
_RECORDED: Final = frozenset(
    {
        *("Description", "After", "Wants", "WantedBy", "RestartSec", "RequiresMountsFor"),
        *("NoNewPrivileges", "PrivateTmp", "ProtectSystem", "ProtectHome"),
        *("ProtectControlGroups", "ProtectKernelModules", "ProtectKernelTunables"),
        *("RestrictSUIDSGID", "LockPersonality", "LimitNOFILE"),
    }
)
_TYPES: Final = ("simple", "exec")
_RESTARTS: Final[Mapping[str, Literal["always", "on-failure", "never"]]] = {
    "always": "always",
    "on-failure": "on-failure",
    "no": "never",
}
# The root below which systemd creates the folders of each directive.
_DIRECTORIES: Final = {
    "StateDirectory": "/var/lib",
    "CacheDirectory": "/var/cache",
}
_SECTIONS: Final = ("Unit", "Service", "Install")
# An interval of 0 means no limit. systemd's default is 5 starts in 10 seconds, which a service with
# RestartSec=5 never reaches.
_UNLIMITED_RESTARTS: Final = 1_000_000
_LIMITED_RESTARTS: Final = 10


class UnitError(Exception):
    """The unit is malformed or uses an unsupported feature, which the message names."""


@dataclass(frozen=True, kw_only=True)
class Unit:
    """A service unit.

    Attributes:
        name: Such as ``customrag-embedding.service``.
        exec_start: The command line as written.
        environment: The variables of the ``Environment=`` lines.
        environment_files: Paths on the node.
        working_directory: A path on the node.
        directories: Paths on the node that are created before the start.
        restart: When to restart the service.
        max_restarts: The number of restarts in a row.
        umask: In octal.
        dynamic_user: Whether it runs as an unprivileged user.
    """

    name: str
    exec_start: str
    environment: Mapping[str, str] = field(default_factory=dict)
    environment_files: tuple[str, ...] = ()
    working_directory: str = "/"
    directories: tuple[str, ...] = ()
    restart: Literal["always", "on-failure", "never"] = "never"
    max_restarts: int = _LIMITED_RESTARTS
    umask: str = "0022"
    dynamic_user: bool = False


def parse_unit(name: str, text: str) -> Unit:
    """Parse a service unit.

    Raises:
        UnitError: The unit has an unknown section or directive, or an unsupported value.
    """
    values = _directives(name, text)
    for key in values:
        if key not in _EFFECTIVE | _RECORDED:
            raise UnitError(
                f"{name}: {key}= is not supported by the local cloud; "
                f"the supported directives are {', '.join(sorted(_EFFECTIVE))}"
            )
    starts = values.get("ExecStart", [])
    if len(starts) != 1:
        raise UnitError(f"{name}: has {len(starts)} ExecStart= lines; it must have exactly one")
    kind = _last(values, "Type", "simple")
    if kind not in _TYPES:
        raise UnitError(f"{name}: Type={kind} is not supported; use {' or '.join(_TYPES)}")
    restart = _last(values, "Restart", "no")
    if restart not in _RESTARTS:
        raise UnitError(f"{name}: Restart={restart} must be one of {', '.join(_RESTARTS)}")
    if starts[0][0] in "@:+!|-" or "$" in starts[0]:
        raise UnitError(f"{name}: ExecStart={starts[0]} has a prefix or a variable; use none")
    interval = _last(values, "StartLimitIntervalSec", "10")
    return Unit(
        name=name,
        exec_start=starts[0],
        environment=_environment(name, values.get("Environment", [])),
        environment_files=tuple(values.get("EnvironmentFile", [])),
        working_directory=_last(values, "WorkingDirectory", "/"),
        directories=tuple(
            f"{root}/{folder}"
            for key, root in _DIRECTORIES.items()
            for line in values.get(key, [])
            for folder in line.split()
        ),
        restart=_RESTARTS[restart],
        max_restarts=_LIMITED_RESTARTS if interval != "0" else _UNLIMITED_RESTARTS,
        umask=_last(values, "UMask", "0022"),
        dynamic_user=_last(values, "DynamicUser", "no") == "yes",
    )


def parse_environment_file(text: str) -> dict[str, str]:
    """Parse an ``EnvironmentFile``: with quotes and escapes, without expansion."""
    variables: dict[str, str] = {}
    for line in _joined(text):
        if not line.strip() or line.lstrip()[0] in "#;":
            continue
        key, separator, value = line.partition("=")
        if separator and re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", key.strip()):
            variables[key.strip()] = _unquote(value.strip())
    return variables


def launcher(unit: Unit, map_text: Callable[[str], str]) -> str:
    """Return the shell script that runs the service.

    Args:
        unit: The unit.
        map_text: Replaces the node's paths with real ones.
    """
    start = shlex.join(map_text(word) for word in shlex.split(unit.exec_start))
    return f"umask {shlex.quote(unit.umask)}\nexec {start}"


def _directives(name: str, text: str) -> dict[str, list[str]]:
    values: dict[str, list[str]] = {}
    section = ""
    for line in _joined(text):
        stripped = line.strip()
        if not stripped or stripped[0] in "#;":
            continue
        if stripped.startswith("["):
            section = stripped.strip("[]")
            if section not in _SECTIONS:
                raise UnitError(
                    f"{name}: section [{section}] must be one of {', '.join(_SECTIONS)}"
                )
            continue
        key, separator, value = stripped.partition("=")
        if not separator or not section:
            raise UnitError(f"{name}: {stripped!r} is not a directive in a section")
        found = values.setdefault(key.strip(), [])
        if "%" in value:
            raise UnitError(f"{name}: {stripped!r} has a specifier (%), which is not supported")
        if value.strip():
            found.append(value.strip())
        else:
            found.clear()
    return values


def _joined(text: str) -> list[str]:
    return re.sub(r"\\\n", " ", text).splitlines()


def _last(values: Mapping[str, list[str]], key: str, default: str) -> str:
    found = values.get(key)
    return found[-1] if found else default


def _environment(name: str, lines: list[str]) -> dict[str, str]:
    variables: dict[str, str] = {}
    for line in lines:
        for assignment in shlex.split(line):
            key, separator, value = assignment.partition("=")
            if not separator:
                raise UnitError(f"{name}: Environment={line} has {assignment!r} without '='")
            variables[key] = value
    return variables


def _unquote(value: str) -> str:
    if len(value) >= 2 and value[0] == value[-1] == "'":
        return value[1:-1]
    if len(value) >= 2 and value[0] == value[-1] == '"':
        return re.sub(r"\\([\"\\`$])", r"\1", value[1:-1])
    return re.sub(r"\\(.)", r"\1", value)
