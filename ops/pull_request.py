"""A pull request's stack: its file, from the template, with its time to live, and its update.

Owns `stacks/Pulumi.pr-<number>.yaml` and the values that come from the environment of CI: account,
certificate and secrets, which are in no file.

    python -m ops.pull_request --stack pr-7

Environment: CUSTOMRAG_SET_<KEY> is a config value, CUSTOMRAG_SECRET_<KEY> a secret one, such as
CUSTOMRAG_SET_accountId and CUSTOMRAG_SECRET_elasticsearchPassword; a value in brackets is a list.
PULUMI_SECRETS_PROVIDER is the secrets provider of a new stack.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

import yaml

from guardrails.preflight.prepare import SECRET, SET, from_environment
from ops.declared import (
    NAMESPACE,
    PULL_REQUEST_HOURS,
    ROOT,
    DeclaredError,
    declared_values,
    is_on_this_machine,
    is_pull_request,
    moment,
    write_stack_file,
)
from ops.engine import Engine, EngineError

__all__ = ["main", "prepare"]


def prepare(stack: str, engine: Engine, environment: Mapping[str, str], now: datetime) -> str:
    """Create the stack, if it does not exist, and rewrite its file; return when its time is over.

    Raises:
        DeclaredError: That is not a pull request's stack, or there is no template.
        EngineError: There is no access to the backend.
    """
    if not is_pull_request(stack):
        raise DeclaredError(
            f"{stack!r} is not the name of a pull request's stack; give pr-<number>"
        )
    ends = moment(now + timedelta(hours=PULL_REQUEST_HOURS))
    path = ROOT / "stacks" / f"Pulumi.{stack}.yaml"
    given = from_environment(environment, SET)
    values = declared_values(stack)
    values |= {f"{NAMESPACE}{key}": _value(text) for key, text in given.items()}
    values[f"{NAMESPACE}expiresAt"] = ends
    write_stack_file(path, values, remark="Created by `make pr-up` from pr.template.yaml.")
    provider = environment.get("PULUMI_SECRETS_PROVIDER", "")
    try:
        engine.ask("stack", "init", *(("--secrets-provider", provider) if provider else ()))
    except EngineError as error:
        # `stack ls` would fail when the state of any stack is broken.
        if "already exists" not in str(error):
            raise
    for key, value in from_environment(environment, SECRET).items():
        engine.ask("config", "set", "--secret", f"{NAMESPACE}{key}", secret=value)
    return ends


def _value(text: str) -> str | list[str]:
    """Return a config value as in a stack's file: a list, if it is in brackets.

    Raises:
        DeclaredError: It begins with a bracket and is not a list.
    """
    if not text.startswith("["):
        return text
    try:
        found = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise DeclaredError(
            f"{text!r} is not a valid list; write it like [vsw-1, vsw-2]"
        ) from error
    return [str(item) for item in found]


def main(arguments: Sequence[str] | None = None) -> int:
    """Bring up one pull request's stack, or its rehearsal, and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m ops.pull_request")
    parser.add_argument("--stack", required=True, help="pr-<number>, or rehearse-pr-<number>")
    engine = Engine.of(parser.parse_args(arguments).stack)
    words = ("--yes", "--skip-preview", "--suppress-outputs", *engine.policy)
    try:
        if not is_on_this_machine(engine.stack):
            ends = prepare(engine.stack, engine, os.environ, datetime.now(UTC))
            print(f"stack {engine.stack} lives until {ends}", flush=True)
        return engine.run("up", "up", *words, shown=True).code
    except (DeclaredError, EngineError) as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
