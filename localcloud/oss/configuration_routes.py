"""Operations on a bucket's configuration: ACL, versioning, encryption, lifecycle, tags, ...

Owns what each operation reads from its request, and its reply. API reference:
https://help.aliyun.com/en/oss/developer-reference/overview-21 (read 2026-11).
"""

from __future__ import annotations

from localcloud.oss import lifecycle
from localcloud.oss.bucket_routes import encryption_document
from localcloud.oss.errors import OssError, invalid_argument, not_implemented
from localcloud.oss.exchange import Reply, Request, xml_reply
from localcloud.oss.models import BUCKET_ACLS, Versioning
from localcloud.oss.object_headers import check_algorithm
from localcloud.oss.routing import Handler, Route
from localcloud.oss.server import Server
from localcloud.oss.xml import text

_MAX_BUCKET_TAGS = 20


def get_bucket_acl(server: Server, request: Request) -> Reply:
    """Return the bucket's ACL."""
    bucket = server.storage.buckets.get(request.bucket)
    return xml_reply(
        "AccessControlPolicy",
        {"Owner": server.owner, "AccessControlList": {"Grant": bucket.acl}},
    )


def put_bucket_acl(server: Server, request: Request) -> Reply:
    """Set the bucket's ACL."""
    acl = request.headers.get("x-oss-acl", "")
    if acl not in BUCKET_ACLS:
        raise invalid_argument("x-oss-acl", acl, f"The ACL must be one of {BUCKET_ACLS}.")
    server.authorization.refuse_public(request.bucket, acl, "bucket")
    server.storage.buckets.set_acl(request.bucket, acl)
    return Reply()


def get_bucket_versioning(server: Server, request: Request) -> Reply:
    """Return the bucket's versioning; without a status if it was never on."""
    versioning = server.storage.buckets.get(request.bucket).versioning
    status = None if versioning is Versioning.OFF else versioning.value
    return xml_reply("VersioningConfiguration", {"Status": status})


def put_bucket_versioning(server: Server, request: Request) -> Reply:
    """Turn the bucket's versioning on, or suspend it."""
    status = text(request.xml("VersioningConfiguration"), "Status")
    if status not in (Versioning.ENABLED, Versioning.SUSPENDED):
        raise OssError(
            "IllegalVersioningConfigurationException",
            f"Status must be Enabled or Suspended, not {status!r}.",
        )
    server.storage.buckets.set_versioning(request.bucket, Versioning(status))
    return Reply()


def get_bucket_encryption(server: Server, request: Request) -> Reply:
    """Return the bucket's encryption rule."""
    rule = server.storage.buckets.configuration(request.bucket, "encryption")
    if rule is None:
        raise OssError(
            "NoSuchServerSideEncryptionRule",
            "The server side encryption configuration was not found.",
            details={"BucketName": request.bucket},
        )
    return xml_reply(
        "ServerSideEncryptionRule",
        {"ApplyServerSideEncryptionByDefault": encryption_document(rule)},
    )


def put_bucket_encryption(server: Server, request: Request) -> Reply:
    """Set the bucket's encryption rule."""
    root = request.xml("ServerSideEncryptionRule")
    default = root.find("ApplyServerSideEncryptionByDefault")
    if default is None:
        raise OssError("MalformedXML", "ApplyServerSideEncryptionByDefault is missing.")
    if text(default, "KMSDataEncryption"):
        raise not_implemented("KMSDataEncryption of a bucket's encryption rule")
    algorithm = check_algorithm(text(default, "SSEAlgorithm") or "")
    key_id = text(default, "KMSMasterKeyID")
    if key_id and algorithm != "KMS":
        raise invalid_argument("KMSMasterKeyID", key_id, "A key needs SSEAlgorithm KMS.")
    rule = {"algorithm": algorithm, **({"key_id": key_id} if key_id else {})}
    server.storage.buckets.set_configuration(request.bucket, "encryption", rule)
    return Reply()


def get_bucket_lifecycle(server: Server, request: Request) -> Reply:
    """Return the bucket's lifecycle rules."""
    rules = server.storage.buckets.configuration(request.bucket, lifecycle.CONFIGURATION)
    if rules is None:
        raise OssError(
            "NoSuchLifecycle",
            "No Row found in Lifecycle Table.",
            details={"BucketName": request.bucket},
        )
    return xml_reply("LifecycleConfiguration", lifecycle.rules_document(rules))


def put_bucket_lifecycle(server: Server, request: Request) -> Reply:
    """Set the bucket's lifecycle rules."""
    rules = lifecycle.parse_rules(request.xml("LifecycleConfiguration"))
    server.storage.buckets.set_configuration(request.bucket, lifecycle.CONFIGURATION, rules)
    return Reply()


def get_bucket_tags(server: Server, request: Request) -> Reply:
    """Return the bucket's tags."""
    tags = server.storage.buckets.configuration(request.bucket, "tagging") or {}
    entries = [{"Key": key, "Value": value} for key, value in tags.items()]
    return xml_reply("Tagging", {"TagSet": {"Tag": entries}})


def put_bucket_tags(server: Server, request: Request) -> Reply:
    """Replace the bucket's tags."""
    root = request.xml("Tagging")
    pairs = [(text(tag, "Key") or "", text(tag, "Value") or "") for tag in root.iter("Tag")]
    tags = dict(pairs)
    if len(tags) != len(pairs) or len(tags) > _MAX_BUCKET_TAGS:
        raise OssError(
            "InvalidTag",
            f"There are {len(pairs)} tags. At most {_MAX_BUCKET_TAGS} are allowed, each key once.",
        )
    for key, value in tags.items():
        if not 1 <= len(key) <= 128 or len(value) > 256:
            raise OssError(
                "InvalidTag",
                f"Tag {key!r} is too long: keys have 1 to 128 characters, values at most 256.",
            )
    server.storage.buckets.set_configuration(request.bucket, "tagging", tags)
    return Reply()


def get_bucket_public_access_block(server: Server, request: Request) -> Reply:
    """Return whether public access is blocked."""
    server.storage.buckets.get(request.bucket)
    blocked = server.authorization.is_blocked(request.bucket)
    return xml_reply("PublicAccessBlockConfiguration", {"BlockPublicAccess": blocked})


def put_bucket_public_access_block(server: Server, request: Request) -> Reply:
    """Block public access, or stop blocking it."""
    value = text(request.xml("PublicAccessBlockConfiguration"), "BlockPublicAccess") or "false"
    if value.lower() not in ("true", "false"):
        raise OssError("MalformedXML", f"BlockPublicAccess must be true or false, not {value!r}.")
    server.storage.buckets.set_configuration(
        request.bucket, "publicAccessBlock", value.lower() == "true"
    )
    return Reply()


def _routes(name: str, subresource: str, get: Handler, put: Handler) -> tuple[Route, ...]:
    def delete(server: Server, request: Request) -> Reply:
        server.storage.buckets.set_configuration(request.bucket, subresource, None)
        return Reply(status=204)

    action = name.replace("Tags", "Tagging")
    return tuple(
        Route(
            f"{verb}{name}",
            f"{verb.upper()} /BUCKET/?{subresource}",
            handler,
            action=f"oss:{verb}{action}",
            headers=frozenset({"x-oss-acl"} if (verb, subresource) == ("Put", "acl") else ()),
            notes=_NOTES.get(subresource, ""),
        )
        for verb, handler in (("Get", get), ("Put", put), ("Delete", delete))
        if verb != "Delete" or subresource not in _PERMANENT
    )


_NOTES = {
    "encryption": "Reported with every object; the bytes on this disk are not encrypted. "
    "No KMSDataEncryption.",
    "lifecycle": "Swept every minute. Expiration by days or of a lone delete marker, of noncurrent "
    "versions and of unfinished uploads.",
}
_PERMANENT = ("acl", "versioning")
ROUTES = (
    *_routes("BucketAcl", "acl", get_bucket_acl, put_bucket_acl),
    *_routes("BucketVersioning", "versioning", get_bucket_versioning, put_bucket_versioning),
    *_routes("BucketEncryption", "encryption", get_bucket_encryption, put_bucket_encryption),
    *_routes("BucketLifecycle", "lifecycle", get_bucket_lifecycle, put_bucket_lifecycle),
    *_routes("BucketTags", "tagging", get_bucket_tags, put_bucket_tags),
    *_routes(
        "BucketPublicAccessBlock",
        "publicAccessBlock",
        get_bucket_public_access_block,
        put_bucket_public_access_block,
    ),
)
