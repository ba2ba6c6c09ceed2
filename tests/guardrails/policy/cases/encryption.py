"""Cases of the rules about encryption."""

from __future__ import annotations

from guardrails.policy.model import UNKNOWN, Setting
from tests.guardrails.policy.cases.support import (
    BUCKET,
    DEV,
    DISK,
    ENCRYPTION,
    EXISTING_BUCKET,
    INSTANCE,
    KEY,
    PROD,
    SCALING,
    SEARCH,
    SECRET,
    STORE,
    TEMPLATE,
    Case,
    bucket_with,
    one,
)

VIOLATING: dict[str, list[Case]] = {
    "bucket-is-encrypted": [Case("no rule", bucket_with())],
    "disk-is-encrypted": [
        Case("a separate disk", one(DISK, size=20)),
        Case("a scaling configuration's", one(SCALING, systemDiskEncrypted=False)),
        Case(
            "a template's data disk",
            one(TEMPLATE, systemDisk={"encrypted": True}, dataDisks=[{"encrypted": False}]),
        ),
        Case("warm nodes", one(SEARCH, warmNodeConfiguration={"amount": 2})),
        Case("a node's system disk", one(INSTANCE)),
        Case(
            "a node's data disk",
            one(INSTANCE, systemDiskEncrypted=True, dataDisks=[{"size": 20}]),
        ),
        Case("a template's disk", one(TEMPLATE, systemDisk={"encrypted": False})),
        Case("a search node's disk", one(SEARCH, dataNodeConfiguration={"spec": "s"})),
    ],
    "own-key-in-prod": [
        Case(
            "a data disk",
            one(INSTANCE, systemDiskKmsKeyId="k", dataDisks=[{"encrypted": True}]),
            PROD,
        ),
        Case("a template", one(TEMPLATE, systemDisk={"encrypted": True}), PROD),
        Case("logs", one(STORE, encryptConf={"enable": True}), PROD),
        Case("OSS's keys", one(ENCRYPTION, sseAlgorithm="AES256"), PROD),
        Case("the cloud's KMS key", one(ENCRYPTION, sseAlgorithm="KMS"), PROD),
        Case("a disk", one(INSTANCE), PROD),
        Case("a secret", one(SECRET), PROD),
        Case("an unknown environment", one(SECRET), Setting(environment="staging")),
    ],
    "key-rotates-in-prod": [Case("never", one(KEY, automaticRotation="Disabled"), PROD)],
    "metadata-needs-token": [
        Case("a node", one(INSTANCE, httpTokens="optional")),
        Case("a template by default", one(TEMPLATE)),
    ],
}

PASSING: dict[str, list[Case]] = {
    "bucket-is-encrypted": [
        Case("a rule", bucket_with((ENCRYPTION, {"sseAlgorithm": "AES256"}))),
        Case(
            "the bucket's property",
            one(BUCKET, bucket="b", serverSideEncryptionRule={"sseAlgorithm": "KMS"}),
        ),
        Case("an existing bucket", one(BUCKET, bucket="theirs"), EXISTING_BUCKET),
    ],
    "disk-is-encrypted": [
        Case("a separate disk", one(DISK, encrypted=True)),
        Case(
            "a node",
            one(INSTANCE, systemDiskEncrypted=True, dataDisks=[{"size": 20, "encrypted": True}]),
        ),
        Case("a template", one(TEMPLATE, systemDisk={"encrypted": "true"})),
        Case("unknown yet", one(TEMPLATE, systemDisk=UNKNOWN)),
    ],
    "own-key-in-prod": [
        Case("a key", one(ENCRYPTION, sseAlgorithm="KMS", kmsMasterKeyId=UNKNOWN), PROD),
        Case("dev", one(ENCRYPTION, sseAlgorithm="AES256"), DEV),
    ],
    "key-rotates-in-prod": [Case("yearly", one(KEY, automaticRotation="Enabled"), PROD)],
    "metadata-needs-token": [Case("a token", one(INSTANCE, httpTokens="required"))],
}
