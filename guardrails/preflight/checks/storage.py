"""Names that must be free, and resources that must exist: buckets, keys, certificates."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from fnmatch import fnmatchcase

from components.storage import BucketRole
from guardrails.preflight.cloud import Cloud
from guardrails.preflight.result import Check, Finding, Needs, failed, passed, warned
from guardrails.preflight.subject import Subject
from providers.clients.buckets import BucketOwner

__all__ = ["CHECKS"]

_MANAGED, _OWN = "managed", "own"
_SOON = timedelta(days=30)


def _buckets(subject: Subject, cloud: Cloud) -> Iterator[Finding]:
    existing = subject.config.existing.corpus_bucket
    for role in BucketRole:
        if role is BucketRole.CORPUS and existing:
            yield _existing_bucket(existing, cloud)
            continue
        name = subject.naming.bucket(role)
        owner = cloud.bucket_owner(name)
        if owner is BucketOwner.ANOTHER:
            yield failed(
                "another account owns this name, or this account may not read its own bucket",
                "allow oss:GetBucketInfo; if another account owns it, use another stack name",
                about=name,
            )
        else:
            free = owner is BucketOwner.NO_ACCOUNT
            yield passed(
                "the name is free" if free else "already belongs to this account", about=name
            )


def _existing_bucket(name: str, cloud: Cloud) -> Finding:
    owner = cloud.bucket_owner(name)
    if owner is BucketOwner.US:
        return passed("exists", about=name)
    return failed(
        "does not exist" if owner is BucketOwner.NO_ACCOUNT else "belongs to another account",
        "correct customrag:existingCorpusBucket, or leave it empty to create one",
        about=name,
    )


def _enabled(about: str, state: str | None, *, wanted: str, do: str) -> Finding:
    if state == wanted:
        return passed("is enabled", about=about)
    return failed("does not exist" if state is None else f"is {state}", do, about=about)


def _key(subject: Subject, cloud: Cloud) -> Iterator[Finding]:
    key = subject.config.protection.encryption_key
    do = "set customrag:encryptionKey to an enabled key, or to `own` for a new one"
    yield _enabled(key, cloud.key_state(key), wanted="Enabled", do=do)


def _kms_instance(subject: Subject, cloud: Cloud) -> Iterator[Finding]:
    instance_id = subject.config.protection.kms_instance_id
    do = "enable it in the KMS console, or correct customrag:kmsInstanceId"
    status = cloud.kms_instance_status(instance_id)
    yield _enabled(instance_id, status, wanted="Connected", do=do)


def _certificate(subject: Subject, cloud: Cloud) -> Iterator[Finding]:
    config = subject.config
    wanted = config.chat.certificate_id
    found = cloud.certificate(wanted)
    if found is None:
        yield failed(
            "does not exist",
            "upload one: aliyun cas UploadUserCertificate --Name … --Cert … --Key …, and set "
            "customrag:chatCertificateId",
            about=wanted,
        )
        return
    host = config.chat.domain_name
    if host and not any(_covers(name, host) for name in found.names):
        yield failed(
            f"is for {', '.join(found.names) or 'no name'}, not for {host}",
            "upload one for customrag:chatDomainName",
            about=wanted,
        )
    elif not host:
        yield warned(
            f"is for {', '.join(found.names)}, but customrag:chatDomainName is empty: chat_url "
            "would be the load balancer's own hostname, which browsers refuse",
            "set customrag:chatDomainName to one of these names",
            about=wanted,
        )
    elif found.ends_at is None:
        yield warned("has no expiry date", "check it in the console", about=wanted)
    elif found.ends_at <= subject.now:
        yield failed(f"expired on {found.ends_at:%Y-%m-%d}", "upload a new one", about=wanted)
    elif found.ends_at <= subject.now + _SOON:
        yield warned(
            f"expires on {found.ends_at:%Y-%m-%d}, in less than {_SOON.days} days",
            "upload a new one (docs/how-to/rotating-keys.md)",
            about=wanted,
        )
    else:
        yield passed(f"valid until {found.ends_at:%Y-%m-%d}", about=wanted)


def _covers(name: str, host: str) -> bool:
    """Return whether a certificate's name covers a host; `*` stands for one label only."""
    return name.count(".") == host.count(".") and fnmatchcase(host.lower(), name.lower())


CHECKS: tuple[Check, ...] = (
    Check(name="bucket", needs=Needs.CREDENTIALS, run=_buckets),
    Check(
        name="key",
        needs=Needs.CREDENTIALS,
        run=_key,
        concerns=lambda subject: subject.config.protection.encryption_key not in (_MANAGED, _OWN),
    ),
    Check(
        name="kms-instance",
        needs=Needs.CREDENTIALS,
        run=_kms_instance,
        concerns=lambda subject: bool(subject.config.protection.kms_instance_id),
    ),
    Check(
        name="certificate",
        needs=Needs.CREDENTIALS,
        run=_certificate,
        concerns=lambda subject: subject.config.chat.load_balancer,
    ),
)
