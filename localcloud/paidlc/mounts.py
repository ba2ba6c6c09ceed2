"""The data sources of a job: OSS folders that are downloaded before it runs and uploaded meanwhile.

Owns the copying. On the cloud a data source is a FUSE mount. Here it is a folder, so the job does
not see objects that change while it runs, and its files appear in OSS some seconds later. Each
mount uses the credentials of its role, so a policy that is too narrow fails here as on the cloud.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Final

import oss2
import oss2.credentials
import oss2.exceptions
import requests
import tenacity

from localcloud.core.resources import Context
from localcloud.paidlc.errors import JobFailureError

# A program may still be writing to a file this recent; the next upload takes it.
_SETTLE_SECONDS: Final = 1.0
_CONNECT_TIMEOUT_SECONDS: Final = 30
_MULTIPART_BYTES: Final = 256 * 1024 * 1024
_ATTEMPTS: Final = 5

PAI_SERVICE: Final = "pai.aliyuncs.com"
"""The service principal that the role of a job must trust."""


@dataclass(frozen=True, kw_only=True)
class Mount:
    """One data source of one job.

    Attributes:
        mount_path: The path that the job uses, such as ``/mnt/corpus``.
        writable: Whether the files of the job are uploaded to OSS.
        bucket: Bucket name.
        prefix: Key prefix, empty or ending in a slash.
        folder: The local folder.
        role_name: The role whose credentials it uses. None means the account's key, which stands
            for the service role of PAI.
    """

    mount_path: str
    writable: bool
    bucket: str
    prefix: str
    folder: Path
    role_name: str | None

    @property
    def part_path(self) -> Path:
        """The file that an object is downloaded to before it gets its name.

        It is outside the folder and has a name of its own, because an object's name may be as long
        as the file system allows.
        """
        return self.folder.with_suffix(".part")

    @property
    def index_path(self) -> Path:
        """The file that records what OSS has, with the state of each file at its last copy."""
        return self.folder.with_suffix(".index.json")


class _RoleCredentials(oss2.credentials.CredentialsProvider):  # type: ignore[misc]
    """The credentials of a role for oss2, renewed when due."""

    def __init__(self, context: Context, role_name: str, session: str) -> None:
        self._access = context.access
        uri = context.access.credentials_uri(role_name, session, service=PAI_SERVICE)
        self._token = uri.rsplit("/", 1)[-1]

    def get_credentials(self) -> Any:
        principal = self._access.credentials_of_uri(self._token)
        if principal is None:
            raise JobFailureError("CredentialsRevoked", "The job's credentials were revoked.")
        return oss2.credentials.Credentials(
            principal.access_key_id, principal.access_key_secret, principal.security_token
        )


class MountSync:
    """Downloads and uploads one mount.

    Args:
        mount: The mount.
        context: The running local cloud.
        session: The name of the role's session: the job id.
        check: Called between objects; raises an error to stop.
    """

    def __init__(
        self, mount: Mount, context: Context, session: str, check: Callable[[], None]
    ) -> None:
        self.mount = mount
        self._check = check
        platform = context.platform
        if mount.role_name is None:
            account = context.access.account
            provider: Any = oss2.credentials.StaticCredentialsProvider(
                account.access_key_id, account.access_key_secret
            )
        else:
            provider = _RoleCredentials(context, mount.role_name, session)
        self._bucket = oss2.Bucket(
            oss2.ProviderAuthV4(provider),
            platform.endpoints["oss"],
            mount.bucket,
            region=platform.region_id,
            connect_timeout=_CONNECT_TIMEOUT_SECONDS,
            enable_crc=False,
        )

    def down(self) -> int:
        """Download new and changed objects to the folder, and return their number.

        Raises:
            JobFailureError: The bucket is missing, access is denied, or OSS does not answer.
        """
        mount, index, fetched = self.mount, self._load(), 0
        mount.folder.mkdir(parents=True, exist_ok=True)
        with self._explained("read"):
            for entry in self._listing():
                self._check()
                target = self._target(entry.key)
                if entry.key.endswith("/"):
                    target.mkdir(parents=True, exist_ok=True)
                    continue
                known = index.get(entry.key)
                if known is not None and known[0] == entry.etag and _signature(target) == known[1:]:
                    continue
                self._fetch(entry.key, entry.size, target)
                index[entry.key] = [entry.etag, *_signature(target)]
                fetched += 1
        self._save(index)
        return fetched

    def up(self, *, final: bool = False) -> int:
        """Upload changed files to OSS, delete missing ones, and return the number of changes.

        Files are uploaded in the order of their modification, so the result of a job, which it
        writes last, arrives last.

        Args:
            final: Also upload files that changed just now, because the job has ended.

        Raises:
            JobFailureError: Access is denied, or OSS does not answer.
        """
        if not self.mount.writable:
            return 0
        index, changed = self._load(), 0
        present = {self._key(path): path for path in _files(self.mount.folder)}
        with self._explained("write"):
            for key, path in sorted(present.items(), key=lambda item: _modified(item[1])):
                signature = _signature(path)
                known = index.get(key)
                if not signature or (known is not None and known[1:] == signature):
                    continue
                if not final and time.time() - _modified(path) < _SETTLE_SECONDS:
                    continue
                etag = self._put(key, path)
                if etag is None or (not final and _signature(path) != signature):
                    continue
                index[key] = [etag, *signature]
                changed += 1
                self._save(index)
            gone = sorted(index.keys() - present.keys())
            for key in gone:
                self._bucket.delete_object(key)
                del index[key]
                changed += 1
        if gone:
            self._save(index)
        return changed

    def _listing(self) -> Iterator[Any]:
        for entry in oss2.ObjectIteratorV2(self._bucket, prefix=self.mount.prefix):
            if entry.key != self.mount.prefix:
                yield entry

    def _target(self, key: str) -> Path:
        relative = PurePosixPath(key.removeprefix(self.mount.prefix))
        if relative.is_absolute() or ".." in relative.parts:
            raise JobFailureError(
                "DataSourceMountFailed",
                f"oss://{self.mount.bucket}/{key} has '..' or '//' in its key, which a folder "
                "cannot contain; rename the object.",
            )
        return self.mount.folder / relative

    def _key(self, path: Path) -> str:
        return self.mount.prefix + path.relative_to(self.mount.folder).as_posix()

    def _fetch(self, key: str, size: int, target: Path) -> None:
        target.parent.mkdir(parents=True, exist_ok=True)
        part = self.mount.part_path
        try:
            self._bucket.get_object_to_file(key, str(part))
            if part.stat().st_size != size:
                raise JobFailureError(
                    "DataSourceUnavailable",
                    f"oss://{self.mount.bucket}/{key} has {size} bytes, but "
                    f"{part.stat().st_size} were received",
                )
            if not self.mount.writable:
                part.chmod(0o444)
            part.replace(target)
        finally:
            part.unlink(missing_ok=True)

    def _put(self, key: str, path: Path) -> str | None:
        try:
            if path.stat().st_size < _MULTIPART_BYTES:
                return str(self._bucket.put_object_from_file(key, str(path)).etag)
            store = oss2.ResumableStore(root=str(self.mount.folder.parent), dir=".uploads")
            return str(oss2.resumable_upload(self._bucket, key, str(path), store=store).etag)
        except FileNotFoundError:
            return None

    @contextlib.contextmanager
    def _explained(self, verb: str) -> Iterator[None]:
        mount = self.mount
        where = f"oss://{mount.bucket}/{mount.prefix} (mounted at {mount.mount_path})"
        who = f"role {mount.role_name}" if mount.role_name else "the account"
        try:
            yield
        except oss2.exceptions.ServerError as error:
            raise JobFailureError(
                "DataSourceMountFailed" if error.status < 500 else "DataSourceUnavailable",
                f"{who} could not {verb} {where}: {error.code} (HTTP {error.status}) "
                f"{error.message}",
            ) from error
        except (oss2.exceptions.RequestError, requests.RequestException) as error:
            raise JobFailureError(
                "DataSourceUnavailable", f"OSS did not answer while {who} {verb}s {where}: {error}"
            ) from error
        except OSError as error:
            raise JobFailureError(
                "DataSourceMountFailed",
                f"{where} has an object that cannot be a file here: {error}. Rename the object.",
            ) from error

    def _load(self) -> dict[str, list[Any]]:
        try:
            return dict(json.loads(self.mount.index_path.read_text(encoding="utf-8")))
        except FileNotFoundError:
            return {}

    def _save(self, index: dict[str, list[Any]]) -> None:
        path = self.mount.index_path
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_suffix(".tmp")
        temporary.write_text(json.dumps(index), encoding="utf-8")
        temporary.replace(path)


def retry_while_unavailable(attempt: Callable[[], int], wait: Callable[[float], None]) -> int:
    """Repeat ``attempt`` while OSS is unavailable, as during its restart; up to 15 seconds.

    Raises:
        JobFailureError: OSS stays unavailable, or the failure has another reason.
    """
    retrying = tenacity.Retrying(
        retry=tenacity.retry_if_exception(_is_unavailable),
        stop=tenacity.stop_after_attempt(_ATTEMPTS),
        wait=tenacity.wait_exponential(),
        sleep=wait,
        reraise=True,
    )
    return retrying(attempt)


def _is_unavailable(error: BaseException) -> bool:
    return isinstance(error, JobFailureError) and error.reason_code == "DataSourceUnavailable"


def _files(folder: Path) -> Iterator[Path]:
    for parent, _, names in os.walk(folder):
        for name in names:
            path = Path(parent, name)
            if path.is_file():
                yield path


def _signature(path: Path) -> list[int]:
    """Return the size in bytes and modification time in ns; empty if the file does not exist."""
    try:
        status = path.stat()
    except FileNotFoundError:
        return []
    return [status.st_size, status.st_mtime_ns]


def _modified(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return 0.0
