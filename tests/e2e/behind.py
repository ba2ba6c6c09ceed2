"""Deletes and changes the resources of a running stack behind Pulumi's back.

Owns how each type is deleted and changed, through the local cloud's own operations. What a stack
must do about it is `outcomes`'.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from localcloud.alicloud.client import DaemonClient
from pluginhost import Host
from providers.clients.elasticsearch_instances import SnapshotSetting
from providers.clients.errors import NotFoundError
from providers.clients.oss_uri import OssUri, parse_oss_uri
from providers.plugin.framework import Call
from providers.plugin.server import HANDLERS
from providers.plugin.services import CloudServices
from tests.e2e.checkout import Checkout

OURS = "customrag:"
_BY_HAND = "changed by hand"
_SECRET_MARK = "4dabf18193072939515e22adb298388d"

_DESCRIBED = {"description": _BY_HAND}
_TAGGED = {"tags": {"changed": "by-hand"}}
CHANGES: Mapping[str, Mapping[str, Any]] = {
    "alicloud:alb/listener:Listener": {"listenerDescription": _BY_HAND},
    "alicloud:alb/loadBalancer:LoadBalancer": _TAGGED,
    "alicloud:alb/rule:Rule": {"ruleName": "by-hand"},
    "alicloud:alb/serverGroup:ServerGroup": _TAGGED,
    "alicloud:cms/alarm:Alarm": {"silenceTime": 7200},
    "alicloud:cms/alarmContact:AlarmContact": {"channelsMail": "by-hand@example.com"},
    "alicloud:cms/alarmContactGroup:AlarmContactGroup": {"describe": _BY_HAND},
    "alicloud:ecs/ecsLaunchTemplate:EcsLaunchTemplate": {"instanceName": "by-hand"},
    "alicloud:ecs/eipAddress:EipAddress": _DESCRIBED,
    "alicloud:ecs/instance:Instance": _TAGGED,
    "alicloud:ecs/securityGroup:SecurityGroup": _DESCRIBED,
    "alicloud:elasticsearch/instance:Instance": _DESCRIBED,
    "alicloud:ess/lifecycleHook:LifecycleHook": {"heartbeatTimeout": 60},
    "alicloud:ess/scalingGroup:ScalingGroup": {"maxSize": 3},
    "alicloud:ess/scalingRule:ScalingRule": {"targetValue": 90},
    "alicloud:kms/secret:Secret": _DESCRIBED,
    "alicloud:log/logTailConfig:LogTailConfig": {"logSample": _BY_HAND},
    "alicloud:log/machineGroup:MachineGroup": {"topic": "by-hand"},
    "alicloud:log/project:Project": _DESCRIBED,
    "alicloud:log/store:Store": {"retentionPeriod": 90},
    "alicloud:log/storeIndex:StoreIndex": {"fullText": {"caseSensitive": True, "token": " "}},
    "alicloud:oss/bucket:Bucket": _TAGGED,
    "alicloud:oss/bucketPublicAccessBlock:BucketPublicAccessBlock": {"blockPublicAccess": False},
    "alicloud:oss/bucketServerSideEncryption:BucketServerSideEncryption": {"sseAlgorithm": "KMS"},
    "alicloud:oss/bucketVersioning:BucketVersioning": {"status": "Suspended"},
    "alicloud:pai/workspaceDataset:WorkspaceDataset": _DESCRIBED,
    "alicloud:pai/workspaceModel:WorkspaceModel": {"modelDescription": _BY_HAND},
    "alicloud:pai/workspaceModelVersion:WorkspaceModelVersion": {"versionDescription": _BY_HAND},
    "alicloud:pai/workspaceWorkspace:WorkspaceWorkspace": _DESCRIBED,
    "alicloud:ram/policy:Policy": {
        "policyDocument": '{"Version": "1", "Statement": [{"Effect": "Deny", "Action": "oss:*", '
        '"Resource": "*"}]}'
    },
    "alicloud:ram/role:Role": {"maxSessionDuration": 7200},
    "alicloud:vpc/natGateway:NatGateway": _DESCRIBED,
    "alicloud:vpc/network:Network": _DESCRIBED,
    "alicloud:vpc/snatEntry:SnatEntry": {"snatEntryName": "by-hand"},
    "alicloud:vpc/switch:Switch": _DESCRIBED,
    "cloudflare:index/workersScript:WorkersScript": {
        "content": f'export default {{ fetch() {{ return new Response("{_BY_HAND}"); }} }};'
    },
}
"""Inputs that are changed by hand, by type; other types have their own way, or none."""
_OWN_CHANGES: Mapping[str, str] = {
    "alicloud:oss/bucketObject:BucketObject": "_overwrite",
    "customrag:oss:Corpus": "_change_document",
    "customrag:pai:DlcJob": "_lose_a_file",
    "customrag:elasticsearch:Index": "_change_meta",
    "customrag:elasticsearch:Alias": "_move_alias",
    "customrag:elasticsearch:SearchTemplate": "_overwrite_template",
}
"""The method of `Behind` that changes a resource, by type."""


@dataclass(frozen=True, kw_only=True)
class Resource:
    """A custom resource, as the engine's state has it; secrets in plain text."""

    name: str
    type: str
    id: str
    urn: str
    inputs: dict[str, Any]
    outputs: dict[str, Any]


def can_change(resource_type: str) -> bool:
    """Return whether a resource of the type has anything that can be changed."""
    return resource_type in CHANGES or resource_type in _OWN_CHANGES


def _plain(value: dict[str, Any]) -> Any:
    return json.loads(value["plaintext"]) if _SECRET_MARK in value else value


@dataclass(frozen=True)
class Behind:
    """The resources of a stack, seen and touched past Pulumi.

    Attributes:
        checkout: Its checkout.
        stack: Its name.
    """

    checkout: Checkout
    stack: str = "local"

    def _state(self) -> list[dict[str, Any]]:
        arguments = ("stack", "export", "--show-secrets", "--stack", self.stack)
        done = self.checkout.pulumi(*arguments).check()
        state = json.loads(done.output, object_hook=_plain)
        return [item for item in state["deployment"]["resources"] if item.get("custom")]

    def resources(self) -> list[Resource]:
        """Return what the stack has, providers left out, each after those that it depends on."""
        return [
            Resource(
                name=item["urn"].rpartition("::")[2],
                type=item["type"],
                id=item["id"],
                urn=item["urn"],
                inputs=item.get("inputs") or {},
                outputs=item.get("outputs") or {},
            )
            for item in self._state()
            if not item["type"].startswith("pulumi:") and not item.get("external")
        ]

    @cached_property
    def _daemon(self) -> DaemonClient:
        return DaemonClient(self.checkout.platform())

    @cached_property
    def _services(self) -> CloudServices:
        (provider,) = [x for x in self._state() if x["type"] == "pulumi:providers:customrag"]
        return CloudServices(provider["inputs"])

    def read(self, resource: Resource) -> Any:
        """Return the resource as it is now, as a refresh reads it; None when it is gone."""
        if not resource.type.startswith(OURS):
            document = {"type": resource.type, "id": resource.id, "outputs": resource.outputs}
            return self._daemon.resource("read", document)["outputs"]
        (handler,) = [handler for handler in HANDLERS if handler.token == resource.type]
        call = Call(
            urn=resource.urn,
            services=self._services,
            host=Host(),
            wait=time.sleep,
            resource_id=resource.id,
        )
        return handler.read(resource.inputs, resource.outputs, call)

    def delete(self, resource: Resource) -> None:
        """Delete the resource.

        Raises:
            CloudError: The cloud refused.
        """
        if not resource.type.startswith(OURS):
            document = {"type": resource.type, "id": resource.id, "outputs": resource.outputs}
            self._daemon.resource("delete", document)
            return
        deletes = {
            "customrag:oss:Corpus": self._empty,
            "customrag:pai:DlcJob": self._delete_jobs,
            "customrag:rag:IngestRun": self._delete_jobs,
            "customrag:elasticsearch:Index": self._delete_index,
            "customrag:elasticsearch:Alias": self._delete_alias,
            "customrag:elasticsearch:SearchTemplate": self._delete_template,
            "customrag:elasticsearch:SnapshotSchedule": self._turn_snapshots_off,
            "customrag:elasticsearch:Capabilities": lambda _: None,
            "customrag:ess:Rollout": lambda _: None,
        }
        deletes[resource.type](resource)

    def _empty(self, resource: Resource) -> None:
        prefix = OssUri(resource.inputs["bucket"], resource.inputs["prefix"])
        with suppress(NotFoundError):
            keys = [found.key for found in self._services.oss.list(prefix)]
            self._services.oss.delete_many(prefix.bucket, keys)

    def _delete_jobs(self, resource: Resource) -> None:
        for name in resource.outputs["jobNames"]:
            for job in self._services.dlc.find_jobs(resource.inputs["workspaceId"], name):
                self._services.dlc.delete_job(job.job_id)

    def _cluster(self, resource: Resource) -> Any:
        names = ("endpoint", "username", "password")
        return self._services.elasticsearch(*(resource.inputs[name] for name in names))

    def _delete_index(self, resource: Resource) -> None:
        self._cluster(resource).indices.delete(
            index=resource.inputs["indexName"], ignore_unavailable=True
        )

    def _delete_alias(self, resource: Resource) -> None:
        self._cluster(resource).indices.delete_alias(index="*", name=resource.inputs["alias"])

    def _delete_template(self, resource: Resource) -> None:
        self._cluster(resource).delete_script(id=resource.id)

    def _overwrite_template(self, resource: Resource) -> None:
        script = {"lang": "mustache", "source": "{}"}
        self._cluster(resource).put_script(id=resource.id, script=script)

    def _turn_snapshots_off(self, resource: Resource) -> None:
        self._services.elasticsearch_instances.set_snapshots(
            resource.inputs["instanceId"], SnapshotSetting(enable=False)
        )

    def change(self, resource: Resource) -> None:
        """Change the resource.

        Raises:
            CloudError: The cloud refused.
        """
        if resource.type in _OWN_CHANGES:
            getattr(self, _OWN_CHANGES[resource.type])(resource)
            return
        document = {
            "type": resource.type,
            "id": resource.id,
            "outputs": resource.outputs,
            "inputs": {
                name: value
                for name, value in {**resource.inputs, **CHANGES[resource.type]}.items()
                if not name.startswith("__")
            },
        }
        self._daemon.resource("update", document)

    def _overwrite(self, resource: Resource) -> None:
        uri = OssUri(resource.inputs["bucket"], resource.inputs["key"])
        self._services.oss.put_bytes(uri, _BY_HAND.encode())

    def _change_document(self, resource: Resource) -> None:
        key = next(iter(resource.inputs["documents"]))
        prefix = OssUri(resource.inputs["bucket"], resource.inputs["prefix"])
        self._services.oss.put_bytes(prefix.join(key), _BY_HAND.encode())

    def _lose_a_file(self, resource: Resource) -> None:
        folder = parse_oss_uri(resource.inputs["resultUri"])
        self._services.oss.delete(folder.join(next(iter(resource.outputs["result"]["files"]))))

    def _change_meta(self, resource: Resource) -> None:
        self._cluster(resource).indices.put_mapping(
            index=resource.inputs["indexName"], meta={"model_version": _BY_HAND}
        )

    def _move_alias(self, resource: Resource) -> None:
        indices, alias = self._cluster(resource).indices, resource.inputs["alias"]
        indices.create(index="by-hand")
        indices.delete_alias(index="*", name=alias)
        indices.put_alias(index="by-hand", name=alias)
