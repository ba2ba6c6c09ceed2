"""What workflows tell on GitHub: a comment kept up to date, a report as an issue, a release.

Owns finding one's own comment or issue again, by the marker in its first line, so that there is one
and not many. Does not own what is said. API: https://docs.github.com/en/rest (2022-11-28), read
2026-11-21. Environment: GITHUB_TOKEN, GITHUB_REPOSITORY, GITHUB_API_URL.

    python -m tools.github comment --file FILE --pull-request 7
    python -m tools.github report --file FILE --title TITLE [--close]
    python -m tools.github release --file FILE --version 0.2.0
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tools.errors import ToolError

_SECONDS = 30
_PAGE = 100
_MOST_PAGES = 30
_MARK = "<!-- "


@dataclass(frozen=True, kw_only=True)
class Repository:
    """One repository on GitHub.

    Attributes:
        name: `owner/name`.
        url: The API's.
        token: Of the job.
    """

    name: str
    url: str
    token: str = field(repr=False)

    @classmethod
    def of_job(cls, environment: Mapping[str, str]) -> Repository:
        """That of the job whose environment this is.

        Raises:
            ToolError: It is no job's.
        """
        missing = [n for n in ("GITHUB_TOKEN", "GITHUB_REPOSITORY") if not environment.get(n)]
        if missing:
            raise ToolError(
                f"{' and '.join(missing)} not set: this runs in a job of GitHub Actions, with "
                "`env: GITHUB_TOKEN: ${{ github.token }}`"
            )
        return cls(
            name=environment["GITHUB_REPOSITORY"],
            url=environment.get("GITHUB_API_URL") or "https://api.github.com",
            token=environment["GITHUB_TOKEN"],
        )

    def ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """Call the API on this repository.

        Raises:
            ToolError: It refused, or could not be reached.
        """
        request = urllib.request.Request(  # noqa: S310  the API's address is the job's own
            f"{self.url}/repos/{self.name}{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={
                "Accept": "application/vnd.github+json",
                "Authorization": f"Bearer {self.token}",
                "Content-Type": "application/json",
                "X-GitHub-Api-Version": "2022-11-28",
            },
        )
        try:
            with urllib.request.urlopen(request, timeout=_SECONDS) as answer:  # noqa: S310  see above
                return json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as error:
            with error:
                words = error.read().decode(errors="replace")[:500]
            raise ToolError(
                f"GitHub refused {method} {path} (HTTP {error.code}): {words}; the job's "
                "`permissions:` must allow it"
            ) from error
        except OSError as error:
            raise ToolError(f"GitHub did not answer {method} {path}: {error}") from error

    def pages(self, path: str) -> Iterator[dict[str, Any]]:
        """Every entry of a list."""
        joint = "&" if "?" in path else "?"
        for page in range(1, _MOST_PAGES + 1):
            entries = self.ask("GET", f"{path}{joint}per_page={_PAGE}&page={page}")
            yield from entries
            if len(entries) < _PAGE:
                return


def marker_of(text: str) -> str:
    """The marker, which is a text's first line.

    Raises:
        ToolError: It has none.
    """
    first = text.partition("\n")[0].strip()
    if not (first.startswith(_MARK) and first.endswith("-->")):
        raise ToolError(f"the first line is {first!r}; it has to be a marker, as <!-- name -->")
    return first


def _own(entries: Iterator[dict[str, Any]], marker: str) -> dict[str, Any] | None:
    return next((e for e in entries if (e.get("body") or "").startswith(marker)), None)


def comment(repository: Repository, number: int, text: str) -> str:
    """Keep one comment of a pull request up to date; what was done."""
    marker = marker_of(text)
    there = _own(repository.pages(f"/issues/{number}/comments"), marker)
    if there is None:
        repository.ask("POST", f"/issues/{number}/comments", {"body": text})
        return "commented"
    if there["body"] == text:
        return "the comment says so already"
    repository.ask("PATCH", f"/issues/comments/{there['id']}", {"body": text})
    return "updated the comment"


def report(repository: Repository, title: str, text: str, *, close: bool) -> str:
    """Keep one open issue up to date, or close it as there is nothing to report any more."""
    marker = marker_of(text)
    there = _own(repository.pages("/issues?state=open"), marker)
    if close:
        if there is None:
            return "nothing to report"
        repository.ask("PATCH", f"/issues/{there['number']}", {"body": text, "state": "closed"})
        return f"closed issue {there['number']}"
    if there is None:
        made = repository.ask("POST", "/issues", {"title": title, "body": text})
        return f"opened issue {made['number']}"
    repository.ask("PATCH", f"/issues/{there['number']}", {"title": title, "body": text})
    return f"updated issue {there['number']}"


def release(repository: Repository, version: str, notes: str) -> str:
    """Publish the notes of a version's tag; one that is published is brought up to date."""
    tag = f"v{version}"
    body = {"tag_name": tag, "name": tag, "body": notes, "prerelease": "-" in version}
    there = next((r for r in repository.pages("/releases") if r["tag_name"] == tag), None)
    if there is None:
        repository.ask("POST", "/releases", body)
        return f"published {tag}"
    repository.ask("PATCH", f"/releases/{quote(str(there['id']))}", body)
    return f"updated {tag}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Tell one thing; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tools.github")
    parser.add_argument("what", choices=("comment", "report", "release"))
    parser.add_argument("--file", type=Path, required=True)
    parser.add_argument("--pull-request", type=int, default=0)
    parser.add_argument("--title", default="")
    parser.add_argument("--version", default="")
    parser.add_argument("--close", action="store_true")
    options = parser.parse_args(arguments)
    try:
        repository = Repository.of_job(os.environ)
        text = options.file.read_text(encoding="utf-8")
        if options.what == "comment":
            said = comment(repository, options.pull_request, text)
        elif options.what == "report":
            said = report(repository, options.title, text, close=options.close)
        else:
            said = release(repository, options.version, text)
    except (ToolError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    print(said)
    return 0


if __name__ == "__main__":
    sys.exit(main())
