"""The plugin's client for the daemon's admin API, which also starts the daemon.

Owns the wire form of ``/_local/...`` requests on the plugin's side. Its only state is the daemon's
address.
"""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from localcloud.core.code import code_digest
from localcloud.core.errors import CloudError
from localcloud.core.home import Platform, load_platform
from pluginhost import ProviderError

_HEALTH_TIMEOUT_SECONDS = 10.0
_START_TIMEOUT_SECONDS = 1200.0
# Creating an instance can take as long as its service takes to start; the daemon has deadlines.
_CALL_TIMEOUT_SECONDS = 1800.0


class DaemonClient:
    """The daemon of one local stack.

    Args:
        platform: The stack.
    """

    def __init__(self, platform: Platform) -> None:
        self.platform = platform
        self._types: dict[str, dict[str, list[str]]] | None = None

    @classmethod
    def of_credentials_file(cls, path: str) -> DaemonClient:
        """Return the client for the stack with the given ``platform.json``.

        Raises:
            ProviderError: The file does not exist, or has another name.
        """
        file = Path(path)
        if file.name != "platform.json" or not file.is_file():
            raise ProviderError(
                f"sharedCredentialsFile of the alicloud provider is {path!r}; a local stack needs "
                "the path of its platform.json, which python -m localcloud init --home HOME creates"
            )
        return cls(load_platform(file.parent.resolve()))

    def ensure_running(self) -> None:
        """Start the daemon unless it is healthy; a daemon that runs other code is replaced.

        Raises:
            ProviderError: The daemon did not start; the message has its output.
        """
        if self.healthy():
            return
        home = self.platform.home
        # -P: the engine runs the plugin in the program's folder, whose modules must not be found.
        command = [sys.executable, "-P", "-m", "localcloud", "start", "--home", str(home)]
        try:
            started = subprocess.run(
                command,
                capture_output=True,
                text=True,
                timeout=_START_TIMEOUT_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise ProviderError(
                f"the local cloud did not start within {_START_TIMEOUT_SECONDS:g} s; see "
                f"{home / 'logs' / 'daemon.log'}"
            ) from error
        if started.returncode != 0:
            raise ProviderError(
                f"the local cloud did not start: {started.stderr.strip() or started.stdout.strip()}"
            )

    def healthy(self) -> bool:
        """Return whether the daemon of this stack answers and runs this code."""
        try:
            return self._call("GET", "/_local/health", None, _HEALTH_TIMEOUT_SECONDS) == {
                "home": str(self.platform.home),
                "code": code_digest(),
            }
        except (ProviderError, CloudError):
            return False

    def types(self) -> dict[str, dict[str, list[str]]]:
        """Return the ``effective`` and ``recorded`` inputs of each type that has a handler."""
        if self._types is None:
            self._types = self._call("GET", "/_local/types", None, _CALL_TIMEOUT_SECONDS)
        return self._types

    def resource(self, operation: str, document: dict[str, Any]) -> dict[str, Any]:
        """Carry out ``create``, ``read``, ``update`` or ``delete``.

        Raises:
            CloudError: The service refused the request; it has the cloud's code.
            ProviderError: The daemon does not answer.
        """
        path = f"/_local/resources/{operation}"
        return self._call("POST", path, document, _CALL_TIMEOUT_SECONDS)

    def _call(
        self, method: str, path: str, document: dict[str, Any] | None, timeout_seconds: float
    ) -> dict[str, Any]:
        address = urlsplit(self.platform.endpoints["api"])
        connection = http.client.HTTPConnection(
            address.hostname or "", address.port, timeout=timeout_seconds
        )
        try:
            connection.request(
                method,
                path,
                body=None if document is None else json.dumps(document),
                headers={
                    "X-Local-Secret": self.platform.access_key_secret,
                    "Content-Type": "application/json",
                },
            )
            response = connection.getresponse()
            body = response.read()
        except (OSError, http.client.HTTPException) as error:
            raise ProviderError(
                f"the local cloud at {self.platform.endpoints['api']} does not answer "
                f"({error or type(error).__name__}); start it with: "
                f"python -m localcloud start --home {self.platform.home}, then run the update "
                "again: it continues the operations that had started, and repeats none"
            ) from error
        finally:
            connection.close()
        return _result(response.status, body)


def _result(status: int, body: bytes) -> dict[str, Any]:
    try:
        document = json.loads(body)
    except ValueError as error:
        raise ProviderError(
            f"the local cloud answered HTTP {status} with {body[:200]!r}, which is not JSON; is "
            "something else listening on its address?"
        ) from error
    if status >= 400:
        raise CloudError(
            str(document.get("Code", "InternalError")), str(document.get("Message", "")), status
        )
    if not isinstance(document, dict):
        raise ProviderError(f"the local cloud answered {document!r}, not an object")
    return document
