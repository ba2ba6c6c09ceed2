"""The home of a local stack: its platform file and its data folders.

Owns ``platform.json`` (the stack's account, addresses and keys) and the folders of each service's
data. It does not start anything.

Every address of a local cloud is in ``127.<n>.0.0/16``, with one n per stack. Linux routes all of
127/8 to loopback, so each service and node has its own address and its usual port.
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import socket
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from localcloud.core.errors import HomeError

PLATFORM_FILE = "platform.json"
_REGION_ID = "cn-hangzhou"
_ZONE_IDS = ("cn-hangzhou-h", "cn-hangzhou-i")
_ENDPOINTS = {
    "api": (2, 8080),
    "oss": (3, 9000),
    "dashscope": (4, 8080),
    "issuer": (5, 8080),
    "edge": (6, 8787),
}
_FIRST_OCTET, _LAST_OCTET = 20, 239


@dataclass(frozen=True, kw_only=True)
class Platform:
    """The contents of ``platform.json``: what identifies a local stack.

    Attributes:
        home: The stack's home folder.
        region_id: The region that the stack emulates.
        zone_ids: The zones of that region.
        account_id: The id of the account, 16 digits.
        access_key_id: The account's own access key.
        access_key_secret: The secret of that key.
        dashscope_api_key: The API key of the model endpoint.
        loopback_prefix: The first two octets of every address, such as ``127.83``.
        endpoints: URL by service: ``api``, ``oss``, ``dashscope``, ``issuer``, ``edge``.
    """

    home: Path
    region_id: str
    zone_ids: tuple[str, ...]
    account_id: str
    access_key_id: str
    access_key_secret: str = field(repr=False)
    dashscope_api_key: str = field(repr=False)
    loopback_prefix: str
    endpoints: Mapping[str, str]


def load_platform(home: Path) -> Platform:
    """Read ``HOME/platform.json``.

    Raises:
        HomeError: The file is missing, or is not one that ``python -m localcloud init`` writes.
    """
    path = home / PLATFORM_FILE
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise HomeError(
            f"{path} does not exist; create it with: python -m localcloud init --home {home}"
        ) from None
    except ValueError as error:
        raise HomeError(
            f"{path} is not valid JSON ({error}); delete it and run init again"
        ) from error
    return _platform(home, path, document)


def _platform(home: Path, path: Path, document: Any) -> Platform:
    if not isinstance(document, dict):
        raise HomeError(f"{path} is not a JSON object; delete it and run init again")
    names = {item.name for item in fields(Platform)} - {"home"}
    missing = sorted(names - document.keys())
    unknown = sorted(document.keys() - names)
    if missing or unknown:
        raise HomeError(
            f"{path} has missing keys {missing} and unknown keys {unknown}; delete it and run init "
            "again"
        )
    values = {name: document[name] for name in names}
    values["zone_ids"] = tuple(values["zone_ids"])
    return Platform(home=home, **values)


def init_home(home: Path, region_id: str = "", zone_ids: Sequence[str] = ()) -> Platform:
    """Create the stack's home and its platform file, or read the existing one.

    The account, its keys and the address range are random, and are chosen once.

    Args:
        home: The stack's home folder.
        region_id: The region that the stack emulates. Empty means that of the existing home, or
            the default for a new one.
        zone_ids: The zones of that region; empty as above.

    Raises:
        HomeError: No address range in 127/8 has the endpoints' ports free, or the existing home
            emulates another region.
    """
    path = home / PLATFORM_FILE
    if path.exists():
        return _checked(load_platform(home), region_id, zone_ids)
    home.mkdir(parents=True, exist_ok=True)
    home.chmod(0o700)
    prefix = _free_prefix()
    document = {
        "region_id": region_id or _REGION_ID,
        "zone_ids": list(zone_ids or _ZONE_IDS),
        "account_id": str(10**15 + secrets.randbelow(9 * 10**15)),
        "access_key_id": "LTAI5t" + secrets.token_hex(9),
        "access_key_secret": secrets.token_urlsafe(24),
        "dashscope_api_key": "sk-" + secrets.token_hex(16),
        "loopback_prefix": prefix,
        "endpoints": _endpoints(prefix),
    }
    temporary = path.with_suffix(f".{os.getpid()}.tmp")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(document, file, indent=2)
        file.write("\n")
    try:
        os.link(temporary, path)
    except FileExistsError:
        # Another init finished first, so its platform file counts.
        pass
    finally:
        temporary.unlink()
    return _checked(load_platform(home), region_id, zone_ids)


def _checked(platform: Platform, region_id: str, zone_ids: Sequence[str]) -> Platform:
    wanted = region_id or platform.region_id, tuple(zone_ids) or platform.zone_ids
    if (platform.region_id, platform.zone_ids) != wanted:
        raise HomeError(
            f"{platform.home} emulates {platform.region_id} with {', '.join(platform.zone_ids)}, "
            f"not {wanted[0]} with {', '.join(wanted[1])}; use another home, or delete this one"
        )
    return platform


def _endpoints(prefix: str) -> dict[str, str]:
    return {name: f"http://{prefix}.0.{last}:{port}" for name, (last, port) in _ENDPOINTS.items()}


def _free_prefix() -> str:
    """Return an address range with free ports: one never used, or the one chosen longest ago.

    A stack listens only seconds after it has chosen, and another may choose in between.
    """
    folder = Path(tempfile.gettempdir()) / f"customrag-addresses-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    octets = list(range(_FIRST_OCTET, _LAST_OCTET + 1))
    secrets.SystemRandom().shuffle(octets)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        chosen = {int(file.name): file.stat().st_mtime_ns for file in folder.glob("[0-9]*")}
        for octet in sorted(octets, key=lambda octet: chosen.get(octet, 0)):
            prefix = f"127.{octet}"
            if all(is_free(f"{prefix}.0.{last}", port) for last, port in _ENDPOINTS.values()):
                (folder / str(octet)).touch()
                return prefix
    raise HomeError(
        f"no address range from 127.{_FIRST_OCTET}.x.x to 127.{_LAST_OCTET}.x.x has the ports "
        f"{sorted({port for _, port in _ENDPOINTS.values()})} free; stop what uses them"
    )


def is_free(host: str, port: int) -> bool:
    """Return whether a server could listen on this loopback address and port now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def data_dir(home: Path, service: str) -> Path:
    """Return the folder of a service's data (``HOME/cloud/<service>``), created if missing."""
    path = home / "cloud" / service
    path.mkdir(parents=True, exist_ok=True)
    return path


def log_dir(home: Path) -> Path:
    """Return the folder of the stack's logs (``HOME/logs``), created if missing."""
    path = home / "logs"
    path.mkdir(parents=True, exist_ok=True)
    return path


def machine_cache() -> Path:
    """Return the folder of downloads and conversions (``CUSTOMRAG_CACHE`` overrides it)."""
    own = os.environ.get("CUSTOMRAG_CACHE")
    base = os.environ.get("XDG_CACHE_HOME")
    return Path(own) if own else (Path(base) if base else Path.home() / ".cache") / "customrag"
