"""`python -m ops.stack COMMAND --stack NAME`: the commands behind `make up` and its like.

Needs the environment of the stack, as `tools.environment` sets it; of a stack on this machine,
CUSTOMRAG_HOME is part of that. Exit code 3 says that another engine is at work on the stack.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from ops.account import account_in
from ops.declared import (
    NAMESPACE,
    DeclaredError,
    declared_values,
    is_on_this_machine,
    with_defaults,
)
from ops.engine import Engine, EngineError
from ops.stack import ask, documents, update
from providers.clients.errors import ClientError

_INTERRUPTED = 130


def _seconds(text: str) -> Mapping[str, float]:
    found: dict[str, float] = json.loads(text)
    return found


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m ops.stack", description="Work on one stack.")
    parser.add_argument(
        "command",
        choices=["up", "preview", "destroy", "outputs", "documents", "ask", "open", "token"],
    )
    parser.add_argument("--stack", required=True)
    parser.add_argument("--corpus", type=Path, default=None, help="the user's documents")
    parser.add_argument("--question", default="", help="what to ask")
    parser.add_argument("--only", default="", help="which documents to list; default: all")
    parser.add_argument("--json", action="store_true", help="list documents as JSON")
    parser.add_argument("--yes", action="store_true", help="update a cloud stack without asking")
    parser.add_argument(
        "--set-up-seconds", type=_seconds, default={}, help="time by step of the set-up, as JSON"
    )
    parser.add_argument(
        "--began", type=float, default=None, help="when the command began, in seconds since 1970"
    )
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Carry out one command and return the exit code."""
    options = _parser().parse_args(arguments)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    engine = Engine.of(options.stack)
    try:
        if options.corpus is not None and options.command in ("up", "preview"):
            update.set_corpus(engine, options.corpus)
        match options.command:
            case "up" if is_on_this_machine(options.stack):
                return update.up(engine, options.set_up_seconds, began=options.began or time.time())
            case "up":
                return update.up_in_the_cloud(engine, yes=options.yes)
            case "preview":
                return update.preview(engine)
            case "destroy":
                return update.destroy(engine)
            case "outputs":
                print(json.dumps(engine.outputs(), indent=2, ensure_ascii=False))
            case "documents":
                _list_documents(engine, options.only, as_json=options.json)
            case "ask":
                return ask.ask(engine, options.question)
            case "open":
                print(ask.page_link(engine, engine.outputs()))
            case "token":
                print(ask.local_token())
    except (
        EngineError,
        DeclaredError,
        ClientError,
        ask.AskError,
        documents.DocumentsError,
        update.CorpusError,
    ) as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\ninterrupted", file=sys.stderr)
        return _INTERRUPTED
    except BrokenPipeError:
        # The reader of a long list, such as `head`, has seen enough.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def _list_documents(engine: Engine, only: str, *, as_json: bool) -> None:
    documents.check_only(only)
    values = with_defaults(declared_values(engine.stack))
    account = account_in(str(values[f"{NAMESPACE}regionId"]))
    if is_on_this_machine(engine.stack):
        ask.start_if_down([account.endpoints["oss"]])
    found = documents.read(account, engine.outputs())
    chosen = documents.selected(found, only)
    if as_json:
        print(documents.as_json(chosen), flush=True)
        return
    for line in documents.lines(chosen):
        print(line)
    print(f"\n{documents.counts(found)}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
