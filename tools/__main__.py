"""The commands behind the Makefile: `python3 -m tools COMMAND`.

Runs on the system Python and sets up first what it needs beyond that.
"""

import sys

if sys.version_info < (3, 11):  # noqa: UP036  the message is for a user of an older one
    sys.exit(
        "this is Python {}.{}; 3.11 or newer is needed. Install it, then name it: "
        "make up PYTHON=python3.11".format(*sys.version_info)
    )

import argparse
import os
import signal
from pathlib import Path

from tools import actions, checks, lifecycle, review
from tools.errors import ToolError
from tools.paths import LOCAL_STACK, default_paths, is_on_this_machine

_INTERRUPTED = 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="tools", description="The commands behind the Makefile.")
    commands = parser.add_subparsers(dest="command", required=True)
    on_a_stack = ("setup", "up", "preview", "down", "status", "logs", "ask", "open", "token", "env")
    for name in (
        *on_a_stack,
        "documents",
        "eval",
        "rehearse",
        "leaks",
        "sweep",
        "pr-up",
        "pr-down",
        "night",
    ):
        command = commands.add_parser(name)
        command.add_argument("--stack", default=LOCAL_STACK)
        command.add_argument("--corpus", type=_folder, default=None)
        command.add_argument("--question", default="")
        command.add_argument("--service", default="")
        command.add_argument("--only", default="")
        command.add_argument("--json", action="store_true")
        command.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
        command.add_argument("--consent", default="")
        command.add_argument("--now", default="")
        command.add_argument("--pull-request", default="")
        command.add_argument("--rehearsal", action="store_true")
        command.add_argument("--yes", action="store_true")
        command.add_argument("--keep", action="store_true")
        command.add_argument("--whole", action="store_true")
    review.add_commands(commands)
    test = commands.add_parser("test")
    test.add_argument("arguments", nargs="*")
    return parser


def _folder(text: str) -> Path | None:
    return Path(text) if text else None


def main(arguments: list[str]) -> int:
    """Run one command and return its exit code."""
    options = _parser().parse_args(arguments)
    paths = default_paths()
    if options.command == "test":
        return checks.run(paths, options.arguments)
    reviewed = review.run(paths, options)
    if reviewed is not None:
        return reviewed
    if options.pull_request or options.command.startswith("pr-"):
        options.stack = lifecycle.pull_request(options.pull_request, options.rehearsal)
    if options.command not in ("rehearse", "pr-up", "pr-down", "sweep"):
        paths = paths.of(options.stack)
    stack, corpus = options.stack, options.corpus
    values = [value for text in options.set for value in text.split()]
    commands = {
        "setup": lambda: actions.set_up_only(paths),
        "up": lambda: actions.up(paths, stack, corpus, yes=options.yes),
        "preview": lambda: actions.preview(paths, stack, corpus),
        "down": lambda: (
            actions.down(paths, stack)
            if is_on_this_machine(stack)
            else lifecycle.down(paths, stack, options.consent)
        ),
        "status": lambda: actions.status(paths, stack),
        "logs": lambda: actions.logs(paths, stack, options.service),
        "documents": lambda: actions.documents(paths, stack, options.only, as_json=options.json),
        "ask": lambda: actions.ask_question(paths, stack, options.question),
        "open": lambda: actions.open_page(paths, stack),
        "token": lambda: actions.token(paths, stack),
        "env": lambda: actions.env(paths, stack),
        "eval": lambda: actions.evaluate(paths, corpus),
        "rehearse": lambda: lifecycle.rehearse(
            paths, stack, corpus=corpus, values=values, keep=options.keep, whole=options.whole
        ),
        "leaks": lambda: lifecycle.leaks(paths, stack),
        "night": lambda: lifecycle.night(paths, stack, options.now),
        "sweep": lambda: lifecycle.sweep(paths, stack, options.now),
        "pr-up": lambda: lifecycle.pr_up(paths, stack, corpus, values),
        "pr-down": lambda: lifecycle.pr_down(paths, stack),
    }
    return commands[options.command]()


if __name__ == "__main__":
    # Like Ctrl-C, so that the command cleans up. A hang-up that is ignored (nohup) stays ignored.
    for signum in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(signum) is not signal.SIG_IGN:
            signal.signal(signum, signal.default_int_handler)
    try:
        code = main(sys.argv[1:])
    except ToolError as error:
        print(f"\n{error}", file=sys.stderr)
        code = 1
    except KeyboardInterrupt:
        print("\ninterrupted", file=sys.stderr)
        code = _INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 1
    sys.exit(code)
