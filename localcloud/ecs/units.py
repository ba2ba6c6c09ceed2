"""A parser of systemd service units, as far as the services of nodes need them. Pure.

Owns the parsing of a unit file and its environment files, and the launch script. Directives that
only harden or describe a service are accepted without effect. Unsupported directives that change
how a service runs are refused. Source: systemd.unit(5), systemd.service(5), systemd.exec(5).
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

_EFFECTIVE: Final = frozenset(
    {
        *("Type", "WorkingDirectory", "Environment", "EnvironmentFile", "ExecStartPre"),
        *("ExecStart", "Restart", "TimeoutStopSec", "UMask", "StateDirectory", "CacheDirectory"),
        *("LogsDirectory", "RuntimeDirectory", "ConfigurationDirectory"),
        *("StartLimitIntervalSec", "StartLimitBurst"),
    }
)
_RECORDED: Final = frozenset(
    {
        *("Description", "Documentation", "After", "Before", "Wants", "Requires", "PartOf"),
        *("WantedBy", "RequiredBy", "Also", "RestartSec", "TimeoutStartSec", "TimeoutSec"),
        *("User", "Group", "DynamicUser", "SupplementaryGroups", "SyslogIdentifier"),
        *("StandardOutput", "StandardError", "KillMode", "Slice", "Nice", "OOMScoreAdjust"),
        *("MemoryMax", "MemoryHigh", "CPUQuota", "CPUWeight", "TasksMax", "Delegate"),
        *("NoNewPrivileges", "PrivateTmp", "PrivateDevices", "PrivateUsers", "ProtectSystem"),
        *("ProtectHome", "ProtectControlGroups", "ProtectClock", "ProtectHostname"),
        *("ProtectKernelLogs", "ProtectKernelModules", "ProtectKernelTunables", "ProtectProc"),
        *("ProcSubset", "ReadWritePaths", "ReadOnlyPaths", "InaccessiblePaths"),
        *("RestrictAddressFamilies", "RestrictNamespaces", "RestrictRealtime"),
        *("RestrictSUIDSGID", "LockPersonality", "MemoryDenyWriteExecute", "SystemCallFilter"),
        *("SystemCallArchitectures", "CapabilityBoundingSet", "AmbientCapabilities"),
        *("DeviceAllow", "DevicePolicy", "RemoveIPC", "StateDirectoryMode", "CacheDirectoryMode"),
        *("LimitNOFILE", "LimitNPROC", "LimitMEMLOCK", "LimitCORE", "LimitAS"),
    }
)
_TYPES: Final = ("simple", "exec")
_RESTARTS: Final[Mapping[str, Literal["always", "on-failure", "never"]]] = {
    "always": "always",
    "on-failure": "on-failure",
    "on-abnormal": "on-failure",
    "no": "never",
}
# The root below which systemd creates the folders of each directive.
_DIRECTORIES: Final = {
    "StateDirectory": "/var/lib",
    "CacheDirectory": "/var/cache",
    "LogsDirectory": "/var/log",
    "RuntimeDirectory": "/run",
    "ConfigurationDirectory": "/etc",
}
_SECTIONS: Final = ("Unit", "Service", "Install")
_UNLIMITED_RESTARTS: Final = 1_000_000


class UnitError(Exception):
    """The unit is malformed or uses an unsupported feature, which the message names."""


@dataclass(frozen=True, kw_only=True)
class Unit:
    """A service unit.

    Attributes:
        name: Such as ``customrag-embedding.service``.
        exec_start: The command line as written.
        exec_start_pre: Commands that run before, each with whether it may fail.
        environment: The variables of the ``Environment=`` lines.
        environment_files: Paths, each with whether the file may be missing.
        working_directory: A path on the node.
        directories: Paths on the node that are created before the start.
        restart: When to restart the service.
        max_restarts: The number of restarts in a row.
        stop_timeout_seconds: The time between SIGTERM and SIGKILL.
        umask: In octal.
    """

    name: str
    exec_start: str
    exec_start_pre: tuple[tuple[str, bool], ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    environment_files: tuple[tuple[str, bool], ...] = ()
    working_directory: str = "/"
    directories: tuple[str, ...] = ()
    restart: Literal["always", "on-failure", "never"] = "never"
    max_restarts: int = 5
    stop_timeout_seconds: float = 10.0
    umask: str = "0022"


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
    return Unit(
        name=name,
        exec_start=_prefixed(name, starts[0])[0],
        exec_start_pre=tuple(_prefixed(name, line) for line in values.get("ExecStartPre", [])),
        environment=_environment(name, values.get("Environment", [])),
        environment_files=tuple(
            (path.removeprefix("-"), path.startswith("-"))
            for path in values.get("EnvironmentFile", [])
        ),
        working_directory=_last(values, "WorkingDirectory", "/").removeprefix("-"),
        directories=tuple(
            f"{root}/{folder}"
            for key, root in _DIRECTORIES.items()
            for line in values.get(key, [])
            for folder in line.split()
        ),
        restart=_RESTARTS[restart],
        max_restarts=_max_restarts(values),
        stop_timeout_seconds=_seconds(name, _last(values, "TimeoutStopSec", "10")),
        umask=_last(values, "UMask", "0022"),
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


def command_line(text: str, environment: Mapping[str, str]) -> list[str]:
    """Split a command into words; ``${NAME}`` expands inside a word, ``$NAME`` to words."""
    words: list[str] = []
    for word in shlex.split(text):
        alone = re.fullmatch(r"\$([A-Za-z_][A-Za-z0-9_]*)", word)
        if alone:
            words.extend(environment.get(alone.group(1), "").split())
            continue
        expanded = re.sub(
            r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}", lambda m: environment.get(m.group(1), ""), word
        )
        words.append(expanded.replace("$$", "$"))
    return words


def launcher(unit: Unit, environment: Mapping[str, str], map_text: Callable[[str], str]) -> str:
    """Return the shell script that runs the ``ExecStartPre`` commands and then the service.

    Args:
        unit: The unit.
        environment: Its complete environment, for expansion.
        map_text: Replaces the node's paths with real ones.
    """
    lines = [f"umask {shlex.quote(unit.umask)}"]
    for command, may_fail in unit.exec_start_pre:
        words = shlex.join(map_text(word) for word in command_line(command, environment))
        lines.append(f"{words} || {'true' if may_fail else 'exit $?'}")
    start = shlex.join(map_text(word) for word in command_line(unit.exec_start, environment))
    return "\n".join([*lines, f"exec {start}"])


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
        if value.strip():
            found.append(_specifiers(name, value.strip()))
        else:
            found.clear()
    return values


def _joined(text: str) -> list[str]:
    return re.sub(r"\\\n", " ", text).splitlines()


def _specifiers(name: str, value: str) -> str:
    found = re.search(r"%(?!%)(.?)", value.replace("%%", ""))
    if found:
        raise UnitError(
            f"{name}: the specifier {found.group(0)!r} is not supported; write its value"
        )
    return value.replace("%%", "%")


def _last(values: Mapping[str, list[str]], key: str, default: str) -> str:
    found = values.get(key)
    return found[-1] if found else default


def _prefixed(name: str, command: str) -> tuple[str, bool]:
    """Return the command without its prefix, and whether it may fail."""
    if command[:1] in "@:+!|":
        raise UnitError(f"{name}: the command prefix {command[0]!r} is not supported")
    return command.removeprefix("-").strip(), command.startswith("-")


def _environment(name: str, lines: list[str]) -> dict[str, str]:
    variables: dict[str, str] = {}
    for line in lines:
        for assignment in shlex.split(line):
            key, separator, value = assignment.partition("=")
            if not separator:
                raise UnitError(f"{name}: Environment={line} has {assignment!r} without '='")
            variables[key] = value
    return variables


def _max_restarts(values: Mapping[str, list[str]]) -> int:
    # An interval of 0 means no limit. systemd's default is 5 starts in 10 seconds, which a service
    # with RestartSec=5 never reaches.
    if _last(values, "StartLimitIntervalSec", "10") in ("0", "0s"):
        return _UNLIMITED_RESTARTS
    burst = _last(values, "StartLimitBurst", "10")
    return int(burst) if burst.isdigit() else 10


def _seconds(name: str, text: str) -> float:
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(s|sec|min|ms)?", text)
    if found is None:
        raise UnitError(f"{name}: {text!r} is not a time span such as 30s")
    return float(found.group(1)) * {"min": 60.0, "ms": 0.001}.get(found.group(2) or "s", 1.0)


def _unquote(value: str) -> str:
    if len(value) >= 2 and value[0] == value[-1] == "'":
        return value[1:-1]
    if len(value) >= 2 and value[0] == value[-1] == '"':
        return re.sub(r"\\([\"\\`$])", r"\1", value[1:-1])
    return re.sub(r"\\(.)", r"\1", value)
