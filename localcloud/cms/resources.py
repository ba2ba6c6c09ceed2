"""Resource types of CloudMonitor (2019-01-01).

Namespaces, metrics and their statistics: https://cms.console.aliyun.com/metric-meta and the
metric references of each product (read 2026-11). Metrics of other products are refused, because the
local cloud cannot know whether they exist.
"""

from __future__ import annotations

import json
import re
from typing import Any, ClassVar

from localcloud.core.errors import CloudError
from localcloud.core.records import Plan, RecordHandler
from localcloud.core.resources import Context, Properties, ResourceHandler
from provider_facts.metrics import METRICS

CONTACTS, CONTACT_GROUPS, ALARMS = "cms.contacts", "cms.contact_groups", "cms.alarms"
_LEVELS = ("escalationsCritical", "escalationsWarn", "escalationsInfo")
_CHANNELS = ("channelsMail", "channelsSms", "channelsAliim", "channelsDingWebHook")
_MAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_PERIODS_SECONDS = (15, 60, 300, 900, 1800, 3600, 86400)


class AlarmContactHandler(RecordHandler):
    """``alicloud:cms/alarmContact:AlarmContact``; unlike the cloud, without activation by mail."""

    token: ClassVar[str] = "alicloud:cms/alarmContact:AlarmContact"
    table: ClassVar[str] = CONTACTS
    effective: ClassVar[frozenset[str]] = frozenset({"alarmContactName", "channelsMail"})
    recorded: ClassVar[frozenset[str]] = frozenset(
        {"channelsAliim", "channelsDingWebHook", "channelsSms", "describe", "lang"}
    )

    def plan(self, inputs: Properties, context: Context, old: Properties | None) -> Plan:
        """Validate the inputs as PutContact does."""
        if not any(inputs.get(channel) for channel in _CHANNELS):
            raise CloudError("ParameterInvalid", f"Give one of {', '.join(_CHANNELS)}.")
        mail = inputs.get("channelsMail")
        if mail and not _MAIL.fullmatch(mail):
            raise CloudError(
                "ParameterInvalid", f"channelsMail is {mail!r}, which is not a mail address."
            )
        return inputs["alarmContactName"], {}


class AlarmContactGroupHandler(RecordHandler):
    """``alicloud:cms/alarmContactGroup:AlarmContactGroup``."""

    token: ClassVar[str] = "alicloud:cms/alarmContactGroup:AlarmContactGroup"
    table: ClassVar[str] = CONTACT_GROUPS
    effective: ClassVar[frozenset[str]] = frozenset({"alarmContactGroupName", "contacts"})
    recorded: ClassVar[frozenset[str]] = frozenset({"describe", "enableSubscribed"})

    def plan(self, inputs: Properties, context: Context, old: Properties | None) -> Plan:
        """Validate the inputs as PutContactGroup does."""
        known = context.store.table(CONTACTS)
        missing = [name for name in inputs.get("contacts") or () if known.get(name) is None]
        if missing:
            raise CloudError(
                "ResourceNotFound", f"The contacts {', '.join(missing)} do not exist.", 404
            )
        return inputs["alarmContactGroupName"], {
            "enableSubscribed": inputs.get("enableSubscribed", True)
        }


class AlarmHandler(RecordHandler):
    """``alicloud:cms/alarm:Alarm``: a rule that is checked and stored, but never fires."""

    token: ClassVar[str] = "alicloud:cms/alarm:Alarm"
    table: ClassVar[str] = ALARMS
    effective: ClassVar[frozenset[str]] = frozenset(
        {
            *("project", "metric", "contactGroups", "metricDimensions", "period", "name"),
            *("silenceTime", *_LEVELS),
        }
    )
    recorded: ClassVar[frozenset[str]] = frozenset(
        {"effectiveInterval", "enabled", "tags", "webhook"}
    )

    def plan(self, inputs: Properties, context: Context, old: Properties | None) -> Plan:
        """Validate the inputs as PutResourceMetricRule does."""
        _check_metric(inputs)
        known = context.store.table(CONTACT_GROUPS)
        missing = [name for name in inputs["contactGroups"] if known.get(name) is None]
        if missing:
            raise CloudError(
                "ResourceNotFound", f"The contact groups {', '.join(missing)} do not exist.", 404
            )
        dimensions = json.loads(inputs.get("metricDimensions") or "[]")
        if not isinstance(dimensions, list) or not dimensions:
            raise CloudError(
                "ParameterInvalid",
                'metricDimensions must be a JSON list, e.g. [{"instanceId":"i-1"}].',
            )
        if int(inputs.get("period", 300)) not in _PERIODS_SECONDS:
            raise CloudError(
                "ParameterInvalid", f"period must be one of {_PERIODS_SECONDS} seconds."
            )
        if old is not None:
            return "", {"status": "OK"}
        return context.ids.new("alarm-", 20), {"status": "OK"}


def _check_metric(inputs: Properties) -> None:
    namespace, metric = inputs["project"], inputs["metric"]
    metrics = METRICS.get(namespace, {})
    if metric not in metrics:
        raise CloudError(
            "ParameterInvalid",
            f"The local cloud does not know the metric {namespace}/{metric}; use one of "
            + ", ".join(f"{space}/{name}" for space, names in METRICS.items() for name in names),
        )
    levels: dict[str, Any] = {level: inputs[level] for level in _LEVELS if inputs.get(level)}
    if not levels:
        raise CloudError("ParameterInvalid", f"Give one of {', '.join(_LEVELS)}.")
    for level, rule in levels.items():
        if rule.get("statistics", "Average") not in metrics[metric]:
            raise CloudError(
                "ParameterInvalid",
                f"{level}.statistics is {rule.get('statistics', 'Average')!r}; "
                f"for {metric} it must be one of {', '.join(metrics[metric])}.",
            )


HANDLERS: tuple[type[ResourceHandler], ...] = (
    AlarmContactHandler,
    AlarmContactGroupHandler,
    AlarmHandler,
)
