"""What the stories of rehearsals share: the command, its summary, and what must not be left."""

from __future__ import annotations

import re

from ops.rehearse.summary import WIDTH
from tests.e2e.checkout import Checkout, Finished

UP_SECONDS = 1800.0
SHORT = "trainingNumTrainEpochs=1"


def rehearse(private: Checkout, stack: str, *values: str) -> Finished:
    """Run `make rehearse` with the shortest training; wait for its end."""
    return private.make(
        "rehearse",
        timeout_seconds=UP_SECONDS,
        STACK=stack,
        CORPUS=str(private.corpus),
        SET=" ".join((SHORT, *values)),
    )


def summary(done: Finished) -> list[str]:
    """Return the lines of a rehearsal's summary."""
    _, rule, text = done.output.partition("=" * WIDTH)
    return (rule + text).splitlines()


def assert_nothing_is_left(private: Checkout, before: set[str]) -> None:
    """Assert that no process is left, and no file that was not there before."""
    assert [process.cmdline() for process in private.processes()] == []
    left = private.files() - before
    # The checkout's lock and set-up logs do not belong to a stack.
    assert {
        name for name in left if not name.startswith((".customrag/lock", ".customrag/setup"))
    } == set()


def assert_whole_life(done: Finished, stack: str) -> None:
    """Assert that a rehearsal went through every step, and left nothing of the stack."""
    done.check()
    text = "\n".join(summary(done))
    assert f"Rehearsal of {stack}: ended well" in text
    for step in ("up", "unchanged", "change", "refresh", "unchanged again", "down", "leak check"):
        assert re.search(rf"^ok   {step} +\d+:\d\d  ", text, re.MULTILINE), step
    assert "policy pack: no violation" in text
    assert "nothing of the stack is left" in text
