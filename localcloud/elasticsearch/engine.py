"""One Elasticsearch engine: its files, its process, its users.

Owns: the folder of an instance (configuration, data, the operator's credentials), its two processes
(engine and gateway), and setting the password of the user ``elastic``. Does not own which instances
exist (``resources.py``), nor supervision.

Users are in the engine's file realm as PBKDF2 hashes: ``elastic``, the instance's superuser, and
the operator, which may only read the cluster's health and take snapshots. So no file of the engine
and no process list has a password in clear text, and a password can change while the engine runs,
as in the cloud. The reserved realm, where ``elastic`` usually is, is off: it stores changed
passwords in an index that this build cannot create, because the index needs a token filter of a
missing module.

Source: https://www.elastic.co/guide/en/elasticsearch/reference/8.19/file-realm.html and
security-settings.html (read 2026-11). The format of the hash: ``Hasher`` in the engine's source.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import os
import secrets
import shutil
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

from localcloud.core.accounts import Account, give_away, tidy
from localcloud.core.errors import LocalCloudError
from localcloud.core.jvm import QUICK_START
from localcloud.core.supervisor import ProcessSpec

__all__ = [
    "ENGINE_PORT",
    "GATEWAY_PORT",
    "Engine",
    "EngineError",
    "password_accepted",
    "prepare",
    "remove",
    "remove_folder",
    "set_password",
    "specs",
    "write_settings",
]

GATEWAY_PORT: Final = 9200
ENGINE_PORT: Final = 19200
_TRANSPORT_PORT: Final = 19300
_HEAP_MIB: Final = 512
_OPERATOR: Final = "customrag_operator"
_OPERATOR_PRIVILEGES: Final = (
    "monitor",
    "create_snapshot",
    "cluster:admin/repository/put",
    "cluster:admin/snapshot/delete",
)
_USER: Final = "elastic"
_HASH_ROUNDS: Final = 10_000
_STOP_TIMEOUT_SECONDS: Final = 20.0
_MAX_RESTARTS: Final = 5
_REQUEST_TIMEOUT_SECONDS: Final = 30.0
_PASSWORD_TIMEOUT_SECONDS: Final = 60.0
_RETRY_SECONDS: Final = 0.2
_REPOSITORY: Final = Path(__file__).resolve().parents[2]

_JVM_OPTIONS: Final = f"""\
-Xms{_HEAP_MIB}m
-Xmx{_HEAP_MIB}m
-XX:-AlwaysPreTouch
-XX:-HeapDumpOnOutOfMemoryError
-Xlog:disable
-Xlog:all=warning:stderr:utctime,level,tags
{QUICK_START}"""


class EngineError(LocalCloudError):
    """An engine did not carry out a request."""


@dataclass(frozen=True, kw_only=True)
class Engine:
    """How the processes of an instance start; stored in the store.

    Attributes:
        instance_id: Id of the instance, for example ``es-cn-…``.
        address: Its loopback address.
        folder: Its configuration, data and logs.
        distribution: Home of its distribution.
        java_home: Home of its Java runtime.
        prefix: Start of its command line (``accounts.py``).
        private_folder: Folder of the operator's credentials, which only the user can read.
        log_folder: Folder for the output of its two processes.
    """

    instance_id: str
    address: str
    folder: Path
    distribution: Path
    java_home: Path
    prefix: tuple[str, ...]
    private_folder: Path
    log_folder: Path

    def document(self) -> dict[str, Any]:
        """Return this engine as JSON for the store."""
        return {
            name: str(value) if isinstance(value, Path) else value
            for name, value in asdict(self).items()
        }

    @classmethod
    def restored(cls, document: Mapping[str, Any]) -> Engine:
        """Return the engine of a `document`."""
        return cls(
            instance_id=document["instance_id"],
            address=document["address"],
            folder=Path(document["folder"]),
            distribution=Path(document["distribution"]),
            java_home=Path(document["java_home"]),
            prefix=tuple(document["prefix"]),
            private_folder=Path(document["private_folder"]),
            log_folder=Path(document["log_folder"]),
        )

    @property
    def process_name(self) -> str:
        """Name of the engine's process under the supervisor."""
        return f"elasticsearch/{self.instance_id}/engine"

    @property
    def gateway_name(self) -> str:
        """Name of the gateway's process under the supervisor."""
        return f"elasticsearch/{self.instance_id}/gateway"

    @property
    def engine_url(self) -> str:
        """The URL of the engine itself."""
        return f"http://{self.address}:{ENGINE_PORT}"

    @property
    def url(self) -> str:
        """The URL for clients of the instance."""
        return f"http://{self.address}:{GATEWAY_PORT}"

    @property
    def operator_file(self) -> Path:
        """The file with the operator's credentials."""
        return self.private_folder / f"{self.instance_id}.operator.json"

    @property
    def snapshot_folder(self) -> Path:
        """The folder of its automatic snapshots."""
        return self.folder / "snapshots"

    @property
    def data_exists(self) -> bool:
        """Whether the instance's data exists."""
        return (self.folder / "data").is_dir()


def prepare(engine: Engine, account: Account, password: str, settings: Mapping[str, str]) -> None:
    """Write the configuration of a new instance.

    Args:
        engine: The instance.
        account: The account that runs it.
        password: Password of the user ``elastic``.
        settings: The instance's ``settingConfig``.
    """
    configuration = engine.folder / "config"
    for folder in (configuration, configuration / "jvm.options.d"):
        folder.mkdir(parents=True, exist_ok=True)
    for name in ("data", "logs", "tmp", "snapshots"):
        (engine.folder / name).mkdir(exist_ok=True)
    engine.folder.chmod(0o700)
    for name in ("jvm.options", "log4j2.properties", "role_mapping.yml"):
        shutil.copyfile(engine.distribution / "config" / name, configuration / name)
    (configuration / "jvm.options.d" / "local.options").write_text(_JVM_OPTIONS, "utf-8")
    write_settings(engine, settings)
    (configuration / "roles.yml").write_text(
        f"{_OPERATOR}:\n  cluster: {json.dumps(_OPERATOR_PRIVILEGES)}\n", "utf-8"
    )
    (configuration / "users_roles").write_text(
        f"superuser:{_USER}\n{_OPERATOR}:{_OPERATOR}\n", "utf-8"
    )
    operator_password = secrets.token_urlsafe(32)
    credentials = json.dumps({"username": _OPERATOR, "password": operator_password})
    _write_private(engine.operator_file, credentials + "\n")
    _write_users(engine, {_USER: password, _OPERATOR: operator_password})
    give_away(account)


def write_settings(engine: Engine, settings: Mapping[str, str]) -> bool:
    """Write ``elasticsearch.yml``; return whether it changed."""
    own = {
        "cluster.name": engine.instance_id,
        "node.name": f"{engine.instance_id}-0",
        "path.data": str(engine.folder / "data"),
        "path.logs": str(engine.folder / "logs"),
        "path.repo": str(engine.snapshot_folder),
        "http.host": engine.address,
        "http.port": ENGINE_PORT,
        "transport.host": engine.address,
        "transport.port": _TRANSPORT_PORT,
        "discovery.type": "single-node",
        "cluster.routing.allocation.disk.threshold_enabled": False,
        "xpack.ml.enabled": False,
        "xpack.security.enabled": True,
        "xpack.security.authc.reserved_realm.enabled": False,
        "xpack.security.http.ssl.enabled": False,
        "xpack.security.transport.ssl.enabled": False,
        "resource.reload.interval.high": "500ms",
        "telemetry.metrics.enabled": False,
        "telemetry.tracing.enabled": False,
    }
    # Every JSON scalar is valid YAML.
    text = "".join(f"{name}: {json.dumps(value)}\n" for name, value in {**own, **settings}.items())
    path = engine.folder / "config" / "elasticsearch.yml"
    if path.exists() and path.read_text("utf-8") == text:
        return False
    path.write_text(text, "utf-8")
    return True


def specs(engine: Engine) -> tuple[ProcessSpec, ...]:
    """Return the instance's processes: the gateway, then the engine."""
    gateway = ProcessSpec(
        name=engine.gateway_name,
        argv=(
            sys.executable,
            "-m",
            "localcloud.elasticsearch.gateway",
            "--listen",
            f"{engine.address}:{GATEWAY_PORT}",
            "--engine",
            engine.engine_url,
            "--operator",
            str(engine.operator_file),
        ),
        env=_environment(),
        cwd=_REPOSITORY,
        log=engine.log_folder / f"elasticsearch-{engine.instance_id}-gateway.log",
        health_url=f"{engine.url}/_local/health",
    )
    process = ProcessSpec(
        name=engine.process_name,
        argv=(*engine.prefix, str(engine.distribution / "bin" / "elasticsearch")),
        env={
            **_environment(),
            "HOME": str(engine.folder),
            "ES_JAVA_HOME": str(engine.java_home),
            "ES_PATH_CONF": str(engine.folder / "config"),
            "ES_TMPDIR": str(engine.folder / "tmp"),
        },
        cwd=engine.folder,
        log=engine.log_folder / f"elasticsearch-{engine.instance_id}.log",
        health_url=f"{engine.url}/_local/health/engine",
        max_restarts=_MAX_RESTARTS,
        stop_timeout_seconds=_STOP_TIMEOUT_SECONDS,
    )
    return gateway, process


def set_password(engine: Engine, password: str) -> None:
    """Set the password of the user ``elastic``, unless it is `password` already.

    Raises:
        EngineError: The running engine did not read the new password in time.
    """
    if password_accepted(engine, password):
        return
    operator = json.loads(engine.operator_file.read_text("utf-8"))
    _write_users(engine, {_USER: password, _OPERATOR: operator["password"]})
    deadline = time.monotonic() + _PASSWORD_TIMEOUT_SECONDS
    while not password_accepted(engine, password):
        if time.monotonic() > deadline:
            raise EngineError(
                f"Elasticsearch instance {engine.instance_id} did not accept the new password of "
                f"the user {_USER} within {_PASSWORD_TIMEOUT_SECONDS:.0f} s. See its log in "
                f"{engine.log_folder}"
            )
        time.sleep(_RETRY_SECONDS)


def password_accepted(engine: Engine, password: str) -> bool:
    """Return whether the user ``elastic`` can sign in with `password`."""
    pair = base64.b64encode(f"{_USER}:{password}".encode()).decode()
    request = urllib.request.Request(  # noqa: S310 - the URL is the instance's own
        f"{engine.url}/_security/_authenticate", headers={"Authorization": f"Basic {pair}"}
    )
    try:
        with urllib.request.urlopen(request, timeout=_REQUEST_TIMEOUT_SECONDS) as answer:  # noqa: S310
            return bool(answer.status == HTTPStatus.OK)
    except urllib.error.HTTPError as error:
        error.close()
        return False
    except OSError:
        return False


def remove(engine: Engine) -> None:
    """Delete the instance's files; its processes must have ended."""
    remove_folder(engine.folder)
    tidy()
    engine.operator_file.unlink(missing_ok=True)


def remove_folder(folder: Path) -> None:
    """Delete a folder of an instance; a missing folder is success."""
    with contextlib.suppress(FileNotFoundError):
        shutil.rmtree(folder)


def _environment() -> dict[str, str]:
    return {
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "LANG": "C.UTF-8",
    }


def _write_users(engine: Engine, passwords: Mapping[str, str]) -> None:
    path = engine.folder / "config" / "users"
    temporary = path.with_suffix(".new")
    _write_private(
        temporary, "".join(f"{name}:{_hash(password)}\n" for name, password in passwords.items())
    )
    owner = engine.folder.stat()
    if os.geteuid() == 0:
        os.chown(temporary, owner.st_uid, owner.st_gid)
    temporary.rename(path)


def _hash(password: str) -> str:
    salt = secrets.token_bytes(32)
    digest = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, _HASH_ROUNDS, 32)
    salt_text, digest_text = (base64.b64encode(part).decode() for part in (salt, digest))
    return f"{{PBKDF2}}{_HASH_ROUNDS}${salt_text}${digest_text}"


def _write_private(path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
