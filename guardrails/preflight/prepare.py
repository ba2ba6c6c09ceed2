"""A stack's values before anybody is asked, and lines for what nobody has said yet.

Owns what the command checks with where a stack's file leaves something open, so that the rest can
be checked all the same. Reads no secret: only whether there is one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

import yaml

from guardrails.declare import encrypted_keys, stack_config
from guardrails.preflight.result import Line, failed
from guardrails.preflight.subject import Subject
from stack_config.config import ConfigError, StackConfig
from stack_config.kinds import PlatformKind

__all__ = ["SECRET", "SET", "Prepared", "prepare"]

SET, SECRET = "CUSTOMRAG_SET_", "CUSTOMRAG_SECRET_"
"""Where `make pr-up` has from what no file of a pull request's stack says (`ops.pull_request`)."""
# In place of what the stack's file leaves to the user, so that the rest can be checked.
_NO_ACCOUNT = "0" * 16
_NO_CERTIFICATE = "0-unset"
_PR_EXPIRES_AT = "2099-01-01T00:00:00Z"


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """A subject, and lines for what its configuration leaves open."""

    subject: Subject
    lines: tuple[Line, ...]


def prepare(
    stack: str,
    overlay: Mapping[str, str],
    environment: Mapping[str, str],
    *,
    on_local_cloud: bool = False,
) -> Prepared:
    """Reads a stack's file.

    Args:
        stack: Its name.
        overlay: Values on top of the file, by key without namespace.
        environment: Of this process; a pull request's stack has values from there.
        on_local_cloud: Whether a local cloud is to be asked: it has keys of its own.

    Raises:
        ConfigError: The values cannot be used.
    """
    from_ci = re.fullmatch(r"pr-\d+", stack) is not None
    own = {key: _raw(text) for key, text in _variables(environment, SET).items()}
    given = {**(own if from_ci else {}), **overlay}
    values = {**stack_config(stack), **given}
    local = values.get("platform") == PlatformKind.LOCAL
    if local and not on_local_cloud:
        raise ConfigError(
            f"stack {stack!r} is local: it asks no cloud, so there is nothing to check "
            "(--platform-file asks a local cloud about it)"
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
        there = encrypted_keys(stack) | (_variables(environment, SECRET) if from_ci else {}).keys()
        lines += _secrets(config, stack, there, values, from_ci=from_ci)
    subject = Subject(
        stack=stack,
        config=config,
        account_id=account_id,
        llm_base_url=config.language_model.base_url,
        overlay={**given, **({"expiresAt": values["expiresAt"]} if config.expires_at else {})},
        on_local_cloud=on_local_cloud,
    )
    return Prepared(subject=subject, lines=tuple(lines))


def _variables(environment: Mapping[str, str], prefix: str) -> dict[str, str]:
    return {
        name.removeprefix(prefix): value
        for name, value in environment.items()
        if name.startswith(prefix) and value
    }


def _raw(text: str) -> str:
    """A value of the environment as Pulumi hands it over: `[a, b]` is a list there."""
    if not text.startswith("["):
        return text
    try:
        return json.dumps(yaml.safe_load(text))
    except yaml.YAMLError as error:
        raise ConfigError(f"{text!r} is no list; write it like [vsw-1, vsw-2]") from error


def _unset(key: str, value: str, stack: str, *, from_ci: bool) -> Line:
    do = f"pulumi config set --stack {stack} customrag:{key} {value}"
    if from_ci:
        # Its file is written anew by each `make pr-up`.
        do = f"give it to `make pr-up` as {SET}{key} in the environment"
    return Line.of("configuration", failed("is not set", do, about=f"customrag:{key}"))


def _secrets(
    config: StackConfig,
    stack: str,
    there: frozenset[str],
    values: Mapping[str, str],
    *,
    from_ci: bool,
) -> list[Line]:
    wanted = ["elasticsearchPassword", "llmApiKey"]
    if config.edge.exists:
        wanted.append("edgeOriginKey")
    lines = []
    for key in wanted:
        if key in there:
            continue
        found, do = "is not set", f"pulumi config set --stack {stack} --secret customrag:{key}"
        if from_ci:
            do = f"give it to `make pr-up` as {SECRET}{key} in the environment"
        if values.get(key):
            found = "stands unencrypted in the stack's file"
            do += ", and change the secret itself: it has been read"
        lines.append(Line.of("configuration", failed(found, do, about=f"customrag:{key}")))
    return lines
