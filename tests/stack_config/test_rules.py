"""Rules of single keys and between keys: what is refused, and that the message says what to set."""

from __future__ import annotations

import json
from typing import Any

import pytest

from stack_config.config import ConfigError, StackConfig
from tests.infra.conftest import CLOUD_CONFIG, project_defaults

PROD = {"environment": "prod"}
PR = {
    "environment": "pr",
    "expiresAt": "2026-11-24T12:00:00Z",
    "trainingSpot": True,
    "embeddingSpot": True,
    "deletionProtection": False,
}
FRONT = {"loadBalancer": True, "chatCertificateId": "1234567-cn-hangzhou"}
INTERNET = {
    **FRONT,
    "chatAddressType": "Internet",
    "chatAllowedCidrBlocks": ["203.0.113.0/24"],
}
EDGE = {
    **INTERNET,
    "chatAllowedCidrBlocks": ["0.0.0.0/0"],
    "chatDomainName": "origin.example.com",
    "edge": "cloudflare",
    "edgeHostname": "rag.example.com",
    "edgeCloudflareAccountId": "a1",
    "edgeCloudflareZoneId": "z1",
    "edgeIssuer": "https://issuer.example.com/",
    "edgeAudience": "rag",
    "edgeJwksUrl": "https://issuer.example.com/jwks",
}
ZONES = {
    "elasticsearchZoneCount": 2,
    "elasticsearchMasterNodeSpec": "elasticsearch.sn2ne.large",
}
VPC = {"existingVpcId": "vpc-bp1abc", "existingVswitchIds": ["vsw-1", "vsw-2"]}
BOTH = {"searchEngines": "elasticsearch,opensearch"}
ALONE = {"searchEngines": "opensearch"}


def parse(values: dict[str, Any]) -> StackConfig:
    """Parse a cloud stack of two zones, with `values` on top."""
    raw = {
        key: value if isinstance(value, str) else json.dumps(value) for key, value in values.items()
    }
    return StackConfig.parse({**project_defaults(), **CLOUD_CONFIG, **raw}, stack="test")


def refusal(values: dict[str, Any]) -> list[str]:
    """Return the lines of the error that name a key."""
    with pytest.raises(ConfigError) as caught:
        parse(values)
    return [line for line in str(caught.value).splitlines() if line.startswith("  - ")]


@pytest.mark.parametrize(
    "values",
    [
        PROD,
        PR,
        FRONT,
        INTERNET,
        EDGE,
        VPC,
        {"encryptionKey": "own", "kmsInstanceId": "kst-hzz1"},
        {"encryptionKey": "key-hzz62f1cb66fa42qo4321"},
        {"encryptionKey": "05754286-3ba2-4fa6-8d41-4323aca6abcd"},
        {**ZONES, "elasticsearchDataNodeAmount": 4},
        {"elasticsearchSnapshotSchedule": "0 0 1 ? * * *"},
        {"searchEngines": "elasticsearch,opensearch", "opensearchNodes": 3},
        {"searchEngines": "opensearch, elasticsearch", "opensearchModel": "service"},
        {"embeddingNodes": 2},
        {"keepIndices": 0},
        {"indexVectorKind": "bbq_hnsw", "indexVectorOversample": "0"},
        {"indexVectorKind": "int8_flat", "indexVectorOversample": "2.5"},
        {"reranker": "hosted", "rerankerModel": "qwen3-rerank"},
        {"reranker": "none", "platform": "local", "environment": "dev"},
        {"reranker": "crossEncoder", "platform": "local", "environment": "dev"},
        # Its embedding nodes rerank, whichever engine the application searches.
        {"reranker": "crossEncoder", **ALONE},
        {"documentEncodings": ["docs/old=gb18030", "docs/old/de=windows-1252"]},
        {"documentOcr": "tesseract", "documentOcrLanguages": ["deu", "chi_tra"]},
        {"embeddingModel": "modelscope:BAAI/bge-m3", "natGateway": True},
        {"embeddingModel": "modelscope:BAAI/bge-m3", **VPC},
        {"embeddingModel": "hf:BAAI/bge-m3", "embeddingModelUri": "oss://models/bge-m3/"},
        {"pinnedIndex": "customrag-0123456789ab-abcdef"},
        {**ALONE, "pinnedIndex": "customrag-0123456789ab-abcdef"},
        {"nightHours": "20:00-08:00 Asia/Shanghai"},
        {"replicationRegionId": "cn-shanghai", "retainData": True},
        {"existingElasticsearchInstanceId": "es-cn-abc123", "existingPaiWorkspaceId": "4711"},
        # A rehearsal of an environment, on the local cloud.
        {"platform": "local", "environment": "dev"},
    ],
)
def test_valid_combinations_are_accepted(values: dict[str, Any]) -> None:
    assert parse(values).owner == "unset"


@pytest.mark.parametrize(
    ("values", "key", "advice"),
    [
        ({"environment": "local"}, "environment", "it must be dev, prod or pr"),
        ({"environment": "staging"}, "environment", "it must be local, dev, prod or pr"),
        (
            {"reranker": "colbert"},
            "reranker",
            "it must be lateInteraction, crossEncoder, hosted or none",
        ),
        (
            {"reranker": "hosted", "platform": "local", "environment": "dev"},
            "reranker",
            "a local stack has no hosted reranker; give lateInteraction, crossEncoder or none",
        ),
        ({"rerankerBaseUrl": "https://host"}, "rerankerBaseUrl", "up to and including /v1"),
        ({"expiresAt": "tomorrow"}, "expiresAt", "such as 2026-11-24T12:00:00Z"),
        ({"expiresAt": "2026-11-24T12:00:00+08:00"}, "expiresAt", "in UTC"),
        ({"expiresAt": "2026-11-24T12:00:00"}, "expiresAt", "in UTC"),
        ({"embeddingModelUri": "oss://models"}, "embeddingModelUri", "oss://models/bge-m3/"),
        ({"embeddingModelUri": "oss://models/bge"}, "embeddingModelUri", "a folder in OSS"),
        (
            {"embeddingModel": "modelscope:BAAI/bge-m3", "natGateway": False},
            "embeddingModel",
            "set natGateway to true, or put the model's files into OSS",
        ),
        (
            {"embeddingModel": "hf:BAAI/bge-m3", "natGateway": True},
            "embeddingModel",
            "give the model of ModelScope, modelscope:BAAI/bge-m3, or put",
        ),
        ({"monthlyBudgetCny": -1}, "monthlyBudgetCny", "0 sets no budget"),
        ({**PROD, "deletionProtection": False}, "deletionProtection", "prod needs true"),
        ({**PROD, "forceDestroy": True}, "forceDestroy", "prod needs false"),
        ({**PROD, "expiresAt": "2026-11-24T12:00:00Z"}, "expiresAt", "leave it empty"),
        ({**PROD, "secretRecoveryWindowDays": 0}, "secretRecoveryWindowDays", "7 to 30 days"),
        ({**PR, "expiresAt": ""}, "expiresAt", "the sweeper destroys it"),
        ({**PR, "trainingSpot": False}, "trainingSpot", "spot"),
        ({**PR, "embeddingSpot": False}, "embeddingSpot", "spot"),
        ({**PR, "embeddingNodes": 2}, "embeddingNodes", "a pr stack has one"),
        ({"embeddingNodes": 0}, "embeddingNodes", "at least 1"),
        ({"embeddingNodes": 3}, "embeddingNodes", "from 1 to 2, the number of zones"),
        ({**PR, "deletionProtection": True}, "deletionProtection", "the sweeper deletes"),
        ({**PR, "retainData": True}, "retainData", "keeps no data"),
        ({"existingVpcId": "vpc-bp1abc"}, "existingVswitchIds", "give both or neither"),
        ({"existingVswitchIds": ["vsw-1", "vsw-2"]}, "existingVswitchIds", "give both or neither"),
        ({**VPC, "existingVswitchIds": ["vsw-1"]}, "existingVswitchIds", "each of zoneIds"),
        ({**VPC, "existingVswitchIds": ["vsw-1", "x"]}, "existingVswitchIds", "begin with vsw-"),
        ({**VPC, "existingVpcId": "my-vpc"}, "existingVpcId", "vpc-bp1…"),
        ({"existingCorpusBucket": "Docs"}, "existingCorpusBucket", "my-bucket"),
        (
            {"existingElasticsearchInstanceId": "x"},
            "existingElasticsearchInstanceId",
            "es-cn-…",
        ),
        ({"existingPaiWorkspaceId": "mine"}, "existingPaiWorkspaceId", "123456"),
        ({"kmsInstanceId": "x"}, "kmsInstanceId", "kst-…"),
        (
            {"encryptionKey": "alias/mine"},
            "encryptionKey",
            "managed (keys that the cloud manages), own",
        ),
        (
            {"retainData": True, "forceDestroy": True},
            "retainData",
            "false when forceDestroy is true",
        ),
        ({"replicationRegionId": "cn-hangzhou"}, "replicationRegionId", "another region"),
        ({"replicationRegionId": "Shanghai"}, "replicationRegionId", "such as cn-shanghai"),
        ({"loadBalancer": True}, "chatCertificateId", "from the SSL console"),
        ({**FRONT, "zoneIds": ["cn-hangzhou-h"]}, "zoneIds", "needs two zones"),
        (
            {"chatAddressType": "Internet", "chatAllowedCidrBlocks": ["10.0.0.0/8"]},
            "chatAddressType",
            "only a load balancer",
        ),
        ({"chatMaxInstances": 2}, "chatMaxInstances", "needs loadBalancer true"),
        ({**FRONT, "chatMinInstances": 2}, "chatMinInstances", "from 1 to chatMaxInstances"),
        ({**FRONT, "chatMinInstances": 0}, "chatMinInstances", "at least 1"),
        (
            {**INTERNET, "chatAllowedCidrBlocks": []},
            "chatAllowedCidrBlocks",
            "list the CIDR blocks",
        ),
        (
            {**INTERNET, "chatAllowedCidrBlocks": ["0.0.0.0/0"]},
            "chatAllowedCidrBlocks",
            "admits everyone",
        ),
        (
            {**INTERNET, "chatAllowedCidrBlocks": ["::/0"]},
            "chatAllowedCidrBlocks",
            "admits everyone",
        ),
        ({**INTERNET, "chatAllowedCidrBlocks": ["10.0.0.1/8"]}, "chatAllowedCidrBlocks", "host"),
        ({**ZONES, "elasticsearchZoneCount": 4}, "elasticsearchZoneCount", "from 1 to 3"),
        ({**ZONES, "elasticsearchDataNodeAmount": 3}, "elasticsearchDataNodeAmount", "a multiple"),
        ({"searchEngines": "solr"}, "searchEngines", "give elasticsearch, opensearch, or both"),
        ({"searchEngines": ""}, "searchEngines", "give elasticsearch, opensearch, or both"),
        (
            {"searchEngines": "elasticsearch,elasticsearch"},
            "searchEngines",
            "give elasticsearch, opensearch, or both",
        ),
        (
            {**ALONE, "elasticsearchSnapshotSchedule": "0 0 1 ? * * *"},
            "elasticsearchSnapshotSchedule",
            "the stack has no Elasticsearch; leave it empty, or add it to searchEngines",
        ),
        (
            {**ALONE, "existingElasticsearchInstanceId": "es-cn-abc123"},
            "existingElasticsearchInstanceId",
            "the stack has no Elasticsearch",
        ),
        ({"opensearchNodes": 0}, "opensearchNodes", "without opensearch in searchEngines"),
        ({"opensearchNodes": 2}, "opensearchNodes", "give 1, 3, 5, 7 or 9"),
        ({**BOTH, **VPC}, "existingVpcId", "fixed addresses"),
        (
            {**BOTH, "indexVectorKind": "bbq_hnsw"},
            "indexVectorKind",
            "OpenSearch takes hnsw or int8_hnsw",
        ),
        (
            {**ZONES, "elasticsearchMasterNodeSpec": ""},
            "elasticsearchMasterNodeSpec",
            "dedicated master nodes",
        ),
        (
            {"elasticsearchSnapshotSchedule": "0 1 * * *"},
            "elasticsearchSnapshotSchedule",
            "seconds first",
        ),
        (
            {"elasticsearchSnapshotSchedule": "0 0 25 ? * * *"},
            "elasticsearchSnapshotSchedule",
            "out of range",
        ),
        ({"elasticsearchDataNodeDiskGib": 10}, "elasticsearchDataNodeDiskGib", "20"),
        ({"keepIndices": -1}, "keepIndices", "from 0 to 5"),
        ({"indexVectorKind": "ivf"}, "indexVectorKind", "it must be hnsw, int8_hnsw"),
        ({"indexVectorM": 513}, "indexVectorM", "from 1 to 512"),
        ({"indexVectorEfConstruction": 0}, "indexVectorEfConstruction", "from 1 to 3200"),
        (
            {"indexVectorKind": "int8_hnsw", "indexVectorOversample": "0.5"},
            "indexVectorOversample",
            "0, or from 1 to 10",
        ),
        ({"indexVectorOversample": "many"}, "indexVectorOversample", "give a number"),
        (
            {"indexVectorKind": "hnsw", "indexVectorOversample": "2"},
            "indexVectorOversample",
            "leave it empty",
        ),
        ({"documentEncodings": ["gb18030"]}, "documentEncodings", "must be FOLDER=ENCODING"),
        ({"documentEncodings": ["docs/old=gb"]}, "documentEncodings", "for example gb18030, big5"),
        ({"documentEncodings": ["old=hex"]}, "documentEncodings", "'hex', for docs/old, must be"),
        ({"documentOcr": "yes"}, "documentOcr", "it must be none or tesseract"),
        ({"documentOcrLanguages": []}, "documentOcrLanguages", "give at least one language"),
        ({"documentOcrLanguages": ["e n"]}, "documentOcrLanguages", "as Tesseract names it"),
        ({"keepIndices": 6}, "keepIndices", "from 0 to 5"),
        ({"pinnedIndex": "other-1"}, "pinnedIndex", "the output index_generations lists"),
        (
            {"pinnedIndex": "customrag-1", "keepIndices": 0},
            "keepIndices",
            "with pinnedIndex set",
        ),
        ({"logRetentionDays": 4000}, "logRetentionDays", "from 0 to 3650"),
        ({"alarmContactEmails": ["me"]}, "alarmContactEmails", "is not an e-mail address"),
        ({"nightHours": "20:00-08:00"}, "nightHours", "a time zone"),
        ({"nightHours": "20:00-08:00 Asia/Hangzhou"}, "nightHours", "a time zone"),
        ({"nightHours": "20:00-20:00 Asia/Shanghai"}, "nightHours", "from-to"),
        ({"nightHours": "24:00-08:00 Asia/Shanghai"}, "nightHours", "from-to"),
        ({"edgeHostname": "rag.example.com"}, "edgeHostname", "the stack has no edge"),
        ({**EDGE, "edgeIssuer": ""}, "edgeIssuer", "edge cloudflare needs it"),
        ({**EDGE, "edgeJwksUrl": "http://x/jwks"}, "edgeJwksUrl", "an https:// URL"),
        (
            {**EDGE, "chatAddressType": "Intranet", "chatAllowedCidrBlocks": []},
            "chatAddressType",
            "the edge connects from the Internet",
        ),
        ({**EDGE, "chatDomainName": ""}, "chatDomainName", "the certificate's name"),
        ({"edgeRequestsPerMinute": 0}, "edgeRequestsPerMinute", "at least 1"),
        ({"edgeCacheSeconds": -1}, "edgeCacheSeconds", "0 caches no answers"),
    ],
)
def test_an_invalid_value_is_refused_with_its_key_and_what_is_allowed(
    values: dict[str, Any], key: str, advice: str
) -> None:
    (line,) = refusal(values)
    assert line.startswith(f"  - customrag:{key} ")
    assert advice in line


def test_a_local_stack_needs_no_further_keys_for_an_edge() -> None:
    assert parse({"platform": "local", "environment": "local", "edge": "cloudflare"}).edge


def test_every_broken_rule_of_an_environment_is_reported_at_once() -> None:
    lines = refusal({"environment": "pr"})
    assert len(lines) == 4
