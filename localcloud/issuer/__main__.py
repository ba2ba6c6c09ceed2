"""Command line of the local stack's token issuer.

python -m localcloud.issuer token --home HOME [--audience A] [--subject S] [--tenant T]
python -m localcloud.issuer code --home HOME [--audience A] [--subject S] [--tenant T]
python -m localcloud.issuer rotate --home HOME
"""

from __future__ import annotations

import argparse
import base64
import json
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from localcloud.core.errors import HomeError
from localcloud.core.home import Platform, load_platform

_SECONDS = 10
# For each command, which is also the route, the field of the answer to print.
_PRINTED = {"token": "access_token", "code": "code", "rotate": "kid"}


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a token, a one-time sign-in code, or the id of a new key."""
    parser = argparse.ArgumentParser(prog="python -m localcloud.issuer")
    parser.add_argument("command", choices=list(_PRINTED))
    parser.add_argument("--home", type=Path, required=True, help="home of the local stack")
    parser.add_argument("--audience", default="customrag")
    parser.add_argument("--subject", default="local")
    parser.add_argument("--tenant", default="")
    given = parser.parse_args(arguments)
    form = {"grant_type": "client_credentials"}
    form |= {name: getattr(given, name) for name in ("audience", "subject", "tenant")}
    try:
        answer = _post(load_platform(given.home.resolve()), given.command, form)
    except (HomeError, OSError, ValueError) as error:
        print(f"issuer: {error}", file=sys.stderr)
        return 1
    print(answer[_PRINTED[given.command]])
    return 0


def _post(platform: Platform, command: str, form: Mapping[str, str]) -> dict[str, Any]:
    client = f"{quote(platform.access_key_id, '')}:{quote(platform.access_key_secret, '')}"
    request = urllib.request.Request(  # noqa: S310 - the URL is the stack's own
        f"{platform.endpoints['issuer']}/oauth/{command}",
        data=urlencode(form).encode(),
        headers={"Authorization": f"Basic {base64.b64encode(client.encode()).decode()}"},
    )
    with urllib.request.urlopen(request, timeout=_SECONDS) as response:  # noqa: S310
        document: dict[str, Any] = json.load(response)
    return document


if __name__ == "__main__":
    sys.exit(main())
