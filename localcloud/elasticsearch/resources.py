"""The resource type ``alicloud:elasticsearch/instance:Instance``.

Owns: the life of an instance, from its record in the store to its engine. It does not own how an
engine is configured (``engine.py``) or what inputs are taken (``checks.py``).

Status values: https://help.aliyun.com/zh/es/developer-reference/
api-elasticsearch-2017-06-13-describeinstance (read 2026-11): active, activating, inactive, invalid.
"""

from __future__ import annotations

import datetime
from typing import Any, Final

from localcloud.core.errors import CloudError, LocalCloudError
from localcloud.core.home import data_dir, log_dir
from localcloud.core.resources import Context, Created, Properties, ResourceHandler
from localcloud.elasticsearch import distribution, engine
from localcloud.elasticsearch.accounts import plan_account
from localcloud.elasticsearch.checks import check_inputs, engine_settings
from localcloud.elasticsearch.engine import Engine
from localcloud.elasticsearch.offer import require_offer

__all__ = ["HANDLERS", "TABLE", "Instance", "discard", "start"]

TABLE: Final = "elasticsearch.instances"
SNAPSHOT_SETTINGS: Final = "elasticsearch.snapshot_settings"
_START_TIMEOUT_SECONDS: Final = 300.0
_STATUS: Final = {
    "running": "active",
    "starting": "activating",
    "restarting": "activating",
    "stopped": "inactive",
    "exited": "invalid",
    "failed": "invalid",
}
_NOT_KEPT: Final = frozenset({"password", "kmsEncryptedPassword"})


class Instance(ResourceHandler):
    """An Elasticsearch instance: one engine and its gateway, on an address of their own."""

    token = "alicloud:elasticsearch/instance:Instance"
    effective = frozenset(
        {
            "enableKibanaPrivateNetwork",
            "enableKibanaPublicNetwork",
            "enablePublic",
            "password",
            "protocol",
            "settingConfig",
            "version",
        }
    )
    recorded = frozenset(
        {
            "clientNodeConfiguration",
            "dataNodeAmount",
            "dataNodeConfiguration",
            "dataNodeDiskEncrypted",
            "dataNodeDiskPerformanceLevel",
            "dataNodeDiskSize",
            "dataNodeDiskType",
            "dataNodeSpec",
            "description",
            "force",
            "instanceCategory",
            "instanceChargeType",
            "kibanaConfiguration",
            "kibanaNodeSpec",
            "kibanaPrivateSecurityGroupId",
            "kibanaPrivateWhitelists",
            "kibanaWhitelists",
            "masterConfiguration",
            "orderActionType",
            "paymentType",
            "period",
            "privateWhitelists",
            "publicWhitelists",
            "renewStatus",
            "renewalDurationUnit",
            "autoRenewDuration",
            "resourceGroupId",
            "tags",
            "updateStrategy",
            "vswitchId",
            "warmNodeConfiguration",
            "zoneCount",
        }
    )

    def create(self, inputs: Properties, context: Context) -> Created:
        """Start an engine and wait until it lets the user ``elastic`` in.

        Raises:
            CloudError: An input is refused, or the engine did not start; nothing is left then.
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
            "inputs": _kept(inputs),
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

    def read(self, id: str, outputs: Properties, context: Context) -> Properties | None:  # noqa: A002
        """Its properties as they are; None when its record or its data is gone."""
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
        self,
        id: str,  # noqa: A002
        outputs: Properties,
        inputs: Properties,
        context: Context,
    ) -> Properties:
        """Change the password and settings for real; record the rest.

        Raises:
            CloudError: The instance is gone, an input is refused, or the engine refused a change.
        """
        check_inputs(inputs)
        table = context.store.table(TABLE)
        record = table.get(id)
        if record is None:
            raise CloudError("InstanceNotFound", f"There is no Elasticsearch instance {id}.", 404)
        changed = Engine.restored(record["engine"])
        try:
            if engine.write_settings(changed, engine_settings(inputs)):
                context.supervisor.stop(changed.process_name)
            start(changed, context)
            engine.set_password(changed, str(inputs["password"]))
        except LocalCloudError as error:
            raise CloudError("InstanceUpdateFailed", str(error), 500) from error
        table.put(id, {**record, "inputs": _kept(inputs)})
        return {**inputs, **_outputs(changed, inputs, "active", record["created"])}

    def delete(self, id: str, outputs: Properties, context: Context) -> None:  # noqa: A002
        """Stop it and remove everything it kept."""
        discard(id, context)


def start(instance: Engine, context: Context) -> None:
    """Have the instance's processes run, and wait until the engine answers.

    Raises:
        LocalCloudError: It did not start in time.
    """
    gateway, process = engine.specs(instance)
    context.supervisor.start(gateway)
    context.supervisor.start(process)
    context.supervisor.wait_healthy(gateway.name, _START_TIMEOUT_SECONDS)
    context.supervisor.wait_healthy(process.name, _START_TIMEOUT_SECONDS)


def discard(instance_id: str, context: Context) -> None:
    """Remove an instance, however far it got; one that is gone is no error."""
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


def _kept(inputs: Properties) -> Properties:
    return {name: value for name, value in inputs.items() if name not in _NOT_KEPT}


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
