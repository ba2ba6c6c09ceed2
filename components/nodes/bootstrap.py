"""Put a service's code on a node. cloud-init runs this once, before the service starts.

Owns: installing requirements, and fetching the zip with the code. Does not own: the service, which
systemd runs. The user data contains this file, so it imports nothing from this project, and only
the standard library until the requirements are installed.

    python3 bootstrap.py --code-uri oss://bucket/code/customrag-0123456789ab.zip \
        --oss-endpoint https://oss-cn-hangzhou-internal.aliyuncs.com --region-id cn-hangzhou \
        --directory /opt/customrag/code --requirements /etc/customrag/requirements.txt
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

PYTHON_MINIMUM = (3, 11)
# The RAM role is attached after the instance exists; until then OSS rejects requests.
DEADLINE_SECONDS = 600.0
FIRST_PAUSE_SECONDS, LAST_PAUSE_SECONDS = 0.5, 5.0
_DIGEST = re.compile(r"-([0-9a-f]{12,64})\.zip$")


class BootstrapError(Exception):
    """The node cannot run its service. The message says what to change."""


def expected_digest(code_uri: str) -> str:
    """Return the hexadecimal digits (12 to 64) of the SHA-256 in the zip's name.

    Raises:
        BootstrapError: The name does not contain them.
    """
    found = _DIGEST.search(code_uri)
    if found is None:
        raise BootstrapError(
            f"--code-uri is {code_uri!r}; its name must end in -<12 to 64 hexadecimal digits of "
            "its SHA-256>.zip"
        )
    return found.group(1)


def install_requirements(requirements: Path) -> None:
    """Install missing requirements. pip contacts no index if none is missing.

    Raises:
        BootstrapError: pip failed.
    """
    if not requirements.read_text(encoding="utf-8").strip():
        return
    command = [
        sys.executable,
        *("-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"),
        *("--requirement", str(requirements)),
    ]
    # The node runs only this service, so no other program uses its system Python.
    environment = {**os.environ, "PIP_BREAK_SYSTEM_PACKAGES": "1"}
    if subprocess.run(command, env=environment, check=False).returncode != 0:
        raise BootstrapError(
            f"pip could not install {requirements}. Add the packages to the image, or let the "
            "node's subnet reach a package index"
        )


def open_bucket(endpoint: str, bucket_name: str, region_id: str) -> Any:
    """Return the bucket, opened with the credentials of the node's RAM role."""
    import oss2
    from alibabacloud_credentials.client import Client

    chain = Client()

    class RoleCredentials(oss2.credentials.CredentialsProvider):  # type: ignore[misc]
        def get_credentials(self) -> Any:
            current = chain.get_credential()
            return oss2.credentials.Credentials(
                current.access_key_id, current.access_key_secret, current.security_token
            )

    auth = oss2.ProviderAuthV4(RoleCredentials())
    return oss2.Bucket(auth, endpoint, bucket_name, region=region_id, connect_timeout=30)


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def fetch(bucket: Any, key: str, destination: Path, digest: str) -> None:
    """Download the zip and check its digest; `destination` is either complete or absent.

    Raises:
        BootstrapError: The content does not match the digest in the name.
    """
    if destination.is_file() and sha256_of(destination).startswith(digest):
        return
    destination.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=destination.parent, suffix=".part")
    os.close(descriptor)
    part = Path(name)
    try:
        bucket.get_object_to_file(key, str(part))
        actual = sha256_of(part)
        if not actual.startswith(digest):
            raise BootstrapError(
                f"{key} has the SHA-256 {actual}, but its name says {digest}. Upload it again"
            )
        part.chmod(0o644)
        part.replace(destination)
    finally:
        part.unlink(missing_ok=True)


def fetch_until_deadline(arguments: argparse.Namespace, deadline_seconds: float) -> Path:
    """Repeat `fetch` until OSS accepts the node's role, or until the deadline.

    Raises:
        BootstrapError: The deadline passed, or the content does not match its digest.
    """
    digest = expected_digest(arguments.code_uri)
    uri = urlsplit(arguments.code_uri)
    key = uri.path.lstrip("/")
    destination = Path(arguments.directory) / Path(key).name
    started, pause = time.monotonic(), FIRST_PAUSE_SECONDS
    while True:
        try:
            bucket = open_bucket(arguments.oss_endpoint, uri.netloc, arguments.region_id)
            fetch(bucket, key, destination, digest)
        except BootstrapError:
            raise
        except Exception as error:
            if time.monotonic() - started >= deadline_seconds:
                raise BootstrapError(
                    f"could not fetch {arguments.code_uri} within {deadline_seconds:.0f} s. The "
                    "node's RAM role must be attached and allow oss:GetObject on it. Last error: "
                    f"{error}"
                ) from error
            print(f"bootstrap: cannot fetch the code yet ({error}); trying again", flush=True)
            time.sleep(pause)
            pause = min(2 * pause, LAST_PAUSE_SECONDS)
        else:
            return destination


def main(argv: list[str] | None = None) -> int:
    """Install the code and return the exit code: 0 if it is in place."""
    parser = argparse.ArgumentParser(description=__doc__)
    for option in ("--code-uri", "--oss-endpoint", "--region-id", "--directory", "--requirements"):
        parser.add_argument(option, required=True)
    parser.add_argument("--deadline-seconds", type=float, default=DEADLINE_SECONDS)
    arguments = parser.parse_args(argv)
    try:
        if sys.version_info[:2] < PYTHON_MINIMUM:
            raise BootstrapError(
                f"python3 is {sys.version.split()[0]}, but the service needs 3.11 or newer; choose "
                "an image with it"
            )
        install_requirements(Path(arguments.requirements))
        path = fetch_until_deadline(arguments, arguments.deadline_seconds)
    except BootstrapError as error:
        print(f"bootstrap: {error}", file=sys.stderr, flush=True)
        return 1
    print(f"bootstrap: {path} is in place", flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
