"""Resource types of Simple Log Service (2020-12-30).

Ids follow the Terraform provider: names joined by colons. Error codes and limits:
https://www.alibabacloud.com/help/en/sls/developer-reference/api-error-codes and the reference of
CreateProject, CreateLogStore, CreateIndex, CreateMachineGroup, CreateConfig (read 2026-11).
"""

from __future__ import annotations

import json
import re
from typing import Any, ClassVar

from localcloud.core.errors import CloudError
from localcloud.core.records import Plan, RecordHandler
from localcloud.core.resources import Context, Properties, ResourceHandler
from localcloud.core.times import timestamp

PROJECTS, STORES, INDEXES = "log.projects", "log.stores", "log.indexes"
GROUPS, CONFIGS, ATTACHMENTS = "log.machine_groups", "log.logtail_configs", "log.attachments"
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{1,126}[a-z0-9]")
_PLUGIN_INPUTS = ("service_journal",)


class ProjectHandler(RecordHandler):
    """``alicloud:log/project:Project``; its deletion also deletes everything in it."""

    token: ClassVar[str] = "alicloud:log/project:Project"
    table: ClassVar[str] = PROJECTS
    effective: ClassVar[frozenset[str]] = frozenset({"projectName"})
    recorded: ClassVar[frozenset[str]] = frozenset({"description", "resourceGroupId", "tags"})

    def plan(self, inputs: Properties, context: Context, old: Properties | None) -> Plan:
        """Validate the inputs as CreateProject does."""
        name = inputs.get("projectName", "")
        if old is not None:
            return "", {}
        _refuse_existing(self.records(context).get(name), "ProjectAlreadyExist", name)
        return name, {
            "createTime": timestamp(),
            "status": "Normal",
            "name": name,
            "resourceGroupId": inputs.get("resourceGroupId", "rg-default"),
        }

    def check_unused(self, id: str, record: Properties, context: Context) -> None:
        """Delete everything in the project, as DeleteProject does."""
        for table in (STORES, INDEXES, GROUPS, CONFIGS, ATTACHMENTS):
            rows = context.store.table(table)
            contained = [key for key, item in rows.items() if _project_of(item) == id]
            for key in contained:
                rows.delete(key)


class StoreHandler(RecordHandler):
    """``alicloud:log/store:Store``; its id is ``<project>:<logstore>``."""

    token: ClassVar[str] = "alicloud:log/store:Store"
    table: ClassVar[str] = STORES
    effective: ClassVar[frozenset[str]] = frozenset(
        {"projectName", "logstoreName", "retentionPeriod", "mode", "encryptConf"}
    )
    recorded: ClassVar[frozenset[str]] = frozenset(
        {
            *("appendMeta", "autoSplit", "enableWebTracking", "maxSplitShardCount"),
            *("meteringMode", "shardCount", "hotTtl", "infrequentAccessTtl"),
        }
    )

    def plan(self, inputs: Properties, context: Context, old: Properties | None) -> Plan:
        """Validate the inputs as CreateLogStore and UpdateLogStore do."""
        project, name = inputs.get("projectName", ""), inputs.get("logstoreName", "")
        _check_encryption(inputs.get("encryptConf"), context)
        if old is not None:
            return "", {}
        _require_project(project, context)
        _check_name("logstoreName", name)
        key = f"{project}:{name}"
        _refuse_existing(self.records(context).get(key), "LogStoreAlreadyExist", name)
        count = int(inputs.get("shardCount", 2))
        return key, {
            "createTime": 0,
            "name": name,
            "project": project,
            "mode": inputs.get("mode", "standard"),
            "meteringMode": inputs.get("meteringMode", "ChargeByFunction"),
            "shards": [
                {"id": number, "status": "readwrite", "beginKey": "", "endKey": ""}
                for number in range(count)
            ],
        }

    def check_unused(self, id: str, record: Properties, context: Context) -> None:
        """Delete the index of the logstore, as DeleteLogStore does."""
        context.store.table(INDEXES).delete(id)


class StoreIndexHandler(RecordHandler):
    """``alicloud:log/storeIndex:StoreIndex``; its id is ``<project>:<logstore>``."""

    token: ClassVar[str] = "alicloud:log/storeIndex:StoreIndex"
    table: ClassVar[str] = INDEXES
    effective: ClassVar[frozenset[str]] = frozenset(
        {"project", "logstore", "fullText", "fieldSearches"}
    )
    recorded: ClassVar[frozenset[str]] = frozenset({"maxTextLen"})

    def plan(self, inputs: Properties, context: Context, old: Properties | None) -> Plan:
        """Validate the inputs as CreateIndex and UpdateIndex do."""
        if not inputs.get("fullText") and not inputs.get("fieldSearches"):
            raise CloudError("ParameterInvalid", "Give fullText or fieldSearches.")
        key = f"{inputs['project']}:{inputs['logstore']}"
        if old is None:
            _require_store(key, context)
            _refuse_existing(self.records(context).get(key), "IndexAlreadyExist", key)
        return key, {}


class MachineGroupHandler(RecordHandler):
    """``alicloud:log/machineGroup:MachineGroup``; its id is ``<project>:<name>``."""

    token: ClassVar[str] = "alicloud:log/machineGroup:MachineGroup"
    table: ClassVar[str] = GROUPS
    effective: ClassVar[frozenset[str]] = frozenset(
        {"project", "name", "identifyType", "identifyLists"}
    )
    recorded: ClassVar[frozenset[str]] = frozenset({"topic"})

    def plan(self, inputs: Properties, context: Context, old: Properties | None) -> Plan:
        """Validate the inputs as CreateMachineGroup and UpdateMachineGroup do."""
        _require_project(inputs["project"], context)
        _check_name("name", inputs.get("name", ""))
        key = f"{inputs['project']}:{inputs['name']}"
        if old is None:
            _refuse_existing(self.records(context).get(key), "GroupAlreadyExist", key)
        return key, {}


class LogTailConfigHandler(RecordHandler):
    """``alicloud:log/logTailConfig:LogTailConfig``; its id is ``<project>:<logstore>:<name>``."""

    token: ClassVar[str] = "alicloud:log/logTailConfig:LogTailConfig"
    table: ClassVar[str] = CONFIGS
    effective: ClassVar[frozenset[str]] = frozenset(
        {"project", "logstore", "name", "inputType", "inputDetail", "outputType"}
    )
    recorded: ClassVar[frozenset[str]] = frozenset({"logSample"})

    def plan(self, inputs: Properties, context: Context, old: Properties | None) -> Plan:
        """Validate the inputs as CreateConfig and UpdateConfig do; the only plugin is journal."""
        if inputs["inputType"] == "plugin":
            _check_plugin(json.loads(inputs["inputDetail"]))
        _require_store(f"{inputs['project']}:{inputs['logstore']}", context)
        _check_name("name", inputs.get("name", ""))
        key = f"{inputs['project']}:{inputs['logstore']}:{inputs['name']}"
        if old is None:
            _refuse_existing(self.records(context).get(key), "ConfigAlreadyExist", key)
        return key, {"lastModifyTime": 0}


class LogTailAttachmentHandler(RecordHandler):
    """``alicloud:log/logTailAttachment:LogTailAttachment``: applies a configuration to a group."""

    token: ClassVar[str] = "alicloud:log/logTailAttachment:LogTailAttachment"
    table: ClassVar[str] = ATTACHMENTS
    effective: ClassVar[frozenset[str]] = frozenset(
        {"project", "logtailConfigName", "machineGroupName"}
    )

    def plan(self, inputs: Properties, context: Context, old: Properties | None) -> Plan:
        """Validate the inputs as ApplyConfigToMachineGroup does."""
        project, config = inputs["project"], inputs["logtailConfigName"]
        group = inputs["machineGroupName"]
        if context.store.table(GROUPS).get(f"{project}:{group}") is None:
            raise CloudError(
                "MachineGroupNotExist", f"The machine group {group} does not exist.", 404
            )
        configs = [key for key, _ in context.store.table(CONFIGS).items()]
        if not any(key.startswith(f"{project}:") and key.endswith(f":{config}") for key in configs):
            raise CloudError("ConfigNotExist", f"The configuration {config} does not exist.", 404)
        return f"{project}:{config}:{group}", {}


def _project_of(record: Properties) -> str:
    return str(record.get("projectName") or record.get("project"))


def _check_name(what: str, name: str) -> None:
    if not _NAME.fullmatch(name):
        raise CloudError("ParameterInvalid", f"{what} is {name!r}; it must match {_NAME.pattern}")


def _choice(what: str, value: Any, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise CloudError(
            "ParameterInvalid", f"{what} is {value!r}; it must be one of {', '.join(allowed)}."
        )


def _refuse_existing(record: Properties | None, code: str, name: str) -> None:
    if record is not None:
        raise CloudError(code, f"{name} already exists.", 409)


def _require_project(name: str, context: Context) -> None:
    if context.store.table(PROJECTS).get(name) is None:
        raise CloudError("ProjectNotExist", f"The project {name!r} does not exist.", 404)


def _require_store(key: str, context: Context) -> None:
    if context.store.table(STORES).get(key) is None:
        raise CloudError("LogStoreNotExist", f"The logstore {key!r} does not exist.", 404)


def _check_encryption(encryption: Properties | None, context: Context) -> None:
    if not encryption or not encryption.get("enable"):
        return
    _choice("encryptConf.encryptType", encryption.get("encryptType"), ("default", "m4"))
    own = encryption.get("userCmkInfo")
    if own and context.store.table("kms.keys").get(own.get("cmkKeyId", "")) is None:
        raise CloudError(
            "ParameterInvalid",
            f"encryptConf names the key {own.get('cmkKeyId')!r}, which does not exist.",
        )


def _check_plugin(detail: Any) -> None:
    plugin = detail.get("plugin") if isinstance(detail, dict) else None
    inputs = plugin.get("inputs") if isinstance(plugin, dict) else None
    if not isinstance(inputs, list) or not inputs:
        raise CloudError("ParameterInvalid", "inputDetail needs plugin.inputs, a list.")
    for item in inputs:
        _choice("plugin.inputs type", item.get("type"), _PLUGIN_INPUTS)


HANDLERS: tuple[type[ResourceHandler], ...] = (
    ProjectHandler,
    StoreHandler,
    StoreIndexHandler,
    MachineGroupHandler,
    LogTailConfigHandler,
    LogTailAttachmentHandler,
)
