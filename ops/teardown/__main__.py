"""`python -m ops.teardown --stack dev [--consent dev]`: see `make down`.

Needs the environment of the stack, as `tools` sets it. Exit code: 0 if nothing is left, 1 if
something is left or the removal failed, 3 if it was refused.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from ops.declared import is_pull_request
from ops.engine import Engine, NoStackError
from ops.teardown import leaks
from ops.teardown.removal import FAILURES, Refused, Removal, remove

__all__ = ["main"]

_REFUSED = 3
_INTERRUPTED = 130
_GOES_ON = "the removed resources stay removed, and `make down` continues from here"


def main(arguments: Sequence[str] | None = None) -> int:
    """Remove one stack and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m ops.teardown")
    parser.add_argument("--stack", required=True)
    parser.add_argument("--consent", default="", help="the stack's name, if it is protected")
    options = parser.parse_args(arguments)
    removal = Removal(stack=options.stack, engine=Engine.of(options.stack), consent=options.consent)
    try:
        code = remove(removal)
    except NoStackError as error:
        if not is_pull_request(options.stack):
            print(error, file=sys.stderr)
            return 1
        # The sweeper may have removed it before.
        print(f"there is no stack {options.stack}")
        return leaks.main(["--stack", options.stack])
    except Refused as error:
        print(error, file=sys.stderr)
        return _REFUSED
    except FAILURES as error:
        print(f"{error}\n{_GOES_ON}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"interrupted; {_GOES_ON}; the leak check did not run", file=sys.stderr)
        return _INTERRUPTED
    print(removal.report())
    return code


if __name__ == "__main__":
    sys.exit(main())
