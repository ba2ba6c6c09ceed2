"""Operations on the ACL and the tags of an object.

Owns what each operation reads from its request, and its reply. API reference:
https://help.aliyun.com/en/oss/developer-reference/overview-21 (read 2026-11).
"""

from __future__ import annotations

from localcloud.oss.errors import invalid_argument
from localcloud.oss.exchange import Reply, Request, xml_reply
from localcloud.oss.models import OBJECT_ACLS
from localcloud.oss.object_headers import MAX_OBJECT_TAGS, check_tags, version_headers
from localcloud.oss.routing import Route
from localcloud.oss.server import Server
from localcloud.oss.xml import text


def get_object_acl(server: Server, request: Request) -> Reply:
    """Return the object's own ACL."""
    bucket = server.storage.buckets.get(request.bucket)
    version = server.storage.objects.get(
        request.bucket, request.key, request.params.get("versionId")
    )
    return xml_reply(
        "AccessControlPolicy",
        {
            "Owner": server.owner,
            "AccessControlList": {"Grant": version.settings.acl},
        },
        version_headers(bucket, version.version_id),
    )


def put_object_acl(server: Server, request: Request) -> Reply:
    """Set the object's own ACL."""
    bucket = server.storage.buckets.get(request.bucket)
    acl = request.headers.get("x-oss-object-acl", "")
    if acl not in OBJECT_ACLS:
        raise invalid_argument("x-oss-object-acl", acl, f"The ACL must be one of {OBJECT_ACLS}.")
    if acl.startswith("public"):
        server.authorization.refuse_public(request.bucket, "object acl")
    with server.storage.unchanged():
        version = server.storage.objects.get(
            request.bucket, request.key, request.params.get("versionId")
        )
        server.storage.objects.change_settings(version, version.settings.with_acl(acl))
    return Reply(headers=version_headers(bucket, version.version_id))


def get_object_tagging(server: Server, request: Request) -> Reply:
    """Return the object's tags."""
    bucket = server.storage.buckets.get(request.bucket)
    version = server.storage.objects.get(
        request.bucket, request.key, request.params.get("versionId")
    )
    tags = [{"Key": key, "Value": value} for key, value in version.settings.tags.items()]
    return xml_reply(
        "Tagging", {"TagSet": {"Tag": tags}}, version_headers(bucket, version.version_id)
    )


def put_object_tagging(server: Server, request: Request) -> Reply:
    """Replace the object's tags."""
    root = request.xml("Tagging")
    pairs = [(text(tag, "Key") or "", text(tag, "Value") or "") for tag in root.iter("Tag")]
    return _change_tags(server, request, check_tags(pairs, MAX_OBJECT_TAGS), 200)


def delete_object_tagging(server: Server, request: Request) -> Reply:
    """Remove the object's tags."""
    return _change_tags(server, request, {}, 204)


def _change_tags(server: Server, request: Request, tags: dict[str, str], status: int) -> Reply:
    bucket = server.storage.buckets.get(request.bucket)
    with server.storage.unchanged():
        version = server.storage.objects.get(
            request.bucket, request.key, request.params.get("versionId")
        )
        server.storage.objects.change_settings(version, version.settings.with_tags(tags))
    return Reply(status=status, headers=version_headers(bucket, version.version_id))


_VERSION = frozenset({"versionId"})

ROUTES = (
    Route(
        name="GetObjectAcl",
        scope="object",
        method="GET",
        handler=get_object_acl,
        action="oss:GetObjectAcl",
        requires=frozenset({"acl"}),
        params=_VERSION,
    ),
    Route(
        name="PutObjectAcl",
        scope="object",
        method="PUT",
        handler=put_object_acl,
        action="oss:PutObjectAcl",
        requires=frozenset({"acl"}),
        params=_VERSION,
        headers=frozenset({"x-oss-object-acl"}),
    ),
    Route(
        name="GetObjectTagging",
        scope="object",
        method="GET",
        handler=get_object_tagging,
        action="oss:GetObjectTagging",
        requires=frozenset({"tagging"}),
        params=_VERSION,
    ),
    Route(
        name="PutObjectTagging",
        scope="object",
        method="PUT",
        handler=put_object_tagging,
        action="oss:PutObjectTagging",
        requires=frozenset({"tagging"}),
        params=_VERSION,
    ),
    Route(
        name="DeleteObjectTagging",
        scope="object",
        method="DELETE",
        handler=delete_object_tagging,
        action="oss:DeleteObjectTagging",
        requires=frozenset({"tagging"}),
        params=_VERSION,
    ),
)
