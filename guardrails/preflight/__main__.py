"""``make preflight STACK=dev``: check against the cloud whether a stack can come up.

    python -m guardrails.preflight --stack dev
    python -m guardrails.preflight --stack dev --json                     for programs
    python -m guardrails.preflight --stack dev --set regionId=cn-beijing
    python -m guardrails.preflight --stack dev --platform-file HOME/platform.json
                                                                     of a local cloud

The exit status is 1 if a line says FAIL. Creates nothing. CUSTOMRAG_PREFLIGHT_PLATFORM has the same
effect as `--platform-file`. `--role-arn` or CUSTOMRAG_DEPLOY_ROLE_ARN names the deploying role,
which the preflight then assumes. DASHSCOPE_API_KEY is the language model's key,
CLOUDFLARE_API_TOKEN the edge's token.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from guardrails.declare import given_values
from guardrails.preflight.checks import CHECKS
from guardrails.preflight.cloud import (
    Cloud,
    cloud_of_account,
    local_cloud,
    read_platform,
)
from guardrails.preflight.prepare import prepare
from guardrails.preflight.report import as_json, render
from guardrails.preflight.result import Line, Needs, failed, named
from guardrails.preflight.run import run_checks
from stack_config.config import ConfigError

__all__ = ["main"]

_PLATFORM_VARIABLE = "CUSTOMRAG_PREFLIGHT_PLATFORM"
_ROLE_VARIABLE = "CUSTOMRAG_DEPLOY_ROLE_ARN"


def _platform_file(given: argparse.Namespace) -> str:
    return str(given.platform_file or os.environ.get(_PLATFORM_VARIABLE, ""))


def _cloud(given: argparse.Namespace, region_id: str) -> Cloud:
    path = _platform_file(given)
    cloud = (
        local_cloud(read_platform(Path(path)), region_id) if path else cloud_of_account(region_id)
    )
    return replace(cloud, role_arn=given.role_arn)


def _arguments(words: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="guardrails.preflight",
        description=(__doc__ or "").split("\n")[0],
    )
    parser.add_argument("--stack", required=True)
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument(
        "--platform-file", default="", help="ask a local cloud instead of Alibaba Cloud"
    )
    parser.add_argument("--role-arn", default=os.environ.get(_ROLE_VARIABLE, ""))
    parser.add_argument(
        "--unless-switched-off",
        action="store_true",
        help="skip the preflight if customrag:preflight is false, as `make up` does",
    )
    parser.add_argument(
        "--only", default="", help="run these checks only: names, separated by commas"
    )
    return parser.parse_args(words)


def _wrong(told: str) -> list[Line]:
    """Return a line for each problem of a configuration, or one for the whole message."""
    head, *problems = told.split("\n  - ")
    do = "correct it; no other check was run"
    if not problems:
        return [Line.of("configuration", failed(head, do))]
    return [
        Line.of("configuration", named(key, failed(text, do)))
        for key, _, text in (problem.partition(" ") for problem in problems)
    ]


def main(words: Sequence[str] | None = None) -> int:
    """Run the command; return the exit status."""
    given = _arguments(words)
    only = [name for name in given.only.split(",") if name]
    unknown = sorted(set(only) - {check.name for check in CHECKS})
    if unknown:
        print(
            f"--only {given.only}: there is no check {unknown[0]!r}; the checks are "
            + ", ".join(check.name for check in CHECKS),
            file=sys.stderr,
        )
        return 2
    try:
        prepared = prepare(
            given.stack,
            given_values(given.set),
            os.environ,
            on_local_cloud=bool(_platform_file(given)),
        )
    except ConfigError as error:
        lines = _wrong(str(error))
    else:
        if given.unless_switched_off and not prepared.subject.config.preflight:
            print("Skipped the preflight, because customrag:preflight is false.")
            return 0
        subject = prepared.subject
        cloud = _cloud(given, subject.config.region_id)
        # The report always says who the caller is.
        checks = [
            check
            for check in CHECKS
            if not only or check.name in only or check.needs is Needs.IDENTITY
        ]
        lines = [*prepared.lines, *run_checks(checks, subject, cloud)]
    found = as_json(given.stack, lines)
    if given.json:
        print(json.dumps(found, indent=2, ensure_ascii=False))
    else:
        print(render(given.stack, lines), end="")
    return 0 if found["ok"] else 1


if __name__ == "__main__":
    # The report says what is wrong. The SDK's log would repeat it, with tracebacks.
    logging.disable(logging.CRITICAL)
    code = main()
    sys.stdout.flush()
    sys.stderr.flush()
    # Threads may still wait for an answer, which is no longer needed.
    os._exit(code)
