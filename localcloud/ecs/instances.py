"""The instances of a local stack and their life cycle: create, boot, stop, start, change, release.

Owns the records, and one thread per booting instance. It does not own what happens on the machine:
``localcloud.ecs.node`` does.
"""

from __future__ import annotations

import logging
import secrets
import threading
from collections.abc import Callable
from typing import Any, Final

from localcloud.core.errors import CloudError
from localcloud.core.home import data_dir, log_dir
from localcloud.core.resources import Context, Properties
from localcloud.core.times import timestamp
from localcloud.ecs.disks import attached_disks, release_disks
from localcloud.ecs.node import Node, NodeClosingError
from localcloud.ecs.private_addresses import loopback_address, on_loopback
from localcloud.ecs.stock import require_stock
from localcloud.ecs.user_data import CloudConfig, parse_user_data
from localcloud.vpc.resources import INSTANCES

Document = dict[str, Any]

ECS_SERVICE: Final = "ecs.aliyuncs.com"
"""The service principal that the role of a node must trust."""

_LOG = logging.getLogger(__name__)


class Instances:
    """Every instance of one local stack.

    Args:
        context: The running local cloud.
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        self._table = context.store.table(INSTANCES)
        self._lock = threading.RLock()
        self._closing = threading.Event()
        self._boots: dict[str, threading.Thread] = {}

    def start(self) -> None:
        """Continue the boots and services of instances that an earlier daemon left running."""
        for instance_id, document in self.all():
            if document["status"] == "Running":
                self._power_on(instance_id)

    def close(self) -> None:
        """Stop watching boots, and leave the processes for the next daemon."""
        self._closing.set()
        with self._lock:
            threads = list(self._boots.values())
        for thread in threads:
            thread.join()

    def all(self) -> list[tuple[str, Document]]:
        """Return every instance with its record."""
        return self._table.items()

    def get(self, instance_id: str) -> Document | None:
        """Return the record of an instance, or None."""
        return self._table.get(instance_id)

    def require(self, instance_id: str) -> Document:
        """Return the record of an instance.

        Raises:
            CloudError: ``InvalidInstanceId.NotFound``.
        """
        document = self.get(instance_id)
        if document is None:
            raise CloudError(
                "InvalidInstanceId.NotFound", f"The instance {instance_id} does not exist.", 404
            )
        return document

    def create(self, inputs: Properties) -> str:
        """Create an instance, start its boot, and return its id.

        Raises:
            CloudError: The user data is not supported, the instance type is not available, or no
                address is free.
        """
        parse_user_data(inputs.get("userData") or "")
        context = self._context
        require_stock(inputs, context)
        instance_id = context.ids.new("i-bp1", 17)
        private_ip = inputs.get("privateIp")
        self._table.put(
            instance_id,
            {
                "inputs": inputs,
                "status": inputs.get("status", "Running"),
                "address": loopback_address(private_ip, inputs["vswitchId"], context)
                if private_ip
                else context.addresses.allocate(f"ecs/{instance_id}"),
                "role": inputs.get("roleName"),
                "credentials_token": secrets.token_urlsafe(32),
                "created_at": timestamp(),
                "started_at": timestamp(),
                "boot": {"state": "new", "reason": ""},
                "enabled": [],
            },
        )
        if self.require(instance_id)["status"] == "Running":
            self._power_on(instance_id)
        return instance_id

    def update(self, instance_id: str, inputs: Properties) -> None:
        """Change an instance in place.

        New user data restarts the machine but does not run the commands again, because cloud-init
        runs them once per instance. A new image means a new disk, so the first boot runs again.
        """
        document = self.require(instance_id)
        old = document["inputs"]
        parse_user_data(inputs.get("userData") or "")
        wanted = inputs.get("status", document["status"])
        reinstall = inputs.get("imageId") != old.get("imageId")
        restart = reinstall or any(
            inputs.get(name) != old.get(name) for name in ("userData", "instanceType")
        )
        if restart or wanted != "Running":
            self._power_off(instance_id)
        if reinstall:
            self.node(instance_id).remove()
            self._change(
                instance_id,
                lambda entry: entry.update(boot={"state": "new", "reason": ""}, enabled=[]),
            )

        def apply(entry: Document) -> None:
            entry.update(inputs=inputs, status=wanted)
            if "roleName" in inputs:
                entry["role"] = inputs["roleName"]
            if restart:
                entry["started_at"] = timestamp()

        self._change(instance_id, apply)
        if wanted == "Running" and (restart or document["status"] != "Running"):
            self._power_on(instance_id)

    def stop(self, instance_id: str, mode: str) -> str:
        """Stop an instance, as StopInstances does, and return its previous status.

        Args:
            instance_id: The instance.
            mode: `StopCharging` or `KeepCharging`.
        """
        before = str(self.require(instance_id)["status"])
        if before == "Running":
            self._power_off(instance_id)
        self._change(instance_id, lambda entry: entry.update(stopped_mode=mode))
        return before

    def start_again(self, instance_id: str) -> str:
        """Start a stopped instance, as StartInstances does, and return its previous status."""
        before = str(self.require(instance_id)["status"])
        if before != "Running":
            self._change(
                instance_id,
                lambda entry: entry.update(
                    status="Running", started_at=timestamp(), stopped_mode="Not-applicable"
                ),
            )
            self._power_on(instance_id)
        return before

    def delete(self, instance_id: str) -> None:
        """Release an instance with its processes and files; a missing one is not an error.

        Its data disks stay, and a private address that the stack gave it.

        Raises:
            CloudError: Deletion protection is on.
        """
        document = self.get(instance_id)
        if document is None:
            return
        if document["inputs"].get("deletionProtection"):
            raise CloudError(
                "InvalidOperation.DeletionProtection",
                f"Instance {instance_id} is protected; set deletionProtection to false and try "
                "again.",
                403,
            )
        self._power_off(instance_id)
        self.node(instance_id).remove()
        self.attach_role(instance_id, None)
        release_disks(instance_id, self._context)
        self._context.addresses.release(f"ecs/{instance_id}")
        self._table.delete(instance_id)

    def attach_role(self, instance_id: str, role_name: str | None) -> None:
        """Attach a role to an instance, or detach it.

        Raises:
            CloudError: The instance or role does not exist, or the role does not trust ECS.
        """
        document = self.require(instance_id)
        access = self._context.access
        if role_name is None:
            if document["role"] is not None:
                uri = document.get("role_uri")
                if uri:
                    access.revoke_credentials_uri(uri)
            self._change(instance_id, lambda entry: entry.update(role=None, role_uri=None))
            return
        uri = access.credentials_uri(role_name, instance_id, service=ECS_SERVICE)
        self._change(instance_id, lambda entry: entry.update(role=role_name, role_uri=uri))

    def credentials(self, token: str) -> Any:
        """Return the credentials of the instance with this token; None without a role."""
        for instance_id, document in self.all():
            if secrets.compare_digest(document["credentials_token"], token) and document["role"]:
                access = self._context.access
                uri = access.credentials_uri(document["role"], instance_id, service=ECS_SERVICE)
                return access.credentials_of_uri(uri.rsplit("/", 1)[-1])
        return None

    def node(self, instance_id: str) -> Node:
        """Return the machine of an instance."""
        context, document = self._context, self.require(instance_id)
        home = context.platform.home

        def remember(enabled: frozenset[str]) -> None:
            self._change(instance_id, lambda entry: entry.update(enabled=sorted(enabled)))

        return Node(
            instance_id=instance_id,
            root=data_dir(home, "ecs") / instance_id,
            log_folder=log_dir(home) / "ecs" / instance_id,
            address=document["address"],
            credentials_uri=(
                f"{context.platform.endpoints['api']}/_local/credentials/ecs/"
                f"{document['credentials_token']}"
            ),
            supervisor=context.supervisor,
            enabled=frozenset(document["enabled"]),
            remember=remember,
            files=self._config(document).files,
            disks=lambda: attached_disks(instance_id, context),
            on_loopback=lambda text: on_loopback(
                text, document["inputs"].get("vswitchId", ""), context
            ),
        )

    def _config(self, document: Document) -> CloudConfig:
        return parse_user_data(document["inputs"].get("userData") or "")

    def _power_on(self, instance_id: str) -> None:
        with self._lock:
            thread = self._boots.get(instance_id)
            if self._closing.is_set() or (thread is not None and thread.is_alive()):
                return
            thread = threading.Thread(
                target=self._boot, args=(instance_id,), name=f"boot {instance_id}", daemon=True
            )
            self._boots[instance_id] = thread
            thread.start()

    def _power_off(self, instance_id: str) -> None:
        """End every process. An unfinished boot begins again at the next start."""
        self._change(instance_id, lambda entry: entry.update(status="Stopping"))
        node = self.node(instance_id)
        with self._lock:
            thread = self._boots.pop(instance_id, None)
        while thread is not None and thread.is_alive():
            node.stop()
            thread.join(timeout=0.1)
        node.stop()
        self._change(
            instance_id,
            lambda entry: entry.update(
                status="Stopped",
                boot={"state": "new", "reason": ""}
                if entry["boot"]["state"] == "booting"
                else entry["boot"],
            ),
        )

    def _boot(self, instance_id: str) -> None:
        try:
            node, document = self.node(instance_id), self.require(instance_id)
            if document["boot"]["state"] in ("new", "booting"):
                self._first_boot(instance_id, node, document)
            else:
                node.start_services()
        except NodeClosingError:
            return
        except Exception as error:  # noqa: BLE001 - shown as the boot's state; must not end the daemon
            _LOG.exception("boot of %s", instance_id)
            if self.get(instance_id) is not None:
                self._booted(instance_id, "failed", repr(error))

    def _first_boot(self, instance_id: str, node: Node, document: Document) -> None:
        self._booted(instance_id, "booting", "")
        if document["boot"]["state"] == "new":
            config = self._config(document)
            # Forget an interrupted run from before a stop: its exit code is not this run's.
            self._context.supervisor.forget(node.boot_process)
            node.install(config)
            node.log(f"cloud-init of {instance_id}: {len(config.files)} files")
            for key, value in config.recorded.items():
                node.log(
                    f"{key}: {value!r} is recorded but has no effect, because this machine is the "
                    "image"
                )
        code = node.run_boot_script(self._closing)
        if code == 0:
            # Also while the machine is stopping: a completed script does not run again.
            self._booted(instance_id, "done", "")
        elif self.require(instance_id)["status"] == "Running":
            reason = f"the boot script ended with exit code {code}; see the log {node.boot_log}"
            node.log(reason)
            self._booted(instance_id, "failed", reason)

    def _booted(self, instance_id: str, state: str, reason: str) -> None:
        self._change(
            instance_id, lambda entry: entry.update(boot={"state": state, "reason": reason})
        )

    def _change(self, instance_id: str, change: Callable[[Document], Any]) -> None:
        def apply(document: Document | None) -> Document:
            if document is None:
                raise CloudError(
                    "InvalidInstanceId.NotFound", f"The instance {instance_id} does not exist.", 404
                )
            change(document)
            return document

        self._table.update(instance_id, apply)
