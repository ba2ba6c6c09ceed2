"""Resource types of ALB. Does not own the checks of inputs: ``localcloud.alb.checks`` does."""

from __future__ import annotations

import ipaddress
import socket
import time
from typing import Any, ClassVar, Final

from localcloud.alb import checks, state
from localcloud.alb.ports import may_bind, served_port
from localcloud.alb.services import process_name, spec
from localcloud.cloudflare.workers import workers_of
from localcloud.core.errors import CloudError
from localcloud.core.records import Plan, RecordHandler
from localcloud.core.resources import Context, Created, Properties, ResourceHandler
from localcloud.core.times import timestamp

_LISTEN_SECONDS: Final = 120.0
_HTTPS: Final = 443


class LoadBalancerHandler(RecordHandler):
    """``alicloud:alb/loadBalancer:LoadBalancer``: a process with its own address."""

    token: ClassVar[str] = "alicloud:alb/loadBalancer:LoadBalancer"
    table: ClassVar[str] = state.LOAD_BALANCERS
    effective: ClassVar[frozenset[str]] = frozenset(
        {
            *("addressType", "loadBalancerEdition", "loadBalancerBillingConfig", "vpcId"),
            *("zoneMappings", "loadBalancerName", "deletionProtectionConfig", "accessLogConfig"),
            *("deletionProtectionEnabled", "addressIpVersion"),
        }
    )
    recorded: ClassVar[frozenset[str]] = frozenset(
        {"tags", "resourceGroupId", "addressAllocatedMode", "modificationProtectionConfig"}
    )

    def plan(self, inputs: Properties, context: Context, old: Properties | None) -> Plan:
        """Validate the inputs as CreateLoadBalancer and UpdateLoadBalancerAttribute do."""
        checks.check_load_balancer(inputs, context)
        protected = _protected(inputs)
        computed: dict[str, Any] = {"deletionProtectionEnabled": protected}
        if old is not None:
            return "", computed
        load_balancer_id = context.ids.new("alb-", 18)
        address = context.addresses.allocate(f"alb/{load_balancer_id}")
        return load_balancer_id, {
            **computed,
            # The cloud returns a name. If 443 cannot be served, the address includes the port.
            "dnsName": address if may_bind(_HTTPS) else f"{address}:{served_port(_HTTPS)}",
            "createTime": timestamp(),
            "regionId": context.platform.region_id,
            "status": "Active",
            "addressIpVersion": "IPv4",
            "resourceGroupId": inputs.get("resourceGroupId", "rg-default"),
        }

    def create(self, inputs: Properties, context: Context) -> Created:
        """Store it and start its process."""
        created = super().create(inputs, context)
        context.supervisor.start(spec(created.id, context))
        return created

    def check_unused(self, id: str, record: Properties, context: Context) -> None:
        """Refuse the deletion of a protected load balancer, as DeleteLoadBalancer does."""
        if _protected(record):
            raise CloudError(
                "OperationDenied.DeletionProtection",
                f"{id} is protected; set deletionProtectionConfig.enabled to false and try again.",
                403,
            )

    def delete(self, id: str, outputs: Properties, context: Context) -> None:
        """Delete it with its listeners, rules and process, as DeleteLoadBalancer does."""
        super().delete(id, outputs, context)
        for listener_id, listener in context.store.table(state.LISTENERS).items():
            if listener["loadBalancerId"] == id:
                _drop_listener(listener_id, context)
        context.supervisor.forget(process_name(id))
        health = context.store.table(state.HEALTH)
        for key in dict(health.items()):
            if key.startswith(f"{id}/"):
                health.delete(key)
        context.addresses.release(f"alb/{id}")


class ListenerHandler(RecordHandler):
    """``alicloud:alb/listener:Listener``."""

    token: ClassVar[str] = "alicloud:alb/listener:Listener"
    table: ClassVar[str] = state.LISTENERS
    effective: ClassVar[frozenset[str]] = frozenset(
        {
            *("loadBalancerId", "listenerPort", "listenerProtocol", "defaultActions", "status"),
            *("certificates", "securityPolicyId", "requestTimeout", "idleTimeout"),
        }
    )
    recorded: ClassVar[frozenset[str]] = frozenset(
        {
            *("tags", "listenerDescription", "gzipEnabled", "http2Enabled"),
            *("xForwardedForConfig", "accessLogRecordCustomizedHeadersEnabled"),
        }
    )

    def plan(self, inputs: Properties, context: Context, old: Properties | None) -> Plan:
        """Validate the inputs as CreateListener and UpdateListenerAttribute do."""
        known = next((key for key, record in self.records(context).items() if record == old), None)
        checks.check_listener(inputs, context, known)
        checks.choice("status", inputs.get("status", "Running"), ("Running", "Stopped"))
        computed = {"status": inputs.get("status", "Running")}
        return context.ids.new("lsn-", 18) if old is None else "", computed

    def create(self, inputs: Properties, context: Context) -> Created:
        """Create it, as CreateListener does, and wait until it answers."""
        created = super().create(inputs, context)
        if inputs.get("status", "Running") == "Running":
            _wait_until_served(created.id, inputs, context)
        workers_of(context).follow()
        return created

    def update(
        self, id: str, outputs: Properties, inputs: Properties, context: Context
    ) -> Properties:
        """Change it, as UpdateListenerAttribute does; the edge follows a new certificate."""
        record = super().update(id, outputs, inputs, context)
        workers_of(context).follow()
        return record

    def delete(self, id: str, outputs: Properties, context: Context) -> None:
        """Delete it with its rules and attachments, as DeleteListener does."""
        _drop_listener(id, context)


class RuleHandler(RecordHandler):
    """``alicloud:alb/rule:Rule``."""

    token: ClassVar[str] = "alicloud:alb/rule:Rule"
    table: ClassVar[str] = state.RULES
    effective: ClassVar[frozenset[str]] = frozenset(
        {"listenerId", "priority", "ruleActions", "ruleConditions", "ruleName", "direction"}
    )

    def plan(self, inputs: Properties, context: Context, old: Properties | None) -> Plan:
        """Validate the inputs as CreateRule and UpdateRuleAttribute do."""
        checks.required_record(context, state.LISTENERS, inputs["listenerId"], "Listener")
        checks.choice("direction", inputs.get("direction", "Request"), ("Request",))
        checks.check_actions(inputs["ruleActions"], context)
        checks.check_conditions(inputs["ruleConditions"])
        for rule in self.records(context).values():
            same = all(rule[name] == inputs[name] for name in ("listenerId", "priority"))
            if same and rule != old:
                raise CloudError(
                    "ResourceAlreadyExist.Rule",
                    f"The listener already has a rule with priority {inputs['priority']}; use "
                    "another.",
                    409,
                )
        computed = {"direction": "Request", "status": "Available"}
        return context.ids.new("rule-", 18) if old is None else "", computed


class ServerGroupHandler(RecordHandler):
    """``alicloud:alb/serverGroup:ServerGroup``; a scaling group adds and removes its servers."""

    token: ClassVar[str] = "alicloud:alb/serverGroup:ServerGroup"
    table: ClassVar[str] = state.SERVER_GROUPS
    effective: ClassVar[frozenset[str]] = frozenset(
        {
            *("serverGroupName", "vpcId", "protocol", "serverGroupType", "healthCheckConfig"),
            *("connectionDrainConfig", "scheduler"),
        }
    )
    recorded: ClassVar[frozenset[str]] = frozenset({"tags", "resourceGroupId", "crossZoneEnabled"})

    def plan(self, inputs: Properties, context: Context, old: Properties | None) -> Plan:
        """Validate the inputs as CreateServerGroup and UpdateServerGroupAttribute do."""
        checks.choice("protocol", inputs.get("protocol", "HTTP"), ("HTTP",))
        checks.choice("serverGroupType", inputs.get("serverGroupType", "Instance"), ("Instance",))
        checks.choice("scheduler", inputs.get("scheduler", "Wrr"), ("Wrr",))
        checks.check_health(inputs["healthCheckConfig"])
        drain = inputs.get("connectionDrainConfig") or {}
        checks.number("connectionDrainTimeout", drain.get("connectionDrainTimeout"), 0, 900)
        computed = {
            "protocol": "HTTP",
            "serverGroupType": "Instance",
            "scheduler": "Wrr",
            "status": "Available",
            "resourceGroupId": inputs.get("resourceGroupId", "rg-default"),
        }
        if old is not None:
            return "", computed
        return context.ids.new("sgp-", 18), {**computed, "createTime": timestamp()}

    def check_unused(self, id: str, record: Properties, context: Context) -> None:
        """Refuse the deletion of a server group that a listener or rule forwards to."""
        users = [
            key
            for table, field in ((state.LISTENERS, "defaultActions"), (state.RULES, "ruleActions"))
            for key, entry in context.store.table(table).items()
            if id in state.targets(entry[field])
        ]
        if users:
            raise CloudError(
                "ResourceInUse.ServerGroup",
                f"{', '.join(users)} forward to {id}; change them first.",
                409,
            )
        for key, _ in state.servers_of(context.store, id):
            state.drop_server(context.store, key)


class AclHandler(RecordHandler):
    """``alicloud:alb/acl:Acl``; its entries are separate attachments."""

    token: ClassVar[str] = "alicloud:alb/acl:Acl"
    table: ClassVar[str] = state.ACLS
    effective: ClassVar[frozenset[str]] = frozenset({"aclName"})
    recorded: ClassVar[frozenset[str]] = frozenset({"tags", "resourceGroupId"})

    def plan(self, inputs: Properties, context: Context, old: Properties | None) -> Plan:
        """Validate the inputs as CreateAcl does."""
        computed = {
            "status": "Available",
            "resourceGroupId": inputs.get("resourceGroupId", "rg-default"),
        }
        return context.ids.new("acl-", 18) if old is None else "", computed

    def check_unused(self, id: str, record: Properties, context: Context) -> None:
        """Refuse the deletion while a listener uses it, as DeleteAcl does."""
        users = context.store.table(state.LISTENER_ACLS).values()
        if any(entry["aclId"] == id for entry in users):
            raise CloudError("ResourceInUse.Acl", f"A listener uses {id}; detach it first.", 409)
        context.store.table(state.ACL_ENTRIES).delete(id)


class AclEntryAttachmentHandler(RecordHandler):
    """``alicloud:alb/aclEntryAttachment:AclEntryAttachment``: the CIDR blocks of a list."""

    token: ClassVar[str] = "alicloud:alb/aclEntryAttachment:AclEntryAttachment"
    table: ClassVar[str] = state.ACL_ENTRIES
    effective: ClassVar[frozenset[str]] = frozenset({"aclId", "entries"})

    def plan(self, inputs: Properties, context: Context, old: Properties | None) -> Plan:
        """Validate the inputs as AddEntriesToAcl does."""
        checks.required_record(context, state.ACLS, inputs["aclId"], "Acl")
        entries = inputs.get("entries") or []
        if not entries:
            raise CloudError(
                "MissingParam.AclEntries", "entries is empty; give at least one CIDR block."
            )
        for entry in entries:
            try:
                ipaddress.ip_network(entry["entry"])
            except ValueError as error:
                raise CloudError(
                    "IllegalParam.AclEntries",
                    f"The entry {entry['entry']!r} is not a CIDR block: {error}.",
                ) from error
        return inputs["aclId"], {"status": "Available"}


class ListenerAclAttachmentHandler(RecordHandler):
    """``alicloud:alb/listenerAclAttachment:ListenerAclAttachment``."""

    token: ClassVar[str] = "alicloud:alb/listenerAclAttachment:ListenerAclAttachment"
    table: ClassVar[str] = state.LISTENER_ACLS
    effective: ClassVar[frozenset[str]] = frozenset({"aclId", "aclType", "listenerId"})

    def plan(self, inputs: Properties, context: Context, old: Properties | None) -> Plan:
        """Validate the inputs as AssociateAclsWithListener does."""
        checks.required_record(context, state.LISTENERS, inputs["listenerId"], "Listener")
        checks.required_record(context, state.ACLS, inputs["aclId"], "Acl")
        return f"{inputs['listenerId']}:{inputs['aclId']}", {"status": "Associated"}


HANDLERS: tuple[type[ResourceHandler], ...] = (
    LoadBalancerHandler,
    ListenerHandler,
    RuleHandler,
    ServerGroupHandler,
    AclHandler,
    AclEntryAttachmentHandler,
    ListenerAclAttachmentHandler,
)


def _protected(record: Properties) -> bool:
    config = record.get("deletionProtectionConfig")
    if config is not None:
        return bool(config.get("enabled"))
    return bool(record.get("deletionProtectionEnabled"))


def _drop_listener(listener_id: str, context: Context) -> None:
    with context.store.transaction():
        for table in (state.RULES, state.LISTENER_ACLS):
            for key, entry in context.store.table(table).items():
                if entry["listenerId"] == listener_id:
                    context.store.table(table).delete(key)
        context.store.table(state.LISTENERS).delete(listener_id)


def _wait_until_served(listener_id: str, inputs: Properties, context: Context) -> None:
    address = context.addresses.allocate(f"alb/{inputs['loadBalancerId']}")
    port = served_port(int(inputs["listenerPort"]))
    deadline = time.monotonic() + _LISTEN_SECONDS
    while True:
        with socket.socket() as probe:
            probe.settimeout(1)
            if probe.connect_ex((address, port)) == 0:
                return
        if time.monotonic() > deadline:
            name = process_name(inputs["loadBalancerId"])
            _drop_listener(listener_id, context)
            raise CloudError(
                "ListenerNotServed",
                f"The listener did not answer at {address}:{port} within {_LISTEN_SECONDS:g} s; "
                f"the last lines of the log of {name}:\n{context.supervisor.log_tail(name)}",
                500,
            )
        time.sleep(0.05)
