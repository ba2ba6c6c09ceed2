"""Time a question through the edge: answered by the application, and from the edge's cache.

    CUSTOMRAG_TOKEN=$(make -s token) python -m benchmarks.edge_cache --url EDGE_URL

Asks one question `--count` times with `Cache-Control: no-cache`, so that the application answers
each time, then as often without. Prints the median of each and their ratio. Fails if an answer
came from the wrong place. `--requests-per-minute` of the stack must allow twice the count.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import time
import urllib.request

_TIMEOUT_SECONDS = 180
_WAIT_SECONDS = 10


def ask(url: str, question: str, *, fresh: bool) -> tuple[float, str]:
    """Return the seconds to the last byte of the answer, and the state of the edge's cache."""
    headers = {
        "Content-Type": "application/json",
        "Authorization": f"Bearer {os.environ['CUSTOMRAG_TOKEN']}",
        **({"Cache-Control": "no-cache"} if fresh else {}),
    }
    body = json.dumps({"question": question}).encode()
    request = urllib.request.Request(f"{url}/api/ask", data=body, headers=headers)  # noqa: S310
    began = time.perf_counter()
    with urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS) as response:  # noqa: S310
        response.read()
        return time.perf_counter() - began, str(response.headers["X-Edge-Cache"])


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--url", required=True, help="the stack's edge_url")
    parser.add_argument("--question", default="What does alarm W1 tell me?")
    parser.add_argument("--count", type=int, default=10)
    given = parser.parse_args()
    uncached = [ask(given.url, given.question, fresh=True) for _ in range(given.count)]
    # The edge stores an answer just after it sent it.
    deadline = time.monotonic() + _WAIT_SECONDS
    while ask(given.url, given.question, fresh=False)[1] != "hit" and time.monotonic() < deadline:
        pass
    kept = [ask(given.url, given.question, fresh=False) for _ in range(given.count)]
    states = {state for _, state in uncached}, {state for _, state in kept}
    if states != ({"miss"}, {"hit"}):
        print(f"The cache states are {states}; they must be miss, then hit.", file=sys.stderr)
        return 1
    asked, cached = (statistics.median(seconds for seconds, _ in rows) for rows in (uncached, kept))
    print(f"uncached    {asked * 1000:9.1f} ms")
    print(f"from cache  {cached * 1000:9.1f} ms")
    print(f"ratio       {asked / cached:9.1f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
