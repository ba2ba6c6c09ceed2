"""Operations on a bucket's replication rule: put, get, delete.

Owns what each operation reads from its request, and its reply. Does not own the rules
(``replication``). A local bucket has at most one rule. API reference:
https://help.aliyun.com/en/oss/developer-reference/putbucketreplication (read 2026-11).
"""

from __future__ import annotations

from localcloud.oss.errors import OssError, invalid_argument
from localcloud.oss.exchange import Reply, Request, xml_reply
from localcloud.oss.replication import (
    CONFIGURATION,
    Rule,
    check_rule,
    parse_rule,
    rule_document,
)
from localcloud.oss.routing import Route
from localcloud.oss.server import Server
from localcloud.oss.xml import text


def change_bucket_replication(server: Server, request: Request) -> Reply:
    """Add the bucket's rule, or delete it."""
    kind = request.params["comp"]
    if kind == "add":
        return _put(server, request)
    if kind == "delete":
        return _delete(server, request)
    raise invalid_argument("comp", kind, "comp must be add or delete.")


def _put(server: Server, request: Request) -> Reply:
    buckets = server.storage.buckets
    rule = parse_rule(request.xml("ReplicationConfiguration"))
    check_rule(server.storage, server.access, request.bucket, rule, server.platform.region_id)
    if buckets.configuration(request.bucket, CONFIGURATION) is not None:
        raise OssError(
            "InvalidArgument",
            "The bucket already has a replication rule. The local OSS "
            "supports one. Delete it first.",
        )
    buckets.set_configuration(request.bucket, CONFIGURATION, rule)
    return Reply(headers={"x-oss-replication-rule-id": rule["id"]})


def _delete(server: Server, request: Request) -> Reply:
    rule_id = text(request.xml("ReplicationRules"), "ID") or ""
    rule = _rule(server, request)
    if rule["id"] != rule_id:
        raise _no_rule(request.bucket)
    server.storage.buckets.set_configuration(request.bucket, CONFIGURATION, None)
    return Reply()


def get_bucket_replication(server: Server, request: Request) -> Reply:
    """Return the bucket's rule."""
    return xml_reply("ReplicationConfiguration", {"Rule": [rule_document(_rule(server, request))]})


def _rule(server: Server, request: Request) -> Rule:
    rule: Rule | None = server.storage.buckets.configuration(request.bucket, CONFIGURATION)
    if rule is None:
        raise _no_rule(request.bucket)
    return rule


def _no_rule(bucket: str) -> OssError:
    return OssError(
        "NoSuchReplicationConfiguration",
        "The bucket has no such replication configuration.",
        details={"BucketName": bucket},
    )


ROUTES = (
    Route(
        "PutBucketReplication",
        "POST /BUCKET/?comp&replication",
        change_bucket_replication,
        notes="One rule for each bucket; comp=delete is DeleteBucketReplication. Only existing and "
        "new objects, by a role: no deletes, prefixes, tags, transfer acceleration or time "
        "control.",
    ),
    Route("GetBucketReplication", "GET /BUCKET/?replication", get_bucket_replication),
)
