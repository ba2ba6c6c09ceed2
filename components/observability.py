"""Logs of the nodes and the load balancer, and alarms that notify contacts by mail.

Owns the log project with its stores, indexes and the collection from nodes; and contacts and alarm
rules. Does not own which rules a stack has (`infra.observability`), or the agent on the nodes
(`components.nodes`), which joins the machine group by the identity that `log_identity` returns.
APIs: Simple Log Service 2020-12-30 (https://www.alibabacloud.com/help/en/sls), CloudMonitor
2019-01-01 (https://www.alibabacloud.com/help/en/cms), read 2026-11-21.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import pulumi
from pulumi_alicloud import cms, log

from components.naming import Naming
from components.outputs import once
from components.scope import Scope

__all__ = [
    "Alarm",
    "Alarms",
    "AlarmsArgs",
    "LogCollection",
    "LogCollectionArgs",
    "LogStoreRole",
    "log_identity",
    "log_project_name",
]

# After a message, CloudMonitor sends none about the same rule for this long; 300 to 86,400.
SILENCE_SECONDS = 3600
_NODES = "nodes"
_DELIMITERS = ", '\";=()[]{}?@&<>/:\n\t\r"
_JOURNAL_DIRECTORIES = ("/var/log/journal", "/run/log/journal")


class LogStoreRole(StrEnum):
    """The content of a logstore."""

    APP = "app"
    ALB = "alb"


def log_identity(naming: Naming) -> str:
    """Return the user-defined identity by which the agents on the stack's nodes are recognised."""
    return naming.physical(_NODES)


def log_project_name(naming: Naming) -> str:
    """Return the log project's name. A hash makes it unique among all accounts of a region."""
    return naming.bucket("logs")


@dataclass(frozen=True, kw_only=True)
class LogCollectionArgs:
    """Arguments of `LogCollection`.

    Attributes:
        scope: Names, region and tags of the stack.
        retention_days: Days for which logs are kept, 1 to 3,650; 3,650 keeps them permanently.
        units: systemd units whose journal is collected.
        load_balancer: Also create the store for a load balancer's access log.
        kms_key_id: KMS key that encrypts the logs; by default the service's own key.
        kms_role_arn: Role with which the service uses that key; required with `kms_key_id`.
    """

    scope: Scope
    retention_days: int
    units: Sequence[str]
    load_balancer: bool = False
    kms_key_id: pulumi.Input[str] | None = None
    kms_role_arn: pulumi.Input[str] | None = None

    def __post_init__(self) -> None:
        if not 1 <= self.retention_days <= 3650:
            raise ValueError(f"retention_days is {self.retention_days}; it must be 1 to 3650")
        if (self.kms_key_id is None) != (self.kms_role_arn is None):
            raise ValueError(
                "kms_key_id and kms_role_arn belong together, but only one is set; set both or "
                "neither"
            )


class LogCollection(pulumi.ComponentResource):
    """A log project that collects the logs of the stack's nodes.

    Attributes:
        project_name: The log project.
        store_names: Role to logstore; each name is known once its index exists.
    """

    project_name: pulumi.Output[str]
    store_names: dict[LogStoreRole, pulumi.Output[str]]

    def __init__(
        self, name: str, args: LogCollectionArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("customrag:observability:LogCollection", name, None, opts)
        self._child = pulumi.ResourceOptions(parent=self)
        project = log.Project(
            name,
            project_name=log_project_name(args.scope.naming),
            description="customrag: logs of nodes and load balancer",
            tags=dict(args.scope.tags),
            opts=self._child,
        )
        self.project_name = project.project_name.apply(str)
        roles = [LogStoreRole.APP, *([LogStoreRole.ALB] if args.load_balancer else [])]
        self.store_names = {role: self._store(name, args, role) for role in roles}
        self._collect(name, args)
        self.register_outputs({"project_name": self.project_name})

    def _store(self, name: str, args: LogCollectionArgs, role: LogStoreRole) -> pulumi.Output[str]:
        store = log.Store(
            f"{name}-{role}",
            project_name=self.project_name,
            logstore_name=str(role),
            retention_period=args.retention_days,
            shard_count=2,
            auto_split=True,
            max_split_shard_count=16,
            append_meta=True,
            encrypt_conf=_encryption(args),
            opts=self._child,
        )
        index = log.StoreIndex(
            f"{name}-{role}-index",
            project=self.project_name,
            logstore=store.logstore_name,
            full_text=log.StoreIndexFullTextArgs(
                case_sensitive=False, include_chinese=True, token=_DELIMITERS
            ),
            opts=self._child,
        )
        return once(store.logstore_name, index.id)

    def _collect(self, name: str, args: LogCollectionArgs) -> None:
        group = log.MachineGroup(
            f"{name}-nodes",
            project=self.project_name,
            name=_NODES,
            identify_type="userdefined",
            identify_lists=[log_identity(args.scope.naming)],
            opts=self._child,
        )
        config = log.LogTailConfig(
            f"{name}-journal",
            project=self.project_name,
            logstore=self.store_names[LogStoreRole.APP],
            name="journal",
            input_type="plugin",
            input_detail=_journal(args.units),
            output_type="LogService",
            opts=self._child,
        )
        log.LogTailAttachment(
            f"{name}-journal-nodes",
            project=self.project_name,
            logtail_config_name=config.name,
            machine_group_name=group.name,
            opts=self._child,
        )


def _encryption(args: LogCollectionArgs) -> log.StoreEncryptConfArgs:
    if args.kms_key_id is None:
        return log.StoreEncryptConfArgs(enable=True, encrypt_type="default")
    return log.StoreEncryptConfArgs(
        enable=True,
        encrypt_type="default",
        user_cmk_info=log.StoreEncryptConfUserCmkInfoArgs(
            cmk_key_id=args.kms_key_id, arn=args.kms_role_arn, region_id=args.scope.region_id
        ),
    )


def _journal(units: Sequence[str]) -> str:
    """Return the plugin configuration that collects the journal of `units` from its beginning.

    Source: https://help.aliyun.com/document_detail/104041.html (service_journal), read 2026-11-21.
    """
    detail = {
        "JournalPaths": list(_JOURNAL_DIRECTORIES),
        "SeekPosition": "head",
        "Kernel": False,
        "Units": sorted(units),
        "ParsePriority": True,
        "UseJournalEventTime": True,
    }
    document = {"plugin": {"inputs": [{"type": "service_journal", "detail": detail}]}}
    return json.dumps(document, sort_keys=True)


@dataclass(frozen=True, kw_only=True)
class Alarm:
    """One alarm rule: a metric of one resource, and the condition that raises the alarm.

    Attributes:
        name: Short name, unique in the stack.
        namespace: CloudMonitor's name for the product, e.g. `acs_elasticsearch`.
        metric: Name of the metric.
        dimensions: The metric's dimensions, which select the resource.
        threshold: In the metric's unit.
        statistics: One of the metric's statistics: `Average`, `Maximum`, `Value`, …
        operator: `>`, `>=`, `<`, `<=`, `==` or `!=`.
        times: Number of consecutive periods in which the condition must hold.
        period_seconds: Length of a period.
        critical: Whether the level is critical; otherwise it is warn.
    """

    name: str
    namespace: str
    metric: str
    dimensions: Mapping[str, pulumi.Input[str]]
    threshold: float
    statistics: str = "Average"
    operator: str = ">"
    times: int = 3
    period_seconds: int = 60
    critical: bool = False


@dataclass(frozen=True, kw_only=True)
class AlarmsArgs:
    """Arguments of `Alarms`.

    Attributes:
        scope: Names, region and tags of the stack.
        emails: Addresses that receive the alarms. CloudMonitor first sends each one an activation
            link, and sends nothing else until its owner follows the link.
        alarms: The rules.
    """

    scope: Scope
    emails: Sequence[str]
    alarms: Sequence[Alarm]

    def __post_init__(self) -> None:
        if not self.emails:
            raise ValueError(
                "emails is empty, so the alarms have no recipient; add an address, or declare no "
                "Alarms"
            )
        names = [alarm.name for alarm in self.alarms]
        if len(set(names)) != len(names):
            raise ValueError(
                f"alarms have duplicate names: {sorted(names)}; each name must be unique"
            )


class Alarms(pulumi.ComponentResource):
    """Alarm rules, and the contact group that they notify."""

    def __init__(
        self, name: str, args: AlarmsArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("customrag:observability:Alarms", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        contacts = [
            cms.AlarmContact(
                f"{name}-contact-{_digest(email)}",
                alarm_contact_name=_contact_name(args.scope.naming, email),
                describe=f"customrag: alarms of stack {args.scope.naming.stack}",
                channels_mail=email,
                lang="en",
                # The cloud reports an address only after its owner follows the link. A different
                # address is a different contact, so ignoring changes hides none.
                opts=pulumi.ResourceOptions(parent=self, ignore_changes=["channelsMail"]),
            )
            for email in args.emails
        ]
        group = cms.AlarmContactGroup(
            f"{name}-contacts",
            alarm_contact_group_name=args.scope.naming.physical("alarms"),
            describe=f"customrag: alarms of stack {args.scope.naming.stack}",
            contacts=[contact.alarm_contact_name for contact in contacts],
            opts=child,
        )
        for alarm in args.alarms:
            _rule(name, alarm, group.alarm_contact_group_name, args, child)
        self.register_outputs({"contact_group": group.alarm_contact_group_name})


def _digest(email: str) -> str:
    return hashlib.sha256(email.lower().encode()).hexdigest()[:8]


def _contact_name(naming: Naming, email: str) -> str:
    # 2 to 40 characters: provider docs of alicloud_cms_alarm_contact, read 2026-11-21.
    return f"{naming.physical('')[:31].rstrip('-')}-{_digest(email)}"


def _rule(
    name: str,
    alarm: Alarm,
    contact_group: pulumi.Output[str],
    args: AlarmsArgs,
    child: pulumi.ResourceOptions,
) -> None:
    level: dict[str, Any] = {
        "comparison_operator": alarm.operator,
        "statistics": alarm.statistics,
        "threshold": f"{alarm.threshold:g}",
        "times": alarm.times,
    }
    cms.Alarm(
        f"{name}-{alarm.name}",
        name=args.scope.naming.physical(alarm.name),
        project=alarm.namespace,
        metric=alarm.metric,
        metric_dimensions=pulumi.Output.all(**alarm.dimensions).apply(
            lambda values: json.dumps([values], sort_keys=True)
        ),
        period=alarm.period_seconds,
        contact_groups=[contact_group],
        silence_time=SILENCE_SECONDS,
        escalations_critical=cms.AlarmEscalationsCriticalArgs(**level) if alarm.critical else None,
        escalations_warn=None if alarm.critical else cms.AlarmEscalationsWarnArgs(**level),
        tags=dict(args.scope.tags),
        opts=child,
    )
