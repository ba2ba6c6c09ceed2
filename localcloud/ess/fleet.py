"""The members of scaling groups: launch, put into service, replace, drain and release.

Owns one thread that moves every group toward its desired state, step by step. The result of each
step is in the store, so the next daemon continues after a crash: an instance and its membership are
one transaction, and a member that leaves stays ``Removing`` until its instance is released.

Behaviour as documented (https://www.alibabacloud.com/help/en/auto-scaling/user-guide/overview-10
and https://help.aliyun.com/document_detail/207450.htm, read 2026-11-21). Unlike the cloud, a
lifecycle hook ends as soon as its purpose is met (the service passes its health check; no request
is open), and at the latest after its timeout. Assumed of the cloud: during a refresh, a member is
healthy once its load balancers report it.
"""

from __future__ import annotations

import logging
import threading
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Mapping
from typing import Any, Final

from localcloud.alb import state as alb
from localcloud.alb.pool import HealthCheck
from localcloud.core.errors import CloudError
from localcloud.core.resources import Context
from localcloud.ecs.launch_templates import instance_inputs
from localcloud.ecs.workers import instances_of
from localcloud.ess import state
from localcloud.ess.refreshes import advance
from localcloud.vpc.resources import VSWITCHES

GROUP_TAG: Final = "acs:autoscaling:scalingGroupId"
"""The tag that ESS puts on the instances that it creates."""

_LOG: Final = logging.getLogger(__name__)
_TICK_SECONDS: Final = 0.2
# After a failed launch the group pauses, like the cloud's cooldown.
_PAUSE_SECONDS: Final = 5.0

Document = dict[str, Any]


class Fleets:
    """Every scaling group of one local stack.

    Args:
        context: The running local cloud.
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        self._store = context.store
        self._ending = threading.Event()
        self._thread: threading.Thread | None = None
        self._paused: dict[str, float] = {}
        # A request that deletes a group must not run during a step.
        self.lock = threading.RLock()

    def start(self) -> None:
        """Start the thread; it continues where an earlier daemon stopped."""
        self._thread = threading.Thread(target=self._run, name="scaling groups", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop the thread, and leave the instances for the next daemon."""
        self._ending.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        while not self._ending.wait(_TICK_SECONDS):
            self.step()

    def step(self) -> None:
        """Move every group one step toward its desired state."""
        for group_id in dict(self._store.table(state.GROUPS).items()):
            try:
                with self.lock:
                    group = self._store.table(state.GROUPS).get(group_id)
                    if group is not None:
                        self._step(group_id, group)
            except CloudError as error:
                self._note(group_id, str(error))
            except Exception as error:  # noqa: BLE001 - one group must not stop the others
                _LOG.exception("scaling group %s", group_id)
                self._note(group_id, repr(error))

    def _note(self, group_id: str, reason: str) -> None:
        self._paused[group_id] = time.monotonic() + _PAUSE_SECONDS
        self._change_group(group_id, {"last_error": reason})

    def _step(self, group_id: str, group: Document) -> None:
        members = state.members_of(self._store, group_id)
        for instance_id, member in members.items():
            self._tend(instance_id, member, group)
        found = state.active_refresh(self._store, group_id)
        members = self._present(group_id)
        if found is not None:
            step = advance(group, found[1], members, self._healthy(members))
            for instance_id in step.remove:
                self._remove(instance_id)
            for _ in range(step.launch):
                self._launch(group_id, group, found[1])
            gone = len(members) == len(state.members_of(self._store, group_id))
            if step.status is not None and gone:
                self._finish(group_id, found[0], found[1], step.status)
            return
        missing = int(group["desired"]) - len(members)
        for _ in range(missing):
            self._launch(group_id, group, None)
        for instance_id in _surplus(group, members)[: max(0, -missing)]:
            self._remove(instance_id)

    def _present(self, group_id: str) -> dict[str, Document]:
        """Return the members that are not ``Removing``."""
        members = state.members_of(self._store, group_id)
        return {key: item for key, item in members.items() if item["state"] != "Removing"}

    def _healthy(self, members: Mapping[str, Document]) -> frozenset[str]:
        return frozenset(
            instance_id
            for instance_id, member in members.items()
            if member["state"] == "InService"
            and all(
                alb.health_of(self._store, key) in ("Normal", "Unused") for key in member["servers"]
            )
        )

    def _launch(self, group_id: str, group: Document, refresh: Document | None) -> None:
        if self._paused.get(group_id, 0.0) > time.monotonic():
            return
        inputs = group["inputs"]
        configuration = state.configuration_of(group, refresh)
        vswitch_id = self._next_vswitch(group_id, inputs["vswitchIds"])
        wanted = instance_inputs(
            self._context, configuration.template_id, configuration.version, vswitch_id
        )
        wanted["tags"] = {**(wanted.get("tags") or {}), GROUP_TAG: group_id}
        with self._store.transaction():
            instance_id = instances_of(self._context).create(wanted)
            self._store.table(state.MEMBERS).put(
                instance_id,
                {
                    "group_id": group_id,
                    "template_id": configuration.template_id,
                    "version": configuration.version,
                    "state": "Pending",
                    "created_at": time.time(),
                    "vswitch_id": vswitch_id,
                    "servers": [],
                },
            )
        self._change_group(group_id, {"last_error": ""})
        _LOG.info("%s: launched %s of %s", group_id, instance_id, configuration)

    def _next_vswitch(self, group_id: str, vswitch_ids: list[str]) -> str:
        used = Counter(
            member["vswitch_id"] for member in state.members_of(self._store, group_id).values()
        )
        present = self._store.table(VSWITCHES)
        return min(
            (key for key in vswitch_ids if present.get(key) is not None),
            key=lambda key: used[key],
            default=vswitch_ids[0],
        )

    def _tend(self, instance_id: str, member: Document, group: Document) -> None:
        instance = instances_of(self._context).get(instance_id)
        if instance is None:
            self._forget(instance_id, member)
        elif member["state"] == "Removing":
            self._release_when_drained(instance_id, member)
        elif instance["status"] != "Running":
            # The health check of type ECS replaces an instance that is not running.
            _LOG.info("%s is %s and is replaced", instance_id, instance["status"])
            self._remove(instance_id)
        elif member["state"] == "Pending" and self._warmed_up(member, group, instance):
            self._enter(instance_id, member, group, instance["address"])

    def _warmed_up(self, member: Document, group: Document, instance: Document) -> bool:
        seconds = state.hook_seconds(self._store, member["group_id"], "SCALE_OUT")
        if seconds is None or time.time() - member["created_at"] >= seconds:
            return True
        return all(
            _answers(
                self._store.table(alb.SERVER_GROUPS).get(entry["albServerGroupId"]), entry, instance
            )
            for entry in group["inputs"].get("albServerGroups") or ()
        )

    def _enter(self, instance_id: str, member: Document, group: Document, address: str) -> None:
        with self._store.transaction():
            servers = [
                alb.add_server(
                    self._store,
                    server_group_id=entry["albServerGroupId"],
                    server_id=instance_id,
                    address=address,
                    port=int(entry["port"]),
                    weight=int(entry.get("weight", 100)),
                )
                for entry in group["inputs"].get("albServerGroups") or ()
            ]
            self._store.table(state.MEMBERS).put(
                instance_id, {**member, "state": "InService", "servers": servers}
            )

    def _remove(self, instance_id: str) -> None:
        member = self._store.table(state.MEMBERS).get(instance_id)
        if member is None or member["state"] == "Removing":
            return
        with self._store.transaction():
            for key in member["servers"]:
                alb.remove_server(self._store, key)
            self._store.table(state.MEMBERS).put(
                instance_id, {**member, "state": "Removing", "removing_since": time.time()}
            )

    def _release_when_drained(self, instance_id: str, member: Document) -> None:
        if not all(alb.drained(self._store, key) for key in member["servers"]):
            return
        instances_of(self._context).delete(instance_id)
        self._forget(instance_id, member)
        _LOG.info("%s: released %s", member["group_id"], instance_id)

    def _forget(self, instance_id: str, member: Document) -> None:
        with self._store.transaction():
            for key in member["servers"]:
                alb.drop_server(self._store, key)
            self._store.table(state.MEMBERS).delete(instance_id)

    def release_all(self, group_id: str) -> None:
        """Release every member at once, as a forced deletion of the group does."""
        for instance_id, member in state.members_of(self._store, group_id).items():
            instances_of(self._context).delete(instance_id)
            self._forget(instance_id, member)

    def _finish(self, group_id: str, key: str, refresh: Document, status: str) -> None:
        with self._store.transaction():
            self._store.table(state.REFRESHES).put(
                key, {**refresh, "status": status, "ended_at": time.time()}
            )
            if status == "Successful":
                # From now on the group launches the refresh's desired configuration.
                self._change_group(group_id, refresh["desired"])

    def _change_group(self, group_id: str, changes: Mapping[str, Any]) -> None:
        self._store.table(state.GROUPS).update(
            group_id, lambda group: None if group is None else {**group, **changes}
        )


def _surplus(group: Document, members: Mapping[str, Document]) -> list[str]:
    """Return the members in order of removal: other configurations first, then the oldest."""
    wanted = state.configuration_of(group, None)
    return sorted(
        members, key=lambda key: (wanted.matches(members[key]), members[key]["created_at"])
    )


def _answers(server_group: Document | None, entry: Document, instance: Document) -> bool:
    """Return whether an instance passes the health check of the server group that it will join."""
    if server_group is None:
        return True
    check = HealthCheck.of(server_group)
    if not check.enabled:
        return True
    url = f"http://{instance['address']}:{check.port or entry['port']}{check.path}"
    request = urllib.request.Request(url, method=check.method)
    try:
        with urllib.request.urlopen(request, timeout=2) as response:  # noqa: S310
            return check.passed_by(response.status)
    except (OSError, urllib.error.URLError):
        return False
