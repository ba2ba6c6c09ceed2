"""Operations on a bucket's configuration: ACL, versioning, encryption, lifecycle, policy, ...

Owns what each operation reads from its request, and its reply. API reference:
https://help.aliyun.com/en/oss/developer-reference/overview-21 (read 2026-11).
"""

from __future__ import annotations

from localcloud.oss import lifecycle
from localcloud.oss.bucket_policy import BucketPolicy
from localcloud.oss.errors import OssError, invalid_argument
from localcloud.oss.exchange import Reply, Request, xml_reply
from localcloud.oss.models import BUCKET_ACLS, Versioning
from localcloud.oss.object_headers import check_encryption, check_tags
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
    if acl.startswith("public"):
        server.authorization.refuse_public(request.bucket, "bucket acl")
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
    default = {
        "SSEAlgorithm": rule["algorithm"],
        "KMSMasterKeyID": rule.get("key_id"),
        "KMSDataEncryption": rule.get("data_algorithm"),
    }
    return xml_reply("ServerSideEncryptionRule", {"ApplyServerSideEncryptionByDefault": default})


def put_bucket_encryption(server: Server, request: Request) -> Reply:
    """Set the bucket's encryption rule."""
    root = request.xml("ServerSideEncryptionRule")
    default = root.find("ApplyServerSideEncryptionByDefault")
    if default is None:
        raise OssError("MalformedXML", "ApplyServerSideEncryptionByDefault is missing.")
    given = {
        "algorithm": text(default, "SSEAlgorithm") or "",
        "key_id": text(default, "KMSMasterKeyID") or "",
        "data_algorithm": text(default, "KMSDataEncryption") or "",
    }
    rule = check_encryption(
        {name: value for name, value in given.items() if value or name == "algorithm"}
    )
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
    tags = check_tags(pairs, _MAX_BUCKET_TAGS)
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


def get_bucket_policy(server: Server, request: Request) -> Reply:
    """Return the text of the bucket's policy."""
    policy = server.storage.buckets.configuration(request.bucket, "policy")
    if policy is None:
        raise OssError(
            "NoSuchBucketPolicy",
            "The bucket policy does not exist.",
            details={"BucketName": request.bucket},
        )
    return Reply(headers={"content-type": "application/json"}, body=policy.encode())


def put_bucket_policy(server: Server, request: Request) -> Reply:
    """Set the bucket's policy."""
    try:
        document = request.document().decode()
    except UnicodeDecodeError as error:
        raise OssError("InvalidPolicyDocument", "The policy document is not UTF-8.") from error
    if BucketPolicy(document).is_public:
        server.authorization.refuse_public(request.bucket, "bucket policy")
    server.storage.buckets.set_configuration(request.bucket, "policy", document)
    return Reply()


def _delete(kind: str) -> Handler:
    def delete_configuration(server: Server, request: Request) -> Reply:
        server.storage.buckets.set_configuration(request.bucket, kind, None)
        return Reply(status=204)

    return delete_configuration


def _routes(
    name: str, subresource: str, get: Handler, put: Handler, kind: str | None, notes: str = ""
) -> tuple[Route, ...]:
    requires = frozenset({subresource})
    headers = frozenset({"x-oss-acl"}) if subresource == "acl" else frozenset()
    verbs: list[tuple[str, str, Handler]] = [("Get", "GET", get), ("Put", "PUT", put)]
    if kind is not None:
        verbs.append(("Delete", "DELETE", _delete(kind)))
    return tuple(
        Route(
            name=f"{verb}{name}",
            scope="bucket",
            method=method,
            handler=handler,
            action=f"oss:{verb}{name.replace('Tags', 'Tagging')}",
            requires=requires,
            headers=headers if verb == "Put" else frozenset(),
            notes=notes,
        )
        for verb, method, handler in verbs
    )


ROUTES = (
    *_routes("BucketAcl", "acl", get_bucket_acl, put_bucket_acl, None),
    *_routes("BucketVersioning", "versioning", get_bucket_versioning, put_bucket_versioning, None),
    *_routes(
        "BucketEncryption",
        "encryption",
        get_bucket_encryption,
        put_bucket_encryption,
        "encryption",
        "Reported with every object; the bytes on this disk are not encrypted.",
    ),
    *_routes(
        "BucketLifecycle",
        "lifecycle",
        get_bucket_lifecycle,
        put_bucket_lifecycle,
        lifecycle.CONFIGURATION,
        "Swept every minute; no rules by access time.",
    ),
    *_routes("BucketTags", "tagging", get_bucket_tags, put_bucket_tags, "tagging"),
    *_routes(
        "BucketPublicAccessBlock",
        "publicAccessBlock",
        get_bucket_public_access_block,
        put_bucket_public_access_block,
        "publicAccessBlock",
    ),
    *_routes(
        "BucketPolicy",
        "policy",
        get_bucket_policy,
        put_bucket_policy,
        "policy",
        "Conditions on source address, secure transport, prefix and delimiter only.",
    ),
)
