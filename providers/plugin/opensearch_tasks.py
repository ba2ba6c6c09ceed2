"""Models and tasks of ml-commons: look-ups, the wait for a task, the removal of a model.

Owns the calls. Does not own what is registered or deployed (``opensearch_registration``,
``opensearch_deployment``). A task may hang, for example after a restart of its node, so every wait
also looks at the model and has a deadline.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from pluginhost import OperationCancelledError, ProviderError
from providers.clients.errors import InvalidRequestError, NotFoundError
from providers.plugin.framework import Call
from providers.plugin.search import SearchCluster

__all__ = ["ENDED", "Models", "Task", "WaitEndedError", "Watch"]

ENDED: Final = ("COMPLETED", "COMPLETED_WITH_ERROR", "FAILED", "CANCELLED", "EXPIRED")
_DELETE_SECONDS: Final = 120.0
# A task that no node runs at two looks this far apart does not run.
_GONE_SECONDS: Final = 5.0


class WaitEndedError(ProviderError):
    """Waiting ended (cancelled, deadline) while the cluster goes on."""


@dataclass(frozen=True, kw_only=True)
class Task:
    """A task of ml-commons.

    Attributes:
        state: e.g. ``RUNNING``; ``MISSING`` if the cluster does not know the task.
        model_id: Its model; empty as long as the task does not tell.
        error: Why it failed; empty otherwise.
    """

    state: str
    model_id: str
    error: str

    @property
    def ended(self) -> bool:
        """Whether it will not change."""
        return self.state in ENDED


class Models:
    """The models of a cluster.

    Args:
        search: The cluster.
        call: The operation of the engine.
    """

    def __init__(self, search: SearchCluster, call: Call) -> None:
        self.search = search
        self.call = call
        self._ml = search.client.plugins.ml

    def get(self, model_id: str) -> Mapping[str, Any] | None:
        """Return a model's document; None if there is no such model."""
        try:
            found: Mapping[str, Any] = self.search.ask(
                f"GetModel {model_id}", lambda: self._ml.get_model(model_id=model_id)
            )
        except NotFoundError:
            return None
        return found

    def named(self, group_id: str, name: str) -> dict[str, Mapping[str, Any]]:
        """Return the models of that name in a group by id, the latest first."""
        return self._found({"model_group_id": group_id, "name.keyword": name})

    def in_group(self, group_id: str) -> dict[str, Mapping[str, Any]]:
        """Return the models of a group by id, the latest first."""
        return self._found({"model_group_id": group_id})

    def _found(self, terms: Mapping[str, str]) -> dict[str, Mapping[str, Any]]:
        body = {
            "size": 100,
            "_source": ["name"],
            "sort": [{"created_time": "desc"}],
            "query": {
                "bool": {
                    "filter": [{"term": {field: value}} for field, value in terms.items()],
                    "must_not": [{"exists": {"field": "chunk_number"}}],
                }
            },
        }
        label = f"SearchModels {', '.join(terms.values())}"
        found = self.search.ask(label, lambda: self._ml.search_models(body=body))
        # The search may lag behind a change, a look-up by id does not.
        ids = [str(hit["_id"]) for hit in found["hits"]["hits"]]
        models = {model_id: self.get(model_id) for model_id in ids}
        return {model_id: model for model_id, model in models.items() if model is not None}

    def task(self, task_id: str) -> Task:
        """Return a task."""
        try:
            found = self.search.ask(
                f"GetTask {task_id}", lambda: self._ml.get_task(task_id=task_id)
            )
        except NotFoundError:
            return Task(state="MISSING", model_id="", error="")
        return Task(
            state=str(found["state"]),
            model_id=str(found.get("model_id") or ""),
            error=str(found.get("error") or ""),
        )

    def settle(self, model_id: str, seconds: float) -> Mapping[str, Any] | None:
        """Wait until a model is no longer being registered; remove it if nothing registers it.

        Returns:
            The model; None if it is gone.

        Raises:
            WaitEndedError: It is still being registered after `seconds`, or Ctrl-C.
        """
        watch, missed = Watch(self.call, f"registering model {model_id}", seconds), 0
        while True:
            model = self.get(model_id)
            if model is None or model["model_state"] != "REGISTERING":
                return model
            missed = 0 if self._is_registered_now(model_id) else missed + 1
            if missed > 1:
                self.call.log(
                    f"model {model_id} was left half-registered by an interrupted update: removed"
                )
                self.remove(model_id)
                return None
            watch.pause("REGISTERING", _GONE_SECONDS if missed else None)

    def _is_registered_now(self, model_id: str) -> bool:
        """Return whether a node is busy with the registration."""
        found = self.search.ask("GetProfileTasks", lambda: self._ml.get_profile_tasks())
        tasks = [
            task for node in found.get("nodes", {}).values() for task in node["tasks"].values()
        ]
        return any(task.get("model_id") == model_id for task in tasks)

    def undeploy(self, model_id: str) -> None:
        """Undeploy a model.

        Raises:
            NotFoundError: There is no such model.
        """
        self.search.ask(
            f"UndeployModel {model_id}", lambda: self._ml.undeploy_model(model_id=model_id)
        )

    def remove(self, model_id: str) -> None:
        """Undeploy and delete a model; succeed if it does not exist.

        Raises:
            ClientError: The cluster refused, for example because a pipeline uses the model.
        """
        deadline = self.call.clock() + _DELETE_SECONDS
        while True:
            try:
                self.undeploy(model_id)
                self.search.ask(
                    f"DeleteModel {model_id}", lambda: self._ml.delete_model(model_id=model_id)
                )
            except NotFoundError:
                return
            except InvalidRequestError as error:
                # A node may be deploying it.
                if "deploy" not in error.message or self.call.clock() >= deadline:
                    raise
                self.call.status(f"undeploying model {model_id}")
                self.call.wait(2.0)
            else:
                return


class Watch:
    """A wait with a deadline and a line of progress.

    Args:
        call: The operation of the engine.
        subject: What is waited for, e.g. ``registering model m``.
        seconds: How long the wait may take.
    """

    def __init__(self, call: Call, subject: str, seconds: float) -> None:
        self._call = call
        self._subject = subject
        self._seconds = seconds
        self._started = call.clock()

    def pause(self, state: str, seconds: float | None = None) -> None:
        """Show the state and wait a moment, or `seconds`.

        Raises:
            WaitEndedError: The time is over, or Ctrl-C.
        """
        waited = self._call.clock() - self._started
        goes_on = "The cluster goes on with it, and the next `pulumi up` adopts the model"
        if waited >= self._seconds:
            raise WaitEndedError(
                f"{self._subject} is still {state} after {waited:.0f} s. {goes_on}. Raise "
                "timeout_seconds or custom_timeouts to wait longer."
            )
        self._call.status(f"{self._subject}: {state}, {waited:.0f} s")
        try:
            self._call.wait(seconds or (1.0 if waited < 30 else 3.0))
        except OperationCancelledError as error:
            raise WaitEndedError(f"cancelled: {self._subject} is {state}. {goes_on}.") from error
