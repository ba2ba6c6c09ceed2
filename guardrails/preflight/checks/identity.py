"""The caller, the role that it may assume, and the roles of services."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from guardrails.preflight.cloud import Cloud
from guardrails.preflight.result import Check, Finding, Needs, failed, named, passed, warned
from guardrails.preflight.subject import Subject
from providers.clients.account import role_exists
from providers.clients.errors import (
    AccessDeniedError,
    ClientError,
    InvalidRequestError,
    NotFoundError,
)
from stack_config.config import StackConfig

__all__ = ["CHECKS", "SERVICE_ROLES", "ServiceRole"]

_SIGN_IN = (
    "sign in to the role that deploys: `aliyun configure --mode OIDC`, or STS keys in "
    "ALIBABA_CLOUD_ACCESS_KEY_ID, ALIBABA_CLOUD_ACCESS_KEY_SECRET and ALIBABA_CLOUD_SECURITY_TOKEN"
)


def _credentials(subject: Subject, cloud: Cloud) -> Iterator[Finding]:
    try:
        static = cloud.is_static_key
        identity = cloud.identity()
    except (AccessDeniedError, InvalidRequestError, NotFoundError) as error:
        # NotFoundError: InvalidAccessKeyId.NotFound, a deleted key.
        yield _refused(error)
        return
    if subject.account_id and identity.account_id != subject.account_id:
        yield failed(
            f"they belong to account {identity.account_id}, but customrag:accountId is "
            f"{subject.account_id}",
            "sign in to that account, or correct the key, so that no other account is changed",
        )
    elif subject.is_local:
        yield passed(f"{identity.arn}, of the local cloud")
    elif identity.kind == "Account":
        yield warned(
            f"{identity.arn} is the account itself, with every permission",
            "do not deploy with the account's own key: " + _SIGN_IN,
        )
    elif static:
        yield warned(f"{identity.arn}, with a key that never expires", _SIGN_IN)
    else:
        yield passed(f"{identity.arn}, with a key that expires")


def _refused(error: ClientError) -> Finding:
    code = error.code.lower()
    if not error.code:
        return failed("no credentials were found", _SIGN_IN)
    if "timestamp" in code:
        return failed(
            f"the cloud refuses them because this machine's clock is wrong ({error.code})",
            "set the clock: timedatectl set-ntp true",
        )
    if "expired" in code:
        return failed(f"the session has expired ({error.code})", "get a new one: " + _SIGN_IN)
    return failed(f"the cloud refuses them ({error.code})", _SIGN_IN)


def _assume_role(subject: Subject, cloud: Cloud) -> Iterator[Finding]:
    identity = cloud.identity()
    if cloud.role_arn:
        try:
            cloud.session()
        except ClientError as error:
            yield failed(
                f"{cloud.role_arn} cannot be assumed: {error.message} ({error.code})",
                "name the caller in its trust policy, and allow the caller sts:AssumeRole "
                "(docs/reference/permissions.md)",
            )
            return
        yield passed(f"{cloud.role_arn} can be assumed; the other checks use it")
    elif identity.kind == "AssumedRoleUser":
        yield passed(f"{identity.arn} is a session of an assumed role")
    elif subject.is_local:
        yield passed("a local cloud uses its account's own key")
    else:
        yield warned(
            f"{identity.arn} is not a session of a role, and --role-arn names no role to try",
            "name the deploying role: --role-arn acs:ram::<account>:role/<name>",
        )


@dataclass(frozen=True, kw_only=True)
class ServiceRole:
    """A role of the account that a cloud service acts in.

    Attributes:
        name: The role's name.
        wanted: Whether a stack needs it.
        why: What the service does with it.
        do: How to create it.
        source: URL of the documentation.
    """

    name: str
    wanted: Callable[[StackConfig], bool]
    why: str
    do: str
    source: str


def _linked(service: str) -> str:
    return f"aliyun resourcemanager CreateServiceLinkedRole --ServiceName {service}"


def uses_model_studio(config: StackConfig) -> bool:
    """Return whether Alibaba Cloud serves the language model."""
    host = urlsplit(config.language_model.base_url).hostname or ""
    return host.endswith(".aliyuncs.com")


def _own_key(config: StackConfig) -> bool:
    return config.protection.encryption_key != "managed"


_HELP = "https://www.alibabacloud.com/help/en"
# Names and services: _HELP/ram/user-guide/services-that-work-with-service-linked-roles and the page
# of each, read 2026-11-21.
SERVICE_ROLES: tuple[ServiceRole, ...] = (
    ServiceRole(
        name="AliyunServiceRoleForBailian",
        wanted=uses_model_studio,
        why="Model Studio needs it to read buckets for imports and knowledge bases",
        do="open https://bailian.console.aliyun.com once and grant what it asks for",
        source="https://help.aliyun.com/en/model-studio/connector/file",
    ),
    ServiceRole(
        name="AliyunPAIDLCDefaultRole",
        wanted=lambda _: True,
        why="DLC jobs need it to mount OSS",
        do="in the PAI console, Activation & Authorization > Dependent Services, authorise DLC",
        source=f"{_HELP}/pai/user-guide/grant-the-permissions-that-are-required-to-use-dlc",
    ),
    ServiceRole(
        name="AliyunServiceRoleForAlb",
        wanted=lambda config: config.chat.load_balancer,
        why="the load balancer needs it to reach into the VPC",
        do=_linked("alb.aliyuncs.com"),
        source=f"{_HELP}/slb/application-load-balancer/user-guide/alb-service-linked-role",
    ),
    ServiceRole(
        name="AliyunServiceRoleForAlbLogDelivery",
        wanted=lambda config: (
            config.chat.load_balancer and config.observability.log_retention_days > 0
        ),
        why="the load balancer needs it to write its access log",
        do=_linked("logdelivery.alb.aliyuncs.com"),
        source=f"{_HELP}/slb/application-load-balancer/user-guide/access-logs",
    ),
    ServiceRole(
        name="AliyunServiceRoleForAutoScaling",
        wanted=lambda config: config.chat.load_balancer,
        why="the scaling group needs it to start and stop instances",
        do=_linked("ess.aliyuncs.com"),
        source=f"{_HELP}/auto-scaling/security-and-compliance/service-linked-roles",
    ),
    ServiceRole(
        name="AliyunServiceRoleForNatgw",
        wanted=lambda config: config.network.nat_gateway,
        why="the NAT gateway needs it to create its network interface",
        do=_linked("nat.aliyuncs.com"),
        source=f"{_HELP}/nat-gateway/security-and-compliance/service-linked-roles",
    ),
    ServiceRole(
        name="AliyunECSDiskEncryptDefaultRole",
        wanted=_own_key,
        why="ECS needs it to use the stack's own key for disks",
        do="choose a key of KMS once for a disk in the ECS console, and authorise what it asks for",
        source=f"{_HELP}/ecs/user-guide/encryption-related-permissions",
    ),
)


def _service_roles(subject: Subject, cloud: Cloud) -> Iterator[Finding]:
    for role in SERVICE_ROLES:
        if not role.wanted(subject.config):
            continue
        finding = passed("exists")
        if not cloud.ask("ram", role_exists, role.name):
            finding = failed(f"does not exist; {role.why}", f"{role.do} ({role.source})")
        yield named(role.name, finding)


CHECKS: tuple[Check, ...] = (
    Check(name="credentials", needs=Needs.IDENTITY, run=_credentials),
    Check(name="assume-role", needs=Needs.IDENTITY, run=_assume_role),
    Check(name="service-role", run=_service_roles),
)
