"""``make preflight STACK=dev``: whether a stack could be brought up, asked of the cloud.

    python -m infra.preflight --stack dev
    python -m infra.preflight --stack dev --json                     for machines
    python -m infra.preflight --stack dev --set regionId=cn-beijing
    python -m infra.preflight --stack dev --platform-file HOME/platform.json
                                                                     of a local cloud

Ends with 1 if a line says FAIL. Creates nothing. CUSTOMRAG_PREFLIGHT_PLATFORM does as
`--platform-file` does. `--role-arn`, or CUSTOMRAG_DEPLOY_ROLE_ARN, names
the role that deploys, to try whether it can be assumed; DASHSCOPE_API_KEY is the language model's.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from infra.config import ConfigError, PlatformKind, StackConfig
from infra.declare import stack_config
from infra.preflight.checks import CHECKS
from infra.preflight.cloud import (
    Cloud,
    cloud_of_account,
    local_cloud,
    local_model_url,
    read_platform,
)
from infra.preflight.report import as_json, render
from infra.preflight.result import Line, failed
from infra.preflight.run import run_checks
from infra.preflight.subject import Subject

__all__ = ["main"]

_PLATFORM_VARIABLE = "CUSTOMRAG_PREFLIGHT_PLATFORM"
_ROLE_VARIABLE = "CUSTOMRAG_DEPLOY_ROLE_ARN"
# In place of what the stack's file leaves to the user, so that the rest can be checked.
_NO_ACCOUNT = "0" * 16
_NO_CERTIFICATE = "0-unset"
_PR_EXPIRES_AT = "2099-01-01T00:00:00Z"


@dataclass(frozen=True, kw_only=True)
class _Prepared:
    """A subject, and lines for what its configuration leaves open."""

    subject: Subject
    lines: tuple[Line, ...]


def _prepare(given: argparse.Namespace, overlay: Mapping[str, str]) -> _Prepared:
    values = {**stack_config(given.stack), **overlay}
    if values.get("platform") == PlatformKind.LOCAL and not _platform_file(given):
        raise ConfigError(
            f"stack {given.stack!r} is local: it asks no cloud, so there is nothing to check "
            "(--platform-file asks a local cloud about it)"
        )
    lines = []
    if values.get("environment") == "pr" and not values.get("expiresAt"):
        values["expiresAt"] = _PR_EXPIRES_AT  # `make pr-up` sets it.
    account_id = values.get("accountId", "")
    if not account_id and values.get("platform") != PlatformKind.LOCAL:
        values["accountId"] = _NO_ACCOUNT
        lines.append(_unset("accountId", "<16 digits>", given.stack))
    if values.get("loadBalancer") == "true" and not values.get("chatCertificateId"):
        values["chatCertificateId"] = _NO_CERTIFICATE
        lines.append(_unset("chatCertificateId", "<certificate id>", given.stack))
    config = StackConfig.parse(values, stack=given.stack)
    subject = Subject(
        stack=given.stack,
        config=config,
        account_id=account_id,
        role_arn=given.role_arn,
        llm_base_url=config.llm_base_url,
        overlay={**overlay, **({"expiresAt": values["expiresAt"]} if config.expires_at else {})},
    )
    return _Prepared(subject=subject, lines=tuple(lines))


def _unset(key: str, value: str, stack: str) -> Line:
    do = f"pulumi config set --stack {stack} customrag:{key} {value}"
    return Line.of("configuration", failed("is not set", do, about=f"customrag:{key}"))


def _overlay(given: argparse.Namespace) -> dict[str, str]:
    overlay = {}
    for text in given.set:
        key, separator, value = text.partition("=")
        if not separator:
            raise ConfigError(f"--set {text}: give key=value")
        overlay[key.removeprefix("customrag:")] = value
    return overlay


def _platform_file(given: argparse.Namespace) -> str:
    return str(given.platform_file or os.environ.get(_PLATFORM_VARIABLE, ""))


def _cloud(given: argparse.Namespace, subject: Subject) -> tuple[Cloud, Subject]:
    region_id = subject.config.region_id
    path = _platform_file(given)
    if not path:
        return cloud_of_account(region_id), subject
    platform = read_platform(Path(path))
    asked = replace(subject, llm_base_url=local_model_url(platform), on_local_cloud=True)
    return local_cloud(platform, region_id), asked


def _arguments(words: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="infra.preflight",
        description=(__doc__ or "").split("\n")[0],
    )
    parser.add_argument("--stack", required=True)
    parser.add_argument("--json", action="store_true", help="for machines")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument(
        "--platform-file", default="", help="ask a local cloud in place of the cloud"
    )
    parser.add_argument("--role-arn", default=os.environ.get(_ROLE_VARIABLE, ""))
    parser.add_argument("--only", default="", help="these checks only, by name, comma-separated")
    return parser.parse_args(words)


def main(words: Sequence[str] | None = None) -> int:
    """Returns the exit status."""
    given = _arguments(words)
    only = [name for name in given.only.split(",") if name]
    unknown = sorted(set(only) - {check.name for check in CHECKS})
    if unknown:
        print(
            f"--only {given.only}: there is no check {unknown[0]!r}; there are "
            + ", ".join(check.name for check in CHECKS),
            file=sys.stderr,
        )
        return 2
    try:
        prepared = _prepare(given, _overlay(given))
    except ConfigError as error:
        lines = [Line.of("configuration", failed(str(error), "correct it; nothing else was asked"))]
    else:
        cloud, subject = _cloud(given, prepared.subject)
        checks = [check for check in CHECKS if not only or check.name in only]
        lines = [*prepared.lines, *run_checks(checks, subject, cloud)]
    found = as_json(given.stack, lines)
    if given.json:
        print(json.dumps(found, indent=2, ensure_ascii=False))
    else:
        print(render(given.stack, lines), end="")
    return 0 if found["ok"] else 1


if __name__ == "__main__":
    # The list says what is wrong; the credentials' own log would say it again, with tracebacks.
    logging.disable(logging.CRITICAL)
    code = main()
    sys.stdout.flush()
    sys.stderr.flush()
    # Threads may still wait for an answer that nobody wants any more.
    os._exit(code)
