"""Names that must be free, and resources that must exist: buckets, keys, certificates."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from fnmatch import fnmatchcase

from components.storage import BucketRole
from guardrails.preflight.cloud import Cloud
from guardrails.preflight.result import Check, Finding, failed, named, passed, warned
from guardrails.preflight.subject import Subject
from providers.clients import offers
from providers.clients.buckets import BucketOwner
from providers.clients.oss_uri import parse_oss_uri

__all__ = ["CHECKS"]

_MANAGED, _OWN = "managed", "own"
_SOON = timedelta(days=30)


def _buckets(subject: Subject, cloud: Cloud) -> Iterator[Finding]:
    existing = subject.config.existing.corpus_bucket
    for role in BucketRole:
        if role is BucketRole.CORPUS and existing:
            do = "correct customrag:existingCorpusBucket, or leave it empty to create one"
            yield named(existing, _existing_bucket(cloud.bucket_owner(existing), do))
        else:
            name = subject.naming.bucket(role)
            yield named(name, _own_bucket(cloud.bucket_owner(name)))
    if uri := subject.config.embedding.model_uri:
        models = parse_oss_uri(uri).bucket
        do = "correct customrag:embeddingModelUri, or leave it empty to use the hub"
        yield named(models, _existing_bucket(cloud.bucket_owner(models), do))


def _own_bucket(owner: BucketOwner) -> Finding:
    if owner is BucketOwner.ANOTHER:
        return failed(
            "another account owns this name, or this account may not read its own bucket",
            "allow oss:GetBucketInfo; if another account owns it, use another stack name",
        )
    free = owner is BucketOwner.NO_ACCOUNT
    return passed("the name is free" if free else "already belongs to this account")


def _existing_bucket(owner: BucketOwner, do: str) -> Finding:
    if owner is BucketOwner.US:
        return passed("exists")
    return failed(
        "does not exist" if owner is BucketOwner.NO_ACCOUNT else "belongs to another account",
        do,
    )


def _enabled(state: str | None, *, wanted: str, do: str) -> Finding:
    if state == wanted:
        return passed("is enabled")
    return failed("does not exist" if state is None else f"is {state}", do)


def _key(subject: Subject, cloud: Cloud) -> Iterator[Finding]:
    key = subject.config.protection.encryption_key
    do = "set customrag:encryptionKey to an enabled key, or to `own` for a new one"
    state = cloud.ask("kms", offers.key_state, key)
    yield named(key, _enabled(state, wanted="Enabled", do=do))


def _kms_instance(subject: Subject, cloud: Cloud) -> Iterator[Finding]:
    instance_id = subject.config.protection.kms_instance_id
    do = "enable it in the KMS console, or correct customrag:kmsInstanceId"
    status = cloud.ask("kms", offers.kms_instance_status, instance_id)
    yield named(instance_id, _enabled(status, wanted="Connected", do=do))


def _certificate(subject: Subject, cloud: Cloud) -> Iterator[Finding]:
    certificate_id = subject.config.chat.certificate_id
    found = cloud.ask("cas", offers.certificate, certificate_id)
    yield named(certificate_id, _judged(found, subject.config.chat.domain_name, subject.now))


def _judged(found: offers.Certificate | None, host: str, now: datetime) -> Finding:
    if found is None:
        return failed(
            "does not exist",
            "upload one: aliyun cas UploadUserCertificate --Name … --Cert … --Key …, and set "
            "customrag:chatCertificateId",
        )
    if not host:
        return warned(
            f"is for {', '.join(found.names)}, but customrag:chatDomainName is empty: chat_url "
            "would be the load balancer's own hostname, which browsers refuse",
            "set customrag:chatDomainName to one of these names",
        )
    if not any(_covers(name, host) for name in found.names):
        return failed(
            f"is for {', '.join(found.names) or 'no name'}, not for {host}",
            "upload one for customrag:chatDomainName",
        )
    if found.ends_at is None:
        return warned("has no expiry date", "check it in the console")
    if found.ends_at <= now:
        return failed(f"expired on {found.ends_at:%Y-%m-%d}", "upload a new one")
    if found.ends_at <= now + _SOON:
        return warned(
            f"expires on {found.ends_at:%Y-%m-%d}, in less than {_SOON.days} days",
            "upload a new one (docs/how-to/rotating-keys.md)",
        )
    return passed(f"valid until {found.ends_at:%Y-%m-%d}")


def _covers(name: str, host: str) -> bool:
    """Return whether a certificate's name covers a host; `*` stands for one label only."""
    return name.count(".") == host.count(".") and fnmatchcase(host.lower(), name.lower())


CHECKS: tuple[Check, ...] = (
    Check(name="bucket", run=_buckets),
    Check(
        name="key",
        run=_key,
        concerns=lambda subject: subject.config.protection.encryption_key not in (_MANAGED, _OWN),
    ),
    Check(
        name="kms-instance",
        run=_kms_instance,
        concerns=lambda subject: bool(subject.config.protection.kms_instance_id),
    ),
    Check(
        name="certificate",
        run=_certificate,
        concerns=lambda subject: subject.config.chat.load_balancer,
    ),
)
