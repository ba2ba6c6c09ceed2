"""A stack's values before the preflight, and a report line for each value that is still missing.

Owns the stand-ins for missing values, so that the preflight can check the rest. Does not read
secrets, only whether they are set.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

import yaml

from guardrails.declare import encrypted_keys, stack_config
from guardrails.preflight.result import Line, failed, named
from guardrails.preflight.subject import Subject
from stack_config.config import ConfigError, StackConfig
from stack_config.kinds import PlatformKind

__all__ = ["SECRET", "SET", "Prepared", "from_environment", "prepare"]

SET, SECRET = "CUSTOMRAG_SET_", "CUSTOMRAG_SECRET_"
"""Prefixes of the variables that give `make pr-up` the missing values (`ops.pull_request`)."""
# Stand-ins for missing values.
_NO_ACCOUNT = "0" * 16
_NO_CERTIFICATE = "0-unset"
_PR_EXPIRES_AT = "2099-01-01T00:00:00Z"


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """A subject, and lines for the values that its configuration lacks."""

    subject: Subject
    lines: tuple[Line, ...]


def prepare(
    stack: str,
    overlay: Mapping[str, str],
    environment: Mapping[str, str],
    *,
    on_local_cloud: bool = False,
) -> Prepared:
    """Read a stack's file.

    Args:
        stack: Its name.
        overlay: Values on top of the file, by key without namespace.
        environment: Variables, which give a pull request's stack further values.
        on_local_cloud: Whether the preflight asks a local cloud, which has its own keys.

    Raises:
        ConfigError: The values are not valid.
    """
    from_ci = re.fullmatch(r"pr-\d+", stack) is not None
    own = {key: _raw(text) for key, text in from_environment(environment, SET).items()}
    given = {**(own if from_ci else {}), **overlay}
    values = {**stack_config(stack), **given}
    local = values.get("platform") == PlatformKind.LOCAL
    if local and not on_local_cloud:
        raise ConfigError(
            f"stack {stack!r} is local and uses no cloud account, so there is nothing to check. To "
            "check it against a local cloud, give --platform-file"
        )
    lines = []
    if values.get("environment") == "pr" and not values.get("expiresAt"):
        values["expiresAt"] = _PR_EXPIRES_AT  # `make pr-up` sets it.
    account_id = values.get("accountId", "")
    if not account_id and not local:
        values["accountId"] = _NO_ACCOUNT
        lines.append(_unset("accountId", "<16 digits>", stack, from_ci=from_ci))
    if values.get("loadBalancer") == "true" and not values.get("chatCertificateId"):
        values["chatCertificateId"] = _NO_CERTIFICATE
        lines.append(_unset("chatCertificateId", "<id>", stack, from_ci=from_ci))
    config = StackConfig.parse(values, stack=stack)
    if not on_local_cloud:
        there = (
            encrypted_keys(stack)
            | (from_environment(environment, SECRET) if from_ci else {}).keys()
        )
        lines += _secrets(config, stack, there, values, from_ci=from_ci)
    subject = Subject(
        stack=stack,
        config=config,
        account_id=account_id,
        overlay={**given, **({"expiresAt": values["expiresAt"]} if config.expires_at else {})},
        on_local_cloud=on_local_cloud,
    )
    return Prepared(subject=subject, lines=tuple(lines))


def from_environment(environment: Mapping[str, str], prefix: str) -> dict[str, str]:
    """Return the config values in the environment, by key without namespace, and no empty ones."""
    return {
        name.removeprefix(prefix): value
        for name, value in environment.items()
        if name.startswith(prefix) and value
    }


def _raw(text: str) -> str:
    """Return a variable's value as Pulumi would pass it: `[a, b]` is a list."""
    if not text.startswith("["):
        return text
    try:
        return json.dumps(yaml.safe_load(text))
    except yaml.YAMLError as error:
        raise ConfigError(f"{text!r} is not a list; write it like [vsw-1, vsw-2]") from error


def _unset(key: str, value: str, stack: str, *, from_ci: bool) -> Line:
    do = f"pulumi config set --stack {stack} customrag:{key} {value}"
    if from_ci:
        # Each `make pr-up` overwrites its file.
        do = f"set the variable {SET}{key} for `make pr-up`"
    return Line.of("configuration", named(f"customrag:{key}", failed("is not set", do)))


def _secrets(
    config: StackConfig,
    stack: str,
    there: frozenset[str],
    values: Mapping[str, str],
    *,
    from_ci: bool,
) -> list[Line]:
    wanted = [
        *(["elasticsearchPassword"] if config.engines.elasticsearch else []),
        "llmApiKey",
    ]
    if config.edge.exists:
        wanted.append("edgeOriginKey")
    if config.engines.opensearch:
        wanted.append("opensearchPassword")
    lines = []
    for key in wanted:
        if key in there:
            continue
        found, do = "is not set", f"pulumi config set --stack {stack} --secret customrag:{key}"
        if from_ci:
            do = f"set the variable {SECRET}{key} for `make pr-up`"
        if values.get(key):
            found = "is unencrypted in the stack's file"
            do += ", and replace the secret itself, because others may have read it"
        lines.append(Line.of("configuration", named(f"customrag:{key}", failed(found, do))))
    return lines
