"""Cases of the components that serve: network, nodes, chat application, edge, logs and alarms."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from components.chat_app import ChatApp, ChatAppArgs, ChatFrontArgs
from components.edge import Edge, EdgeArgs
from components.egress import NatEgress, NatEgressArgs
from components.embedding_node import EmbeddingNode, EmbeddingNodeArgs
from components.fleet import FleetSize, ServiceFleet, ServiceFleetArgs
from components.load_balancer import (
    Access,
    AccessLog,
    HttpsLoadBalancer,
    HttpsLoadBalancerArgs,
    Zones,
)
from components.model_endpoint import ModelEndpoint, ModelEndpointArgs
from components.network import Network, NetworkArgs
from components.nodes import (
    DataDisk,
    ServiceArgs,
    ServiceNode,
    ServiceNodeArgs,
)
from components.observability import (
    Alarm,
    Alarms,
    AlarmsArgs,
    LogCollection,
    LogCollectionArgs,
)
from components.search_endpoint import SearchAccess
from stack_config.kinds import AddressType
from tests.components.cases.support import (
    CODE,
    LOG_AGENT,
    PLACEMENT,
    SCOPE,
    ZONE,
    Case,
    machine,
)

ZONES = Zones(vpc_id="vpc-1", vswitch_ids={ZONE: "vsw-1", "cn-hangzhou-i": "vsw-2"})


def _network(name: str, **changes: Any) -> Network:
    zones = (ZONE, "cn-hangzhou-i")
    return Network(name, NetworkArgs(scope=SCOPE, zone_ids=zones, **changes))


def _model(name: str, **changes: Any) -> ModelEndpoint:
    return ModelEndpoint(
        name,
        ModelEndpointArgs(
            scope=SCOPE,
            base_url="https://dashscope.aliyuncs.com/compatible-mode/v1",
            model="qwen-plus",
            api_key="sk-1",
            **changes,
        ),
    )


def _embedding_node(name: str, **changes: Any) -> EmbeddingNode:
    return EmbeddingNode(
        name,
        EmbeddingNodeArgs(
            scope=SCOPE,
            code=CODE,
            machine=machine("ecs.gn7i-c8g1.2xlarge"),
            placement=PLACEMENT,
            model_uri="oss://artifacts.oss/model/",
            model_version="1",
            **changes,
        ),
    )


def _chat(name: str, **changes: Any) -> ChatApp:
    return ChatApp(
        name,
        ChatAppArgs(
            scope=SCOPE,
            code=CODE,
            machine=machine("ecs.g7.large"),
            placement=PLACEMENT,
            kms_endpoint="https://kms-vpc.cn-hangzhou.aliyuncs.com",
            search=SearchAccess(
                url="https://es-1.internal:9200",
                username="elastic",
                secret_name="search-password",
            ),
            index_alias="customrag",
            model=_model(f"{name}-model"),
            **changes,
        ),
    )


def _front(name: str, **changes: Any) -> HttpsLoadBalancer:
    return HttpsLoadBalancer(
        name,
        HttpsLoadBalancerArgs(
            scope=SCOPE,
            role="chat",
            zones=ZONES,
            certificate_id="1-cn-hangzhou",
            health_check_path="/ready",
            **changes,
        ),
    )


def _fleet(name: str, **changes: Any) -> ServiceFleet:
    given: dict[str, Any] = {"machine": machine("ecs.g7.large"), **changes}
    return ServiceFleet(
        name,
        ServiceFleetArgs(
            scope=SCOPE,
            service=ServiceArgs(name="chat", module="rag.app", port=8080),
            code=CODE,
            zones=ZONES,
            server_group_id="sgp-1",
            **given,
        ),
    )


def _chat_front(**changes: Any) -> ChatFrontArgs:
    return ChatFrontArgs(zones=ZONES, certificate_id="1-cn-hangzhou", **changes)


def _service_node(
    name: str, data_disk: DataDisk | None = None, private_ip: str | None = None, **changes: Any
) -> ServiceNode:
    return ServiceNode(
        name,
        ServiceNodeArgs(
            scope=SCOPE,
            service=ServiceArgs(name="embedding", module="rag.serving", port=8000),
            code=CODE,
            machine=machine("ecs.g7.large", **changes),
            placement=PLACEMENT,
            data_disk=data_disk,
            private_ip=private_ip,
        ),
    )


def _logs(name: str, **changes: Any) -> LogCollection:
    return LogCollection(
        name,
        LogCollectionArgs(
            scope=SCOPE,
            retention_days=7,
            units=["customrag-chat.service"],
            **changes,
        ),
    )


def _alarms(name: str) -> Alarms:
    disk = Alarm(
        name="disk",
        namespace="acs_elasticsearch",
        metric="NodeDiskUtilization",
        dimensions={"clusterId": "es-cn-1"},
        statistics="Average",
        operator=">",
        threshold=80,
    )
    return Alarms(name, AlarmsArgs(scope=SCOPE, emails=["a@example.com"], alarms=[disk]))


def _egress(name: str) -> NatEgress:
    return NatEgress(
        name,
        NatEgressArgs(
            scope=SCOPE,
            vpc_id="vpc-1",
            zone_id=ZONE,
            vswitch_ids={ZONE: "vsw-1", "cn-hangzhou-i": "vsw-2"},
        ),
    )


def _edge(name: str) -> Edge:
    return Edge(
        name,
        EdgeArgs(
            script_name="customrag-dev",
            content="export default {};",
            account_id="a1",
            zone_id="z1",
            url="https://rag.example.com",
            origin_url="https://alb-1.example.com",
            origin_key="00ff",
            issuer="https://issuer.example.com/",
            audience="rag",
            jwks_url="https://issuer.example.com/jwks",
            answers_version="1",
        ),
    )


CASES: Mapping[str, Case] = MappingProxyType(
    {
        "network": _network,
        "network-opensearch": lambda name: _network(name, opensearch=True),
        "network-existing": lambda name: _network(
            name,
            existing_vpc_id="vpc-1",
            existing_vswitch_ids={ZONE: "vsw-1", "cn-hangzhou-i": "vsw-2"},
        ),
        "egress": _egress,
        "model": _model,
        "node": _service_node,
        "node-own-key-logs": lambda name: _service_node(
            name, disk_kms_key_id="key-1", log_agent=LOG_AGENT
        ),
        "node-data-disk": lambda name: _service_node(
            name,
            data_disk=DataDisk(size_gib=40, mount_path="/var/lib/customrag/index"),
            private_ip="10.20.0.10",
            disk_kms_key_id="key-1",
        ),
        "embedding": _embedding_node,
        "embedding-spot": lambda name: _embedding_node(name, spot=True),
        "chat": _chat,
        "chat-behind-load-balancer": lambda name: _chat(
            name, front=_chat_front(domain_name="chat.example.com")
        ),
        "load-balancer": _front,
        "load-balancer-in-the-internet": lambda name: _front(
            name,
            access=Access(
                address_type=AddressType.INTERNET, allowed_cidr_blocks=["203.0.113.0/24"]
            ),
            access_log=AccessLog(project="logs", store="alb"),
            deletion_protection=False,
        ),
        "fleet": _fleet,
        "fleet-scaled-own-key": lambda name: _fleet(
            name,
            size=FleetSize(min_instances=2, max_instances=4),
            machine=machine("ecs.g7.large", disk_kms_key_id="key-1"),
            deletion_protection=False,
        ),
        "logs": _logs,
        "logs-own-key-load-balancer": lambda name: _logs(
            name, load_balancer=True, kms_key_id="key-1", kms_role_arn="acs:ram::1:role/log"
        ),
        "alarms": _alarms,
        "edge": _edge,
    }
)
