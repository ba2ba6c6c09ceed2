"""Parse the user data of an instance, a ``#cloud-config``, like cloud-init. Pure.

Supports the cloud-init modules ``write_files`` and ``runcmd`` (https://cloudinit.readthedocs.io).
Packages and ssh settings have no effect, because this machine is the image. Every other key is
refused: to ignore it would boot a different node from the declared one.
"""

from __future__ import annotations

import base64
import binascii
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any, Final

import yaml

from localcloud.core.errors import CloudError

# Of UserData in RunInstances, before Base64.
MAX_BYTES: Final = 32 * 1024
RECORDED: Final = frozenset({"packages", "package_update", "ssh_pwauth", "disable_root"})
_FILE_KEYS: Final = frozenset({"path", "content", "owner", "permissions"})


@dataclass(frozen=True, kw_only=True)
class FileToWrite:
    """One entry of ``write_files``.

    Attributes:
        path: Absolute path on the node.
        content: The contents of the file.
        mode: Permission bits.
    """

    path: str
    content: str
    mode: int = 0o644


@dataclass(frozen=True, kw_only=True)
class CloudConfig:
    """What a node does at its first boot.

    Attributes:
        files: Files to write, in order.
        script: The shell script to run after that, with its ``#!`` line; may be empty.
        recorded: Settings without effect in the local cloud, by key.
    """

    files: tuple[FileToWrite, ...] = ()
    script: str = ""
    recorded: Mapping[str, Any] = field(default_factory=dict)


def parse_user_data(user_data: str) -> CloudConfig:
    """Parse user data, plain or in Base64.

    Raises:
        CloudError: The user data is too long, is not valid YAML, or has something that is not
            supported, which the message names.
    """
    text = _decode(user_data)
    if len(text.encode()) > MAX_BYTES:
        raise CloudError(
            "InvalidUserData.SizeExceeded",
            f"UserData has {len(text.encode())} bytes; at most {MAX_BYTES} are allowed before "
            "Base64.",
            403,
        )
    if not text.strip():
        return CloudConfig()
    first = text.splitlines()[0].strip()
    if first != "#cloud-config":
        raise _refused(f"user data that starts with {first[:40]!r}", "#cloud-config")
    try:
        document = yaml.safe_load(text) or {}
    except yaml.YAMLError as error:
        raise CloudError(
            "InvalidUserData.Malformed", f"UserData is not valid YAML: {error}"
        ) from error
    if not isinstance(document, dict):
        raise CloudError("InvalidUserData.Malformed", "UserData is not a YAML mapping.")
    for key in document:
        if key not in RECORDED | {"write_files", "runcmd"}:
            raise _refused(
                f"the cloud-config key {key!r}", f"{sorted(RECORDED | {'write_files', 'runcmd'})}"
            )
    return CloudConfig(
        files=tuple(_file(entry) for entry in document.get("write_files") or ()),
        script=_script(document.get("runcmd") or ()),
        recorded={key: document[key] for key in document if key in RECORDED},
    )


def _decode(user_data: str) -> str:
    if user_data.lstrip().startswith("#") or not user_data.strip():
        return user_data
    try:
        return base64.b64decode("".join(user_data.split()), validate=True).decode("utf-8")
    except binascii.Error as error:
        raise CloudError(
            "InvalidUserData.Base64FormatInvalid",
            f"UserData does not start with '#' and is not valid Base64: {error}.",
        ) from error
    except UnicodeDecodeError as error:
        raise CloudError("InvalidUserData.Malformed", "UserData is not UTF-8 text.") from error


def _file(entry: Any) -> FileToWrite:
    if not isinstance(entry, dict) or "path" not in entry:
        raise CloudError(
            "InvalidUserData.Malformed", f"write_files has the entry {entry!r} without a path."
        )
    path = str(entry["path"])
    for key in entry:
        if key not in _FILE_KEYS:
            raise _refused(f"write_files[{path}].{key}", str(sorted(_FILE_KEYS)))
    if not path.startswith("/") or ".." in PurePosixPath(path).parts:
        raise CloudError(
            "InvalidUserData.Malformed",
            f"write_files path {path!r} must be absolute and without '..'.",
        )
    return FileToWrite(
        path=path,
        content=str(entry.get("content", "")),
        mode=_mode(path, entry.get("permissions", 0o644)),
    )


def _mode(path: str, permissions: Any) -> int:
    try:
        mode = permissions if isinstance(permissions, int) else int(str(permissions), 8)
    except ValueError:
        mode = -1
    if not 0 <= mode <= 0o7777:
        raise CloudError(
            "InvalidUserData.Malformed",
            f"write_files[{path}].permissions is {permissions!r}; it must be octal text such as "
            "'0644'.",
        )
    return mode


def _script(commands: Any) -> str:
    """Join the commands of ``runcmd`` into one script, as cloud-init does; lists are quoted."""
    lines = []
    for command in commands:
        if isinstance(command, list):
            lines.append(shlex.join(str(word) for word in command))
        elif isinstance(command, str):
            lines.append(command)
        else:
            raise CloudError(
                "InvalidUserData.Malformed",
                f"runcmd has {command!r}; a command must be a string or a list.",
            )
    return "".join(f"{line}\n" for line in ("#!/bin/sh", *lines)) if lines else ""


def _refused(what: str, supported: str) -> CloudError:
    return CloudError(
        "UserDataNotSupported",
        f"The local cloud does not boot {what}; it supports {supported}.",
    )
