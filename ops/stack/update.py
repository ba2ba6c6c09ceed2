"""Updates of one stack: up, preview, destroy, and the repair of what a killed engine left.

Owns the order of the engine's commands and what the user reads after them. The summary's wording is
`ops.stack.summary`'s.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from guardrails import preflight_mark
from ops.declared import NAMESPACE, is_on_this_machine
from ops.engine import Engine, EngineError, tail
from ops.events import Outcome
from ops.locks import is_locked
from ops.stack import ask, summary

__all__ = ["LOCKED", "CorpusError", "destroy", "preview", "set_corpus", "up", "up_in_the_cloud"]

LOCKED = 3
"""Exit code: another engine is at work on the stack."""
_DONE_AGAIN = ("creating", "updating", "deleting", "reading")
"""Pending operations that the next update carries out again."""


class CorpusError(Exception):
    """The folder is not a corpus. The message says what a corpus is."""


def set_corpus(engine: Engine, corpus: Path) -> None:
    """Make a folder of the user's the stack's corpus, from now on.

    Raises:
        CorpusError: The folder has no `docs`.
        EngineError: Pulumi refused.
    """
    folder = corpus.expanduser().resolve()
    if not (folder / "docs").is_dir():
        raise CorpusError(
            f"CORPUS={corpus}: {folder} has no folder `docs`. A corpus is a folder with the "
            "documents in docs/ and, optionally, questions in questions.jsonl."
        )
    if _config_value(engine, "corpusDir") != str(folder):
        engine.ask("config", "set", f"{NAMESPACE}corpusDir", str(folder))


def _config_value(engine: Engine, key: str) -> str:
    """Return a config value, decrypted; empty if it is not set."""
    try:
        return engine.ask("config", "get", f"{NAMESPACE}{key}").strip()
    except EngineError:
        return ""


def up(engine: Engine, set_up_seconds: Mapping[str, float], *, began: float) -> int:
    """Update a stack of this machine and print the summary; return the exit code.

    Args:
        engine: On the stack.
        set_up_seconds: Time by step of the set-up before, for the summary.
        began: When the command began, in seconds since 1970.
    """
    _repair(engine)
    # --refresh detects resources that were deleted or changed by hand.
    words = ("--yes", "--skip-preview", "--suppress-outputs", "--refresh")
    outcome = engine.run("up", "up", *words, shown=True)
    if outcome.code != 0:
        if _is_locked(outcome):
            return LOCKED
        print(
            "\nThe update failed; what it made stays. `make up` continues from here, `make down`"
            "\nremoves everything. To see more: `make status`, `make logs`."
        )
        return outcome.code
    outputs = engine.outputs()
    page = ask.page_link(engine, outputs) if outputs.get("chat_url") else ""
    print(f"\n{summary.render(outcome, outputs, set_up_seconds, time.time() - began, page)}")
    code = 0
    if outcome.changes and outputs.get("chat_url"):
        question = ask.sample_question(outcome.config)
        print(f"\n{ask.heading(question)}\n", flush=True)
        code = ask.ask(engine, question, outputs)
    print('\nNext: make ask Q="…", make status, make logs, make down')
    return code


def up_in_the_cloud(engine: Engine, *, yes: bool) -> int:
    """Run the preflight, then Pulumi's preview, question and update; return the exit code.

    Args:
        engine: On the stack.
        yes: Update without the question.
    """
    code = _preflight(engine)
    if code != 0:
        print("\nNothing was made. `make preflight` repeats the checks; each says what to do.")
        return code
    # Without the mark the program would run the preflight again: in the preview and in the update.
    mark = preflight_mark.mark(engine.stack, datetime.now(UTC))
    variables = {**engine.environment, preflight_mark.VARIABLE: mark}
    marked = Engine(stack=engine.stack, logs=engine.logs, environment=variables, root=engine.root)
    confirmed = ("--yes",) if yes else ()
    return marked.run("up", "up", *engine.policy, *confirmed, shown=True).code


def _preflight(engine: Engine) -> int:
    """Run the preflight with the language model's key, which is encrypted in the stack's file."""
    key = _config_value(engine, "llmApiKey")
    command = [sys.executable, "-m", "guardrails.preflight", "--stack", engine.stack]
    return subprocess.run(
        [*command, "--unless-switched-off"],
        cwd=engine.root,
        env={**engine.environment, **({"DASHSCOPE_API_KEY": key} if key else {})},
        check=False,
    ).returncode


def preview(engine: Engine) -> int:
    """Show what an update would do; return the exit code."""
    policy = () if is_on_this_machine(engine.stack) else engine.policy
    return engine.run("preview", "preview", "--diff", *policy, shown=True).code


def destroy(engine: Engine) -> int:
    """Destroy the resources of a stack of this machine; return the exit code."""
    _repair(engine)
    outcome = engine.run(
        "destroy", "destroy", "--yes", "--skip-preview", "--continue-on-error", shown=True
    )
    return LOCKED if outcome.code != 0 and _is_locked(outcome) else outcome.code


def _is_locked(outcome: Outcome) -> bool:
    locked = is_locked("\n".join(tail(outcome.log)))
    if locked:
        print(
            "\nAnother pulumi is at work on this stack: wait for its end, or stop the process that "
            "\nis named above with `kill -INT PID`."
        )
    return locked


def _repair(engine: Engine) -> None:
    """Forget what a killed engine left pending; the next update finds it undone, and does it.

    `pulumi up` would only warn of it, at length, each time (CLI 3.259). Our providers adopt what
    the killed engine had already made.

    Raises:
        EngineError: Pulumi refused.
    """
    states = Path(os.environ["CUSTOMRAG_HOME"], "state", ".pulumi", "stacks")
    files = states.glob(f"*/{engine.stack}.json")
    if not any('"pending_operations"' in file.read_text(encoding="utf-8") for file in files):
        return
    state = engine.state()
    operations = state["deployment"].get("pending_operations", [])
    dropped = [operation for operation in operations if operation["type"] in _DONE_AGAIN]
    if not dropped:
        return
    kept = [operation for operation in operations if operation not in dropped]
    state["deployment"]["pending_operations"] = kept
    engine.logs.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", dir=engine.logs, suffix=".json") as file:
        json.dump(state, file)
        file.flush()
        try:
            engine.ask("stack", "import", "--file", file.name)
        except EngineError as error:
            if not is_locked(str(error)):
                raise
            # Another engine is at work; the command that follows is refused and says so.
            return
    names = (operation["resource"]["urn"].rpartition("::")[2] for operation in dropped)
    print(f"  continued, because the last run was cut off: {', '.join(names)}")
