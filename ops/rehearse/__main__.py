"""`python -m ops.rehearse --stack dev --home DIR`: rehearse what is declared; see `make rehearse`.

Needs the environment of the rehearsal's own stack, `rehearse-<stack>`, as `tools` sets it.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from ops.declared import NAMESPACE, REHEARSAL, ROOT
from ops.engine import Engine, EngineError
from ops.rehearse import story as stories
from ops.rehearse import summary
from ops.rehearse.overlay import REPLACED_FILE

_INTERRUPTED = 130


def _values(stack: str) -> dict[str, Any]:
    """Return the rehearsal's config values, from its stack file."""
    path = ROOT / "stacks" / f"Pulumi.{stack}.yaml"
    config: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))["config"]
    return config


def main(arguments: Sequence[str] | None = None) -> int:
    """Rehearse one stack and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m ops.rehearse")
    parser.add_argument("--stack", required=True, help="the stack to rehearse")
    parser.add_argument("--home", type=Path, required=True, help="the rehearsal's home")
    parser.add_argument("--preview", action="store_true", help="preview only, create nothing")
    parser.add_argument("--keep", action="store_true", help="skip the tear-down")
    options = parser.parse_args(arguments)
    engine = Engine(stack=f"{REHEARSAL}{options.stack}", logs=options.home / "logs" / "rehearsal")
    values = _values(engine.stack)
    replaced = json.loads((options.home / REPLACED_FILE).read_text(encoding="utf-8"))
    outputs: dict[str, Any] = {}

    def show(step: stories.Step) -> None:
        print("\n".join(summary.step_lines(step, most=1)), flush=True)
        if step.name == "up" and step.ended_well:
            outputs.update(engine.outputs())

    story = stories.Story(
        stack=options.stack,
        engine=engine,
        home=options.home,
        show=show,
    )
    try:
        stories.run(story, values, preview_only=options.preview, keep=options.keep)
    except EngineError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return _INTERRUPTED
    kept = {
        key.removeprefix(NAMESPACE): value
        for key, value in values.items()
        if key.removeprefix(NAMESPACE) not in {item["key"] for item in replaced}
    }
    print()
    print(
        summary.render(
            options.stack, story.steps, replaced=replaced, declared=kept, outputs=outputs
        )
    )
    return 0 if story.ended_well else 1


if __name__ == "__main__":
    sys.exit(main())
