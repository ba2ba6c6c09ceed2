"""RAM: one role for each kind of machine, with only the permissions that it needs.

Owns: roles, policies, attachments. Does not own: the content of policies
(`components.permissions`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pulumi
from pulumi_alicloud import ram

from components.outputs import once
from components.permissions import (
    Statement,
    policy_document,
    read_objects,
    read_secret,
    trust_document,
    use_key,
    write_objects,
)
from components.scope import Scope
from providers.clients.oss_uri import parse_oss_uri

__all__ = [
    "Identity",
    "IdentityArgs",
    "MachineRole",
    "ServiceRole",
    "ServiceRoleArgs",
    "machine_roles",
]

# Services that assume the roles. ECS: https://www.alibabacloud.com/help/en/ecs/user-guide/overview-of-instance-ram-roles;
# PAI DLC: https://www.alibabacloud.com/help/en/pai/user-guide/associate-a-ram-role-with-a-dlc-job
# (read 2026-11-21).
ECS_PRINCIPAL = "ecs.aliyuncs.com"
PAI_PRINCIPAL = "pai.aliyuncs.com"


@dataclass(frozen=True, kw_only=True)
class ServiceRoleArgs:
    """Arguments of `ServiceRole`.

    Attributes:
        role_name: Physical name of the role and of its policy.
        description: Purpose of the role, which the console shows.
        principal: The cloud service that may assume it.
        statements: Permissions of the role, each with its reason. An output if a resource in
            them is known only after its creation.
        max_session_duration_seconds: Longest lifetime of the credentials, 3,600 to 43,200.
        tags: Tags of the role and the policy.
    """

    role_name: str
    description: str
    principal: str
    statements: Sequence[Statement] | pulumi.Output[Sequence[Statement]]
    max_session_duration_seconds: int = 3600
    tags: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not 3600 <= self.max_session_duration_seconds <= 43_200:
            raise ValueError(
                f"max_session_duration_seconds is {self.max_session_duration_seconds}; "
                "it must be 3600 to 43200"
            )


class ServiceRole(pulumi.ComponentResource):
    """A RAM role with its own policy.

    Attributes:
        role_name: Name of the role, known only after the policy is attached, so that users of the
            name can use the role.
        role_arn: ARN of the role.
    """

    role_name: pulumi.Output[str]
    role_arn: pulumi.Output[str]

    def __init__(
        self, name: str, args: ServiceRoleArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("customrag:identity:ServiceRole", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        role = ram.Role(
            name,
            role_name=args.role_name,
            description=args.description,
            assume_role_policy_document=trust_document(args.principal),
            max_session_duration=args.max_session_duration_seconds,
            tags=dict(args.tags),
            opts=child,
        )
        policy = ram.Policy(
            f"{name}-policy",
            policy_name=args.role_name,
            description=args.description,
            policy_document=(
                args.statements.apply(policy_document)
                if isinstance(args.statements, pulumi.Output)
                else policy_document(args.statements)
            ),
            # A policy keeps five versions; without this the sixth update fails.
            rotate_strategy="DeleteOldestNonDefaultVersionWhenLimitExceeded",
            tags=dict(args.tags),
            opts=child,
        )
        attachment = ram.RolePolicyAttachment(
            f"{name}-attachment",
            role_name=role.role_name,
            policy_name=policy.policy_name,
            policy_type="Custom",
            opts=child,
        )
        self.role_name = once(role.role_name, attachment.id)
        self.role_arn = once(role.arn, attachment.id)
        self.register_outputs({"role_name": self.role_name, "role_arn": self.role_arn})


@dataclass(frozen=True, kw_only=True)
class IdentityArgs:
    """Arguments of `Identity`.

    Attributes:
        scope: Names, region and tags of the stack.
        elasticsearch_secret_name: KMS secret with the Elasticsearch password; None without an
            instance.
        model_secret_name: KMS secret with the language model's API key.
        edge_secret_name: KMS secret with the key of the edge; None if there is no edge.
        opensearch_secret_names: KMS secrets that the OpenSearch nodes read; empty without a
            cluster.
        opensearch_ingest_secret_name: KMS secret with the password of OpenSearch's user `ingest`;
            None without a cluster.
        opensearch_reader_secret_name: KMS secret with the password of OpenSearch's user `reader`,
            if OpenSearch serves the application; None: Elasticsearch does.
        opensearch_package_uri: Package of OpenSearch in OSS, `oss://bucket/…`. Default: empty, the
            nodes' image has it.
        corpus_bucket: Bucket with the documents.
        base_model_uri: Folder with the base model, ``oss://bucket/prefix/``. Default: empty, the
            training job fetches it from a hub.
        key_arn: KMS key that encrypts the buckets and, with a KMS instance, the secrets. None: the
            services use their own keys, which need no permission.
    """

    scope: Scope
    elasticsearch_secret_name: str | None
    model_secret_name: str
    corpus_bucket: str
    base_model_uri: str = ""
    edge_secret_name: str | None = None
    opensearch_secret_names: Sequence[str] = ()
    opensearch_ingest_secret_name: str | None = None
    opensearch_reader_secret_name: str | None = None
    opensearch_package_uri: str = ""
    key_arn: pulumi.Input[str] | None = None


@dataclass(frozen=True, kw_only=True)
class MachineRole:
    """The role of one kind of machine.

    Attributes:
        principal: The cloud service that assumes the role for the machine.
        description: Purpose of the role.
        statements: Permissions of the role, each with its reason.
    """

    principal: str
    description: str
    statements: tuple[Statement, ...]


def machine_roles(args: IdentityArgs) -> dict[str, MachineRole]:
    """Return the roles of a stack's machines by name; docs/reference/permissions.md lists them."""
    artifacts = args.scope.naming.bucket("artifacts")
    code = read_objects(artifacts, "code/", reason="reads the code that the program uploaded")
    documents = read_objects(args.corpus_bucket, "corpus/", reason="reads the documents")

    def secret(secret_name: str, reason: str) -> Statement:
        region_id, account_id = args.scope.region_id, args.scope.naming.account_id
        return read_secret(region_id, account_id, secret_name, reason=reason)

    elasticsearch, opensearch = "signs in to Elasticsearch", "signs in to OpenSearch"
    filled, searched = [], []
    if args.elasticsearch_secret_name is not None:
        filled.append(secret(args.elasticsearch_secret_name, elasticsearch))
        searched = filled[:1]
    if args.opensearch_ingest_secret_name is not None:
        filled.append(secret(args.opensearch_ingest_secret_name, opensearch))
    if args.opensearch_reader_secret_name is not None:
        searched = [secret(args.opensearch_reader_secret_name, opensearch)]
    chat = [code, *searched, secret(args.model_secret_name, "calls the language model")]
    if args.edge_secret_name is not None:
        chat.append(secret(args.edge_secret_name, "verifies the key that the edge sends"))
    training = [code, documents]
    if args.base_model_uri:
        model = parse_oss_uri(args.base_model_uri)
        training.append(read_objects(model.bucket, model.key, reason="reads the base model"))
    roles = {
        "training": MachineRole(
            principal=PAI_PRINCIPAL,
            description="customrag: the training job reads documents and writes models",
            statements=(
                *training,
                write_objects(
                    artifacts, "training/", reason="writes checkpoints, models and metrics"
                ),
            ),
        ),
        "ingest": MachineRole(
            principal=PAI_PRINCIPAL,
            description="customrag: the ingest job reads documents and fills the index",
            statements=(
                code,
                documents,
                write_objects(artifacts, "ingest/", reason="writes the result of the run"),
                *filled,
            ),
        ),
        "embedding": MachineRole(
            principal=ECS_PRINCIPAL,
            description="customrag: the embedding node reads its model",
            statements=(
                code,
                read_objects(artifacts, "training/", reason="reads the trained model"),
            ),
        ),
        "chat": MachineRole(
            principal=ECS_PRINCIPAL,
            description="customrag: the chat application searches and calls the language model",
            statements=tuple(chat),
        ),
    }
    if args.opensearch_secret_names:
        reads = [secret(name, "sets up TLS and the users") for name in args.opensearch_secret_names]
        if args.opensearch_package_uri:
            package = parse_oss_uri(args.opensearch_package_uri)
            reads.append(
                read_objects(package.bucket, package.key, reason="reads the OpenSearch package")
            )
        roles["opensearch"] = MachineRole(
            principal=ECS_PRINCIPAL,
            description="customrag: the OpenSearch nodes read their certificates and passwords",
            statements=(code, *reads),
        )
    return roles


class Identity(pulumi.ComponentResource):
    """The roles of the training and ingest jobs, and of each kind of node.

    Attributes:
        opensearch: None without an OpenSearch cluster.
    """

    training: ServiceRole
    ingest: ServiceRole
    embedding: ServiceRole
    chat: ServiceRole
    opensearch: ServiceRole | None

    def __init__(
        self, name: str, args: IdentityArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("customrag:identity:Identity", name, None, opts)
        roles = {
            role_name: ServiceRole(
                f"{name}-{role_name}",
                ServiceRoleArgs(
                    role_name=args.scope.naming.physical(role_name),
                    description=role.description,
                    principal=role.principal,
                    statements=_with_key(role.statements, args.key_arn),
                    tags=args.scope.tags,
                ),
                pulumi.ResourceOptions(parent=self),
            )
            for role_name, role in machine_roles(args).items()
        }
        self.training = roles["training"]
        self.ingest = roles["ingest"]
        self.embedding = roles["embedding"]
        self.chat = roles["chat"]
        self.opensearch = roles.get("opensearch")
        self.register_outputs({"training_role_arn": self.training.role_arn})


def _with_key(
    statements: Sequence[Statement], key_arn: pulumi.Input[str] | None
) -> Sequence[Statement] | pulumi.Output[Sequence[Statement]]:
    if key_arn is None:
        return statements
    reason = "encrypts and decrypts objects, and decrypts secrets, with this key"
    return pulumi.Output.from_input(key_arn).apply(
        lambda arn: (*statements, use_key(arn, reason=reason))
    )
