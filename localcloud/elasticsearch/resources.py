"""The resource type ``alicloud:elasticsearch/instance:Instance``.

Owns: the life of an instance, from its record in the store to its engine. Does not own the engine's
configuration (``engine.py``) and the checks of inputs (``checks.py``).

Status values: https://help.aliyun.com/zh/es/developer-reference/
api-elasticsearch-2017-06-13-describeinstance (read 2026-11): active, activating, inactive, invalid.
"""

from __future__ import annotations

import datetime
from typing import Any, Final

from localcloud.core.accounts import plan_account
from localcloud.core.errors import CloudError, LocalCloudError
from localcloud.core.home import data_dir, log_dir
from localcloud.core.resources import Context, Created, Properties, ResourceHandler
from localcloud.elasticsearch import distribution, engine
from localcloud.elasticsearch.checks import check_inputs, engine_settings
from localcloud.elasticsearch.engine import Engine
from localcloud.elasticsearch.offer import require_offer

__all__ = ["HANDLERS", "TABLE", "Instance", "discard", "require", "start"]

TABLE: Final = "elasticsearch.instances"
SNAPSHOT_SETTINGS: Final = "elasticsearch.snapshot_settings"
_STATUS: Final = {
    "running": "active",
    "starting": "activating",
    "restarting": "activating",
    "stopped": "inactive",
    "exited": "invalid",
    "failed": "invalid",
}


class Instance(ResourceHandler):
    """An Elasticsearch instance: one engine and its gateway, on their own address."""

    token = "alicloud:elasticsearch/instance:Instance"
    effective = frozenset(
        {
            *("enableKibanaPrivateNetwork", "enableKibanaPublicNetwork", "enablePublic"),
            *("password", "protocol", "settingConfig", "version"),
        }
    )
    recorded = frozenset(
        {
            *("clientNodeConfiguration", "dataNodeAmount", "dataNodeConfiguration"),
            *("dataNodeDiskEncrypted", "dataNodeDiskPerformanceLevel", "dataNodeDiskSize"),
            *("dataNodeDiskType", "dataNodeSpec", "description", "force", "instanceCategory"),
            *("instanceChargeType", "kibanaConfiguration", "kibanaNodeSpec"),
            *("kibanaPrivateSecurityGroupId", "kibanaPrivateWhitelists", "kibanaWhitelists"),
            *("masterConfiguration", "orderActionType", "paymentType", "period"),
            *("privateWhitelists", "publicWhitelists", "renewStatus", "renewalDurationUnit"),
            *("autoRenewDuration", "resourceGroupId", "tags", "updateStrategy", "vswitchId"),
            *("warmNodeConfiguration", "zoneCount"),
        }
    )

    def create(self, inputs: Properties, context: Context) -> Created:
        """Start an engine and wait until the user ``elastic`` can sign in.

        Raises:
            CloudError: An input is refused, or the engine did not start. Nothing is left behind.
        """
        check_inputs(inputs)
        require_offer(inputs, context)
        instance_id = context.ids.new("es-cn-", 17)
        created = _now()
        try:
            running = self._start(instance_id, inputs, created, context)
        except LocalCloudError as error:
            discard(instance_id, context)
            if isinstance(error, CloudError):
                raise
            raise CloudError("InstanceCreateFailed", str(error), 500) from error
        return Created(instance_id, _outputs(running, inputs, "active", created))

    def _start(
        self, instance_id: str, inputs: Properties, created: str, context: Context
    ) -> Engine:
        java_home = distribution.find_java_home()
        home = distribution.installed() or distribution.fetch()
        private_folder = data_dir(context.platform.home, "elasticsearch")
        folder = private_folder / instance_id
        folder.mkdir(mode=0o700, exist_ok=True)
        account = plan_account(folder, home)
        made = Engine(
            instance_id=instance_id,
            address=context.addresses.allocate(instance_id),
            folder=account.folder,
            distribution=account.distribution,
            java_home=java_home,
            prefix=account.prefix,
            private_folder=private_folder,
            log_folder=log_dir(context.platform.home),
        )
        record = {
            "engine": made.document(),
            "inputs": _without_secrets(inputs),
            "created": created,
            "ready": False,
        }
        table = context.store.table(TABLE)
        table.put(instance_id, record)
        password = str(inputs["password"])
        engine.prepare(made, account, password, engine_settings(inputs))
        start(made, context)
        engine.set_password(made, password)
        table.put(instance_id, {**record, "ready": True})
        return made

    def read(self, id: str, outputs: Properties, context: Context) -> Properties | None:
        """Return its current properties, or None if its record or its data does not exist."""
        record = context.store.table(TABLE).get(id)
        if record is None:
            return None
        found = Engine.restored(record["engine"])
        if not found.data_exists:
            return None
        process = context.supervisor.status(found.process_name)
        status = _STATUS[process.state] if process is not None else "invalid"
        current = {**outputs, **record["inputs"]}
        return {**current, **_outputs(found, current, status, record["created"])}

    def update(
        self, id: str, outputs: Properties, inputs: Properties, context: Context
    ) -> Properties:
        """Change the password and settings; record the other inputs.

        Raises:
            CloudError: The instance does not exist, an input is refused, or a change failed.
        """
        check_inputs(inputs)
        record = require(id, context)
        changed = Engine.restored(record["engine"])
        try:
            if engine.write_settings(changed, engine_settings(inputs)):
                context.supervisor.stop(changed.process_name)
            start(changed, context)
            engine.set_password(changed, str(inputs["password"]))
        except LocalCloudError as error:
            raise CloudError("InstanceUpdateFailed", str(error), 500) from error
        context.store.table(TABLE).put(id, {**record, "inputs": _without_secrets(inputs)})
        return {**inputs, **_outputs(changed, inputs, "active", record["created"])}

    def delete(self, id: str, outputs: Properties, context: Context) -> None:
        """Stop the instance and remove its data."""
        discard(id, context)


def require(instance_id: str, context: Context) -> Properties:
    """Return the record of an instance.

    Raises:
        CloudError: ``InstanceNotFound``.
    """
    record = context.store.table(TABLE).get(instance_id)
    if record is None:
        raise CloudError(
            "InstanceNotFound", f"The instanceId {instance_id} provided does not exist.", 404
        )
    return record


def start(instance: Engine, context: Context) -> None:
    """Start the instance's processes unless they run, and wait until the engine answers.

    Raises:
        LocalCloudError: It did not start.
    """
    gateway, process = engine.specs(instance)
    context.supervisor.start(gateway)
    context.supervisor.start(process)
    context.supervisor.wait_healthy(gateway.name)
    context.supervisor.wait_healthy(process.name)


def discard(instance_id: str, context: Context) -> None:
    """Remove an instance, complete or not; a missing one is success."""
    table = context.store.table(TABLE)
    record = table.get(instance_id)
    if record is not None:
        gone = Engine.restored(record["engine"])
        context.supervisor.forget(gone.process_name)
        context.supervisor.forget(gone.gateway_name)
        engine.remove(gone)
    folder = data_dir(context.platform.home, "elasticsearch") / instance_id
    engine.remove_folder(folder)
    table.delete(instance_id)
    context.store.table(SNAPSHOT_SETTINGS).delete(instance_id)
    context.addresses.release(instance_id)


def _without_secrets(inputs: Properties) -> Properties:
    return {name: value for name, value in inputs.items() if name != "password"}


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def _outputs(instance: Engine, inputs: Properties, status: str, created: str) -> dict[str, Any]:
    payment = inputs.get("paymentType") or "PayAsYouGo"
    return {
        "archType": "public",
        "createTime": created,
        "description": inputs.get("description") or instance.instance_id,
        "domain": instance.address,
        "enableKibanaPrivateNetwork": False,
        "enableKibanaPublicNetwork": False,
        "enablePublic": False,
        "instanceChargeType": "PostPaid" if payment == "PayAsYouGo" else "PrePaid",
        "kibanaDomain": "",
        "kibanaPort": 0,
        "kibanaPrivateDomain": "",
        "paymentType": payment,
        "port": engine.GATEWAY_PORT,
        "protocol": "HTTP",
        "publicDomain": "",
        "publicPort": 0,
        "status": status,
    }


HANDLERS: tuple[type[ResourceHandler], ...] = (Instance,)
