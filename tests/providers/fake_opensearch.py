"""An OpenSearch with ml-commons in memory, behind the transport of the real client.

It answers the requests that groups, models and pipelines make, in the shapes of OpenSearch 2.19.1
(seen on one). A task goes one step at each look. Every other request is a 400.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from opensearchpy import Connection, OpenSearch
from opensearchpy.exceptions import ConnectionError as NoConnectionError
from opensearchpy.exceptions import ConnectionTimeout

from providers.clients import opensearch

__all__ = ["OpenSearchCluster"]


class OpenSearchCluster:
    """Groups, models and tasks.

    Attributes:
        scripts: States of the next tasks of each kind, one a look; the last one stays.
        errors: Error of the next failing tasks of each kind.
        hangs: Whether tasks say RUNNING for ever, though their work is done.
        pipelines: Definitions by path.
        version: What it says it is.
        lost_replies: How many replies to a registration are lost.
        unreachable: Whether no node answers.
        refusals: How many requests are refused because of their password.
        bodies: Received registrations.
    """

    def __init__(self) -> None:
        self.groups: dict[str, dict[str, Any]] = {}
        self.models: dict[str, dict[str, Any]] = {}
        self.pipelines: dict[str, Any] = {}
        self.version = "2.19.1"
        self.tasks: dict[str, dict[str, Any]] = {}
        self.scripts = {
            "register": ["CREATED", "RUNNING", "COMPLETED"],
            "deploy": ["RUNNING", "COMPLETED"],
        }
        self.errors = {"register": "", "deploy": ""}
        self.hangs = False
        self.lost_replies = 0
        self.refusals = 0
        self.down = False
        self.unreachable = False
        self.bodies: list[dict[str, Any]] = []
        self.requests: list[str] = []

    def client(self, *_: Any) -> OpenSearch:
        """Return an OpenSearch client of this cluster."""
        cluster = self

        class Wire(Connection):
            def perform_request(
                self,
                method: str,
                url: str,
                params: Any = None,
                body: bytes | None = None,
                timeout: Any = None,
                ignore: Any = (),
                headers: Any = None,
            ) -> Any:
                sent = json.loads(body) if body else None
                status, answer = cluster.answer(method, url.strip("/"), sent)
                raw = json.dumps(answer)
                if status >= 400:
                    self._raise_error(status, raw, "application/json")
                return status, {"content-type": "application/json"}, raw

        return opensearch.client(
            "http://cluster:9200", "deployer", "secret", connection_class=Wire, http_compress=False
        )

    def answer(self, method: str, path: str, body: Any) -> tuple[int, Any]:
        """Status and body of the reply."""
        self.requests.append(f"{method} {path}")
        if self.unreachable:
            raise NoConnectionError("N/A", "connection refused", None)
        if self.refusals:
            self.refusals -= 1
            return 401, {"error": "Unauthorized"}
        if self.down:
            return 503, _error("unavailable_exception", "starting", 503)
        kind, _, rest = path.removeprefix("_plugins/_ml/").partition("/")
        if not path:
            return 200, {"version": {"number": self.version}}
        if path.startswith(("_ingest/pipeline/", "_search/pipeline/")):
            return self._on_pipeline(method, path, body)
        if rest == "_register":
            return self._register(kind, body)
        if rest == "_search":
            return self._search(kind, body)
        if kind == "profile":
            running = {
                key: {"model_id": task["model_id"]}
                for key, task in self.tasks.items()
                if task["runs"]
            }
            return 200, {"nodes": {"node-1": {"tasks": running}}} if running else {}
        if kind == "tasks":
            return self._look(rest)
        return self._on_model(method, rest, body)

    def _on_pipeline(self, method: str, path: str, body: Any) -> tuple[int, Any]:
        if method == "PUT":
            self.pipelines[path] = body
            return 200, {"acknowledged": True}
        if path not in self.pipelines:
            return 404, _error("resource_not_found_exception", "pipeline is missing", 404)
        if method == "DELETE":
            del self.pipelines[path]
            return 200, {"acknowledged": True}
        return 200, {path.rpartition("/")[2]: self.pipelines[path]}

    def _register(self, kind: str, body: Mapping[str, Any]) -> tuple[int, Any]:
        if kind == "model_groups":
            self.groups["group-1"] = dict(body)
            return 200, {"model_group_id": "group-1", "status": "CREATED"}
        self.bodies.append(dict(body))
        model_id = f"model-{len(self.bodies)}"
        self.models[model_id] = {
            "name": body["name"],
            "description": body.get("description"),
            "model_group_id": body["model_group_id"],
            "algorithm": body["function_name"],
            "model_config": body.get("model_config"),
            "hash": body.get("model_content_hash_value"),
            "model_state": "REGISTERING",
        }
        task_id = self._start("register", model_id)
        if self.lost_replies:
            self.lost_replies -= 1
            raise ConnectionTimeout("TIMEOUT", "read timed out", TimeoutError())
        return 200, {"task_id": task_id, "status": "CREATED"}

    def _start(self, kind: str, model_id: str) -> str:
        task_id = f"task-{len(self.tasks) + 1}"
        script = list(self.scripts[kind])
        self.tasks[task_id] = {"kind": kind, "model_id": model_id, "script": script, "runs": True}
        return task_id

    def _look(self, task_id: str) -> tuple[int, Any]:
        if task_id not in self.tasks:
            return 404, _error("status_exception", "Failed to find task", 404)
        task = self.tasks[task_id]
        state = task["script"].pop(0) if len(task["script"]) > 1 else task["script"][0]
        if state in ("COMPLETED", "FAILED", "COMPLETED_WITH_ERROR"):
            self._end(task, state)
            if self.hangs:
                return 200, {"state": "RUNNING"}
        error = self.errors[task["kind"]]
        shown = {"state": state, **({"error": error} if state != "COMPLETED" and error else {})}
        if state == "COMPLETED":
            shown["model_id"] = task["model_id"]
        return 200, shown

    def _end(self, task: dict[str, Any], state: str) -> None:
        if not task["runs"] or task["model_id"] not in self.models:
            return
        task["runs"], model = False, self.models[task["model_id"]]
        if task["kind"] == "register":
            if state == "FAILED":
                del self.models[task["model_id"]]
            else:
                model["model_state"] = "REGISTERED"
                model["model_content_hash_value"] = model["hash"]
        else:
            ends = {"COMPLETED": "DEPLOYED", "COMPLETED_WITH_ERROR": "PARTIALLY_DEPLOYED"}
            model["model_state"] = ends.get(state, "DEPLOY_FAILED")

    def _search(self, kind: str, body: Mapping[str, Any]) -> tuple[int, Any]:
        if kind == "model_groups":
            name = body["query"]["term"]["name.keyword"]
            found = [key for key, group in self.groups.items() if group["name"] == name]
        else:
            group, name = (
                next(iter(item["term"].values())) for item in body["query"]["bool"]["filter"]
            )
            found = [
                key
                for key, model in self.models.items()
                if (model["model_group_id"], model["name"]) == (group, name)
            ]
        return 200, {"hits": {"hits": [{"_id": key} for key in found]}}

    def _on_model(self, method: str, rest: str, body: Any) -> tuple[int, Any]:
        model_id, _, action = rest.partition("/")
        if model_id not in self.models:
            return 404, _error("status_exception", "Failed to find model", 404)
        model = self.models[model_id]
        if method == "GET":
            return 200, {key: value for key, value in model.items() if key != "hash"}
        if method == "PUT":
            model |= body
            return 200, {"result": "updated"}
        if action == "_deploy":
            model["model_state"] = "DEPLOYING"
            return 200, {"task_id": self._start("deploy", model_id), "status": "CREATED"}
        if action == "_undeploy":
            model["model_state"] = "UNDEPLOYED"
            return 200, {}
        del self.models[model_id]
        return 200, {"result": "deleted"}


def _error(kind: str, reason: str, status: int) -> dict[str, Any]:
    return {"error": {"type": kind, "reason": reason}, "status": status}
