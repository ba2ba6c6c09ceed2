"""The declared workers of a local stack, and the process of the running one.

Owns the scripts' files and workerd's process. A worker runs if a domain names it. Only one worker
can run, because the stack has one address for its edge. The worker finds the stack's load balancers
by the names of their certificates (``localcloud.alb.names``), and trusts only the certificates that
were uploaded to the stack.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from localcloud.alb.names import served_names
from localcloud.cas.certificates import Certificates
from localcloud.core.background import Worker, worker_of
from localcloud.core.errors import CloudError, SupervisorError
from localcloud.core.home import data_dir, log_dir
from localcloud.core.resources import Context, Properties
from localcloud.core.supervisor import ProcessSpec

SCRIPTS: Final = "cloudflare.scripts"
DOMAINS: Final = "cloudflare.domains"

_EDGE: Final = Path(__file__).resolve().parents[2] / "edge"
_PROCESS: Final = "edge"


class Workers:
    """The workers of one local stack.

    Args:
        context: The local cloud.
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        self._scripts = context.store.table(SCRIPTS)
        self._domains = context.store.table(DOMAINS)

    def start(self) -> None:
        """Start the worker that an earlier daemon ran."""
        service = self._running_service()
        script = self._scripts.get(service) if service else None
        if service and script is not None and shutil.which("node") is not None:
            self._context.supervisor.start(self._spec(service, script))

    def close(self) -> None:
        """Do nothing, because the supervisor owns the process."""

    def apply(self) -> None:
        """Run the script that the domain names, or stop the worker if no domain exists.

        Raises:
            CloudError: The worker does not start; the message has the end of its log.
        """
        service = self._running_service()
        script = self._scripts.get(service) if service else None
        if not service or script is None:
            self._context.supervisor.forget(_PROCESS)
            shutil.rmtree(self._folder, ignore_errors=True)
            return
        self._context.supervisor.start(self._spec(service, script))
        try:
            self._context.supervisor.wait_healthy(_PROCESS)
        except SupervisorError as error:
            raise CloudError("10021", f"The worker {service} does not start: {error}") from error

    def follow(self) -> None:
        """Give the running worker the current names and certificates.

        Raises:
            CloudError: The worker does not restart.
        """
        if self._running_service() is not None:
            self.apply()

    def _running_service(self) -> str | None:
        return next((str(domain["service"]) for domain in self._domains.values()), None)

    @property
    def _folder(self) -> Path:
        return data_dir(self._context.platform.home, "cloudflare")

    def _spec(self, service: str, script: Properties) -> ProcessSpec:
        url, node = self._context.platform.endpoints["edge"], _node()
        return ProcessSpec(
            name=_PROCESS,
            argv=(node, str(_EDGE / "local" / "serve.mjs"), str(self._config(service, script))),
            env={
                # Not the daemon's environment: a later daemon from another shell adopts this
                # process.
                "PATH": f"{Path(node).parent}{os.pathsep}{os.defpath}",
                "HOME": str(self._folder),
                "LANG": "C.UTF-8",
            },
            # In the stack's folder, so that `make down` finds the process of a killed daemon.
            cwd=self._folder,
            log=log_dir(self._context.platform.home) / "edge.log",
            # Every status below 500 means that the worker runs.
            health_url=f"{url}/health",
            # A script that cannot start fails quickly.
            max_restarts=2,
            stop_timeout_seconds=5,
        )

    def _config(self, service: str, script: Properties) -> Path:
        """Write workerd's files; their names contain a digest, so that a change restarts it."""
        address = urlsplit(self._context.platform.endpoints["edge"])
        content = str(script["content"])
        source = self._folder / f"{service}-{_digest(content)}.js"
        config = {
            "script": str(source),
            "host": address.hostname,
            "port": address.port,
            "compatibility_date": script["compatibilityDate"],
            **_bindings(script["bindings"]),
            "names": served_names(self._context),
            "trusted": Certificates(self._context).trusted(),
        }
        text = json.dumps(config, indent=1)
        file = self._folder / f"{service}-{_digest(text)}.json"
        for path, written in ((source, content), (file, text)):
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8") as out:
                out.write(written)
        for other in self._folder.glob(f"{service}-*"):
            if other not in (source, file):
                other.unlink(missing_ok=True)
        return file


def _node() -> str:
    found = shutil.which("node")
    if found is None or not (_EDGE / "node_modules" / "miniflare").is_dir():
        raise CloudError(
            "LocalCloud.NotSupported",
            "The edge's worker needs Node.js and the npm package miniflare, which are missing. Run "
            "`make setup`, or set customrag:edge to none.",
            501,
        )
    return found


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _bindings(bindings: list[Properties]) -> dict[str, Any]:
    return {
        "bindings": {b["name"]: b["text"] for b in bindings if b["type"].endswith("_text")},
        "ratelimits": {
            b["name"]: {"limit": int(b["simple"]["limit"]), "period": int(b["simple"]["period"])}
            for b in bindings
            if b["type"] == "ratelimit"
        },
    }


def workers_of(context: Context) -> Workers:
    """Return the workers of ``context``."""
    return worker_of(context, Workers, Workers)


def workers(context: Context) -> tuple[Worker, ...]:
    """Return the workers that the daemon starts and closes."""
    return (workers_of(context),)
