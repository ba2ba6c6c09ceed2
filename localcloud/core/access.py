"""Who calls and what they may do: access keys, role sessions (STS), RAM policy evaluation.

Owns principals, STS sessions and the credentials URIs of nodes and pods. It does not own roles
and policies themselves: those are resources of ``localcloud.ram``, kept in the same store.

Errors::

    CloudError
    +-- UnknownAccessKeyError           no such access key, or its session is gone
    +-- InvalidSecurityTokenError       the security token is not the key's
    +-- ExpiredSecurityTokenError       the session has ended
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from localcloud.core.errors import CloudError
from localcloud.core.home import Platform, load_platform
from localcloud.core.policies import (
    Decision,
    Statement,
    evaluate,
    parse_policy,
    parse_trust_policy,
    trusts,
)
from localcloud.core.store import Store, open_store

ROLES, POLICIES, ATTACHMENTS = "ram.roles", "ram.policies", "ram.attachments"
_SESSIONS, _CREDENTIALS_URIS = "sts.sessions", "sts.credentials_uris"
_MIN_DURATION_SECONDS = 900
_URI_DURATION_SECONDS = 3600
_URI_RENEW_SECONDS = 1200


class UnknownAccessKeyError(CloudError):
    """No such access key."""

    def __init__(self, access_key_id: str) -> None:
        super().__init__(
            "InvalidAccessKeyId.NotFound",
            f"Specified access key {access_key_id!r} is not found or invalid.",
            404,
        )


class InvalidSecurityTokenError(CloudError):
    """The security token does not belong to the access key."""

    def __init__(self) -> None:
        super().__init__(
            "InvalidSecurityToken.MismatchWithAccessKey",
            "Specified SecurityToken mismatches with the AccessKey.",
        )


class ExpiredSecurityTokenError(CloudError):
    """The session's time is over."""

    def __init__(self) -> None:
        super().__init__("InvalidSecurityToken.Expired", "Specified SecurityToken is expired.")


@dataclass(frozen=True, kw_only=True)
class Principal:
    """Who calls.

    Attributes:
        arn: ``acs:ram::<account>:root`` or ``acs:ram::<account>:assumed-role/<role>/<session>``.
        access_key_id: The key it signs with.
        access_key_secret: The key's secret.
        security_token: Of a role's session; None for the account's own key.
        expires_at: When the session ends, seconds since the epoch; None for the account.
        role_name: Of a role's session; None for the account.
        session_policy: Narrows what the role allows, for this session; None narrows nothing.
    """

    arn: str
    access_key_id: str
    access_key_secret: str = field(repr=False)
    security_token: str | None = field(default=None, repr=False)
    expires_at: float | None = None
    role_name: str | None = None
    session_policy: str | None = None

    @property
    def expiration(self) -> str:
        """``expires_at`` as the cloud writes it, such as ``2026-11-21T10:00:00Z``."""
        if self.expires_at is None:
            raise ValueError("the account's own key does not expire")
        return datetime.fromtimestamp(self.expires_at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


NOBODY = Principal(arn="anonymous", access_key_id="", access_key_secret="", role_name="(nobody)")
"""Who calls without a signature. No role has that name, so that no policy allows it anything."""


class AccessControl:
    """Principals and permissions of one local stack; usable from any process with the home.

    Args:
        home: The stack's home.
        store: Its store when the caller has it open already.
    """

    def __init__(self, home: Path, store: Store | None = None) -> None:
        self._platform: Platform = load_platform(home)
        self._store = store if store is not None else open_store(home)

    @property
    def store(self) -> Store:
        """The stack's store."""
        return self._store

    @property
    def account(self) -> Principal:
        """The account itself, with its own key."""
        platform = self._platform
        return Principal(
            arn=f"acs:ram::{platform.account_id}:root",
            access_key_id=platform.access_key_id,
            access_key_secret=platform.access_key_secret,
        )

    def principal(self, access_key_id: str, security_token: str | None) -> Principal:
        """Who an access key belongs to.

        Raises:
            UnknownAccessKeyError: Nobody has that key.
            InvalidSecurityTokenError: The token is missing or not the key's.
            ExpiredSecurityTokenError: The key's session has ended.
        """
        if access_key_id == self._platform.access_key_id:
            if security_token:
                raise InvalidSecurityTokenError
            return self.account
        session = self._store.table(_SESSIONS).get(access_key_id)
        if session is None:
            raise UnknownAccessKeyError(access_key_id)
        principal = Principal(access_key_id=access_key_id, **session)
        if not secrets.compare_digest(principal.security_token or "", security_token or ""):
            raise InvalidSecurityTokenError
        if principal.expires_at is None or principal.expires_at <= time.time():
            raise ExpiredSecurityTokenError
        return principal

    def allows(self, principal: Principal, action: str, resource: str) -> bool:
        """Whether that principal may do that.

        The account's own key may do everything; a role's session what the role's policies allow.

        Args:
            principal: Who asks.
            action: Such as ``oss:GetObject``.
            resource: Such as ``acs:oss:*:*:bucket/key``; ``*`` for region or account stands for
                this cloud's own.
        """
        return self.decide(principal, action, resource) is Decision.ALLOW

    def decide(self, principal: Principal, action: str, resource: str) -> Decision:
        """As ``allows``, telling an explicit Deny from the absence of an Allow."""
        if principal.role_name is None:
            return Decision.ALLOW
        resource = self.resource_arn(resource)
        decision = evaluate(self._role_statements(principal.role_name), action, resource)
        if decision is Decision.ALLOW and principal.session_policy is not None:
            return evaluate(parse_policy(principal.session_policy), action, resource)
        return decision

    def resource_arn(self, resource: str) -> str:
        """``resource`` with this cloud's region and account where it says ``*`` or nothing."""
        parts = resource.split(":", 4)
        if len(parts) < 5:
            return resource
        if parts[2] in ("", "*"):
            parts[2] = self._platform.region_id
        if parts[3] in ("", "*"):
            parts[3] = self._platform.account_id
        return ":".join(parts)

    def require(self, principal: Principal, action: str, resource: str) -> None:
        """Raise ``CloudError`` ``NoPermission`` unless ``allows``."""
        if not self.allows(principal, action, resource):
            raise CloudError(
                "NoPermission",
                f"{principal.arn} is not authorized to do {action} on "
                f"{self.resource_arn(resource)}; attach a policy that allows it to the role.",
                403,
            )

    def _role_statements(self, role_name: str) -> list[Statement]:
        statements: list[Statement] = []
        policies = self._store.table(POLICIES)
        for attachment in self._store.table(ATTACHMENTS).values():
            if attachment["role_name"] == role_name:
                policy = policies.get(attachment["policy_name"])
                if policy is not None:
                    statements.extend(parse_policy(policy["document"]))
        return statements

    def issue(
        self,
        role_name: str,
        session_name: str,
        duration_seconds: int,
        *,
        service: str | None = None,
        policy: str | None = None,
    ) -> Principal:
        """A new session of a role.

        Args:
            role_name: The role.
            session_name: Appears in the session's ARN.
            duration_seconds: At least 900 and at most the role's ``max_session_duration``.
            service: The service that assumes the role, such as ``ecs.aliyuncs.com``; checked
                against the trust policy. None: the caller has checked it.
            policy: Narrows what the session may do.

        Raises:
            CloudError: ``EntityNotExist.Role``, ``NoPermission`` (not trusted) or
                ``InvalidParameter.DurationSeconds``.
        """
        role = self.role(role_name)
        if service is not None and not trusts(
            parse_trust_policy(role["trust_policy"]), "Service", service
        ):
            raise CloudError(
                "NoPermission",
                f"The trust policy of role {role_name} does not let {service} assume it; add it "
                "to Principal.Service of assumeRolePolicyDocument.",
                403,
            )
        longest = int(role["max_session_duration"])
        if not _MIN_DURATION_SECONDS <= duration_seconds <= longest:
            raise CloudError(
                "InvalidParameter.DurationSeconds",
                f"DurationSeconds is {duration_seconds}; allowed are {_MIN_DURATION_SECONDS} to "
                f"{longest} (the role's maxSessionDuration).",
            )
        if policy is not None:
            parse_policy(policy)
        arn = f"acs:ram::{self._platform.account_id}:assumed-role/{role_name}/{session_name}"
        principal = Principal(
            arn=arn,
            access_key_id="STS.NU" + secrets.token_hex(11),
            access_key_secret=secrets.token_urlsafe(32),
            security_token="CAIS" + secrets.token_urlsafe(96),
            expires_at=float(int(time.time()) + duration_seconds),
            role_name=role_name,
            session_policy=policy,
        )
        self._remember(principal)
        return principal

    def _remember(self, principal: Principal) -> None:
        sessions = self._store.table(_SESSIONS)
        for access_key_id, session in sessions.items():
            if session["expires_at"] < time.time() - 3600:
                sessions.delete(access_key_id)
        document: dict[str, Any] = dict(vars(principal))
        del document["access_key_id"]
        sessions.put(principal.access_key_id, document)

    def role(self, role_name: str) -> Mapping[str, Any]:
        """The role's record.

        Raises:
            CloudError: ``EntityNotExist.Role``.
        """
        role = self._store.table(ROLES).get(role_name)
        if role is None:
            raise CloudError("EntityNotExist.Role", f"The role not exists: {role_name}.", 404)
        return role

    def roles(self) -> list[tuple[str, Mapping[str, Any]]]:
        """Every role's name and record."""
        return list(self._store.table(ROLES).items())

    def credentials_uri(self, role_name: str, session: str, *, service: str | None = None) -> str:
        """The URL that serves a node or pod its role's credentials.

        It goes into ``ALIBABA_CLOUD_CREDENTIALS_URI``; the SDKs read it and read it again before
        the credentials end. The same role, session and service have the same URL.

        Args:
            role_name: The role whose credentials it serves.
            session: The session's name, such as the node's id.
            service: As in ``issue``; checked at each reading.

        Raises:
            CloudError: As ``issue``.
        """
        self.issue(role_name, session, _MIN_DURATION_SECONDS, service=service)
        uris = self._store.table(_CREDENTIALS_URIS)
        wanted = {"role_name": role_name, "session": session, "service": service}
        for token, entry in uris.items():
            if {key: entry[key] for key in wanted} == wanted:
                return self._uri(token)
        token = secrets.token_urlsafe(32)
        uris.put(token, wanted | {"access_key_id": None})
        return self._uri(token)

    def _uri(self, token: str) -> str:
        return f"{self._platform.endpoints['api']}/_local/credentials/{token}"

    def credentials_of_uri(self, token: str) -> Principal | None:
        """The credentials that URL's token stands for, renewed when due; None for no such token.

        Raises:
            CloudError: As ``issue``, when the role is gone or trusts the service no more.
        """
        uris = self._store.table(_CREDENTIALS_URIS)
        entry = uris.get(token)
        if entry is None:
            return None
        session = self._store.table(_SESSIONS).get(entry["access_key_id"] or "")
        if session is not None and session["expires_at"] > time.time() + _URI_RENEW_SECONDS:
            self.role(entry["role_name"])
            return Principal(access_key_id=entry["access_key_id"], **session)
        principal = self.issue(
            entry["role_name"], entry["session"], _URI_DURATION_SECONDS, service=entry["service"]
        )
        uris.put(token, entry | {"access_key_id": principal.access_key_id})
        return principal

    def revoke_credentials_uri(self, uri: str) -> None:
        """Make that URL serve nothing any more; an unknown one is no error."""
        self._store.table(_CREDENTIALS_URIS).delete(uri.rsplit("/", 1)[-1])

    def revoke_role(self, role_name: str) -> None:
        """End every session of a role that is being deleted."""
        sessions = self._store.table(_SESSIONS)
        for access_key_id, session in sessions.items():
            if session["role_name"] == role_name:
                sessions.delete(access_key_id)
