"""``systemctl`` of a local node: leaves a request for the local cloud and waits for the answer.

The shell scripts of nodes run it as a script, so it imports only the standard library.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

_DEADLINE_SECONDS = 300.0
_POLL_SECONDS = 0.02


def main(spool: Path, arguments: list[str]) -> int:
    """Run one command and return its exit code."""
    base = spool / f"{time.time_ns():020d}-{os.getpid()}"
    base.with_suffix(".new").write_text(json.dumps(arguments), encoding="utf-8")
    base.with_suffix(".new").replace(base.with_suffix(".request"))
    reply = base.with_suffix(".reply")
    deadline = time.monotonic() + _DEADLINE_SECONDS
    while not reply.exists():
        if time.monotonic() > deadline:
            print("systemctl: the local cloud did not answer", file=sys.stderr)
            return 1
        time.sleep(_POLL_SECONDS)
    answer = json.loads(reply.read_text(encoding="utf-8"))
    reply.unlink()
    if answer["text"]:
        print(answer["text"], file=sys.stderr if answer["code"] else sys.stdout)
    return int(answer["code"])


if __name__ == "__main__":
    raise SystemExit(main(Path(sys.argv[1]), sys.argv[2:]))
