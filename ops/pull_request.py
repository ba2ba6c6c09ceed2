"""A pull request's stack in the cloud: its file, from the template, with its time to live.

Owns `stacks/Pulumi.pr-<number>.yaml` and what of it comes from the environment of CI: account,
certificate and secrets, which no file holds. Does not own the update (`tools`).

    python -m ops.pull_request --stack pr-7

Environment: CUSTOMRAG_SET_<KEY> is a config value, CUSTOMRAG_SECRET_<KEY> a secret one, such as
CUSTOMRAG_SET_accountId and CUSTOMRAG_SECRET_elasticsearchPassword; a value in brackets is a list.
PULUMI_SECRETS_PROVIDER is given to a stack that is made.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import yaml

from ops.declared import (
    NAMESPACE,
    PULL_REQUEST_HOURS,
    ROOT,
    DeclaredError,
    declared_values,
    is_pull_request,
    moment,
    write_stack_file,
)
from ops.engine import Engine, EngineError

__all__ = ["from_environment", "main", "prepare"]

SET, SECRET = "CUSTOMRAG_SET_", "CUSTOMRAG_SECRET_"


def from_environment(environment: Mapping[str, str], prefix: str) -> dict[str, str]:
    """Config values by key with namespace that the environment gives; empty ones are none."""
    return {
        f"{NAMESPACE}{name.removeprefix(prefix)}": value
        for name, value in environment.items()
        if name.startswith(prefix) and value
    }


def prepare(stack: str, engine: Engine, environment: Mapping[str, str], now: datetime) -> str:
    """Makes the stack, if it is not there, and its file, anew; returns when its time is over.

    Raises:
        DeclaredError: That is no pull request's stack, or there is no template.
        EngineError: There is no access to the backend.
    """
    if not is_pull_request(stack):
        raise DeclaredError(f"{stack!r} is no pull request's stack; those are called pr-<number>")
    ends = moment(now + timedelta(hours=PULL_REQUEST_HOURS))
    path = ROOT / "stacks" / f"Pulumi.{stack}.yaml"
    given = from_environment(environment, SET)
    values = declared_values(stack) | {key: _value(text) for key, text in given.items()}
    values[f"{NAMESPACE}expiresAt"] = ends
    write_stack_file(path, values, remark="Made by `make pr-up` from pr.template.yaml.")
    provider = environment.get("PULUMI_SECRETS_PROVIDER", "")
    try:
        engine.ask("stack", "init", *(("--secrets-provider", provider) if provider else ()))
    except EngineError as error:
        # Asked of this stack alone: a list of all fails when the state of any is broken.
        if "already exists" not in str(error):
            raise
    for key, value in from_environment(environment, SECRET).items():
        engine.ask_secretly(value, "config", "set", "--secret", key)
    return ends


def _value(text: str) -> str | list[str]:
    """A config value as a stack's file has it: a list, if it stands in brackets.

    Raises:
        DeclaredError: It begins with a bracket, and is no list.
    """
    if not text.startswith("["):
        return text
    try:
        found = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise DeclaredError(f"{text!r} is no list; write it like [vsw-1, vsw-2]") from error
    return [str(item) for item in found]


def main(arguments: Sequence[str] | None = None) -> int:
    """Prepare one pull request's stack; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m ops.pull_request")
    parser.add_argument("--stack", required=True, help="pr-<number>")
    stack = parser.parse_args(arguments).stack
    engine = Engine(stack=stack, logs=Path(ROOT, ".customrag", stack, "logs"))
    try:
        ends = prepare(stack, engine, os.environ, datetime.now(UTC))
    except (DeclaredError, EngineError) as error:
        print(error, file=sys.stderr)
        return 1
    print(f"stack {stack} lives until {ends}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
