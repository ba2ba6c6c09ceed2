"""The deployment of a registered model, to the state DEPLOYED."""

from __future__ import annotations

from typing import Any, Final

from pluginhost import ProviderError
from providers.clients.errors import ConflictError, InvalidRequestError
from providers.plugin.opensearch_errors import explain
from providers.plugin.opensearch_tasks import Models, Task, Watch

__all__ = ["DEPLOYED", "deploy"]

DEPLOYED: Final = "DEPLOYED"
_ANOTHER: Final = "uplicate deploy model task"
"""In the error of a deployment while another one of the model runs."""
_REASONS: Final = {
    "REGISTERED": "",
    "UNDEPLOYED": "a user undeployed it, or its nodes restarted",
    "PARTIALLY_DEPLOYED": "some of its nodes do not hold it",
    "DEPLOY_FAILED": "no node holds it",
}


def deploy(model_id: str, models: Models, seconds: float) -> None:
    """Deploy a model unless it is deployed, and wait.

    Args:
        model_id: The model, which is registered.
        models: The cluster's models.
        seconds: How long the deployment may take.

    Raises:
        ProviderError: It failed, or the model is gone.
        WaitEndedError: Waiting ended while the cluster goes on.
    """
    model = _present(models, model_id)
    state, name = model["model_state"], model["name"]
    if state == DEPLOYED:
        return
    if _REASONS.get(state):
        models.call.log(f"model {name} is {state}, because {_REASONS[state]}: deploying it again")
    task_id = _start(models, model_id, name)
    watch = Watch(models.call, f"deploying model {name}", seconds)
    while True:
        # In this order, because the task ends before the model's state is written.
        task = models.task(task_id) if task_id else Task(state="RUNNING", model_id="", error="")
        state = _present(models, model_id)["model_state"]
        if state == DEPLOYED:
            return
        if task.ended and task.state != "COMPLETED" and _ANOTHER in task.error:
            # Started by a run that was killed. A node said so only after it had taken this task.
            watch.pause(state)
            task_id = _start(models, model_id, name)
            continue
        if task.ended and task.state != "COMPLETED":
            error = explain(task.error or f"the task {task_id} is {task.state}")
            raise ProviderError(f"model {name} is {state}: {error}")
        watch.pause(state)


def _start(models: Models, model_id: str, name: str) -> str | None:
    """Return the task of the deployment; None if another one runs."""
    search = models.search
    try:
        answer = search.ask(
            f"DeployModel {name}",
            lambda: search.client.plugins.ml.deploy_model(model_id=model_id),
        )
    except (ConflictError, InvalidRequestError) as error:
        if _ANOTHER in error.message:
            return None
        raise ProviderError(f"model {name} was not deployed: {explain(error.message)}") from error
    return str(answer["task_id"])


def _present(models: Models, model_id: str) -> Any:
    model = models.get(model_id)
    if model is None:
        raise ProviderError(
            f"model {model_id} was deleted. Run `pulumi refresh`, then `pulumi up`, which "
            "registers it again."
        )
    return model
