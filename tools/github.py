"""Messages of workflows on GitHub: a comment on a pull request, a report as an issue, a release.

Owns finding the job's own comment or issue again, by the marker in its first line and by its
author, so that there is only one and no other user's is changed. Does not own the texts. API:
https://docs.github.com/en/rest (2022-11-28), read 2026-11-21. Environment: GITHUB_TOKEN,
GITHUB_REPOSITORY, GITHUB_API_URL.

    python -m tools.github comments --folder DIR --stacks "dev prod" --commit SHA --pull-request 7
    python -m tools.github report --file FILE --title TITLE [--close]
    python -m tools.github release --file FILE --version 0.2.0
"""

from __future__ import annotations

import argparse
import json
import os
import re
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
_PREVIEW = re.compile(r"<!-- customrag-preview: ([\w-]+) -->")
# The author of everything that a job's token writes; no person can have this name.
_AUTHOR = "github-actions[bot]"
# GitHub's limit for a comment or an issue, in characters.
LONGEST = 65_536


@dataclass(frozen=True, kw_only=True)
class Repository:
    """One repository on GitHub.

    Attributes:
        name: `owner/name`.
        url: The API's URL.
        token: The job's token.
    """

    name: str
    url: str
    token: str = field(repr=False)

    @classmethod
    def of_job(cls, environment: Mapping[str, str]) -> Repository:
        """Return the repository of the job that has this environment.

        Raises:
            ToolError: It is not the environment of a job.
        """
        missing = [n for n in ("GITHUB_TOKEN", "GITHUB_REPOSITORY") if not environment.get(n)]
        if missing:
            raise ToolError(
                f"{' and '.join(missing)} is not set. Run this in a job of GitHub Actions, with "
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
            ToolError: The API refused, or cannot be reached.
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
                f"GitHub refused {method} {path} (HTTP {error.code}): {words}; check "
                "the job's `permissions:`"
            ) from error
        except OSError as error:
            raise ToolError(f"GitHub did not answer {method} {path}: {error}") from error

    def pages(self, path: str) -> Iterator[dict[str, Any]]:
        """Yield every entry of a list."""
        joint = "&" if "?" in path else "?"
        for page in range(1, _MOST_PAGES + 1):
            entries = self.ask("GET", f"{path}{joint}per_page={_PAGE}&page={page}")
            yield from entries
            if len(entries) < _PAGE:
                return


def marker_of(text: str) -> str:
    """Return the marker, which is a text's first line.

    Raises:
        ToolError: The first line is not a marker.
    """
    first = text.partition("\n")[0].strip()
    if not (first.startswith(_MARK) and first.endswith("-->")):
        raise ToolError(f"the first line is {first!r}; it must be a marker, such as <!-- name -->")
    return first


def _is_own(entry: Mapping[str, Any]) -> bool:
    """Whether a job wrote it, because any user may write a text with a marker."""
    return (entry.get("user") or {}).get("login") == _AUTHOR


def _own(entries: Iterator[dict[str, Any]], marker: str) -> dict[str, Any] | None:
    marked = (e for e in entries if _is_own(e) and (e.get("body") or "").startswith(marker))
    return next(marked, None)


def fitting(text: str) -> str:
    """Return a text that is short enough for GitHub, with a note where it was cut."""
    if len(text) <= LONGEST:
        return text
    end = "\n\n… and more in the job's log.\n"
    return text[: LONGEST - len(end)].rpartition("\n")[0] + end


def comments(
    repository: Repository, number: int, texts: Sequence[str], *, stacks: Sequence[str], commit: str
) -> list[str]:
    """Keep a pull request's previews up to date, one comment for each stack; return the actions.

    A stack that has a comment and no new preview gets a note, because the old preview would look
    like that of this commit.

    Args:
        repository: The repository.
        number: The number of the pull request.
        texts: The previews, each with its marker.
        stacks: All stacks that the change touches.
        commit: The newest commit of the pull request.

    Raises:
        ToolError: A text is not a preview, or GitHub refused.
    """
    wanted = {marker_of(text): fitting(text) for text in texts}
    strange = [marker for marker in wanted if not _PREVIEW.fullmatch(marker)]
    if strange:
        raise ToolError(
            f"{strange[0]!r} is not the marker of a preview; write the text with "
            "`make preview-comment`"
        )
    there = {}
    for entry in repository.pages(f"/issues/{number}/comments"):
        found = _PREVIEW.match(entry.get("body") or "") if _is_own(entry) else None
        if found is not None:
            there[found[0]] = entry
            wanted.setdefault(found[0], _without_preview(found[0], found[1], stacks, commit))
    for stack in stacks:
        marker = f"<!-- customrag-preview: {stack} -->"
        wanted.setdefault(marker, _without_preview(marker, stack, stacks, commit))
    return [_keep(repository, number, text, there.get(marker)) for marker, text in wanted.items()]


def _without_preview(marker: str, stack: str, stacks: Sequence[str], commit: str) -> str:
    if stack in stacks:
        said = f"none\n\nThe preview of {commit} failed: see the log of the job `preview`."
    else:
        said = f"nothing changes\n\nAt {commit}, it declares the same as the base."
    return f"{marker}\n### Preview of `{stack}`: {said}\n"


def _keep(repository: Repository, number: int, text: str, there: Mapping[str, Any] | None) -> str:
    name = marker_of(text).removeprefix(_MARK).removesuffix(" -->")
    if there is None:
        repository.ask("POST", f"/issues/{number}/comments", {"body": text})
        return f"{name}: commented"
    if there["body"] == text:
        return f"{name}: the comment is up to date"
    repository.ask("PATCH", f"/issues/comments/{there['id']}", {"body": text})
    return f"{name}: updated the comment"


def report(repository: Repository, title: str, text: str, *, close: bool) -> str:
    """Keep one open issue up to date, or close it if there is nothing left to report."""
    text = fitting(text)
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
    """Publish the notes of a version's tag, or update the published notes."""
    tag = f"v{version}"
    body = {"tag_name": tag, "name": tag, "body": notes, "prerelease": "-" in version}
    there = next((r for r in repository.pages("/releases") if r["tag_name"] == tag), None)
    if there is None:
        repository.ask("POST", "/releases", body)
        return f"published {tag}"
    repository.ask("PATCH", f"/releases/{quote(str(there['id']))}", body)
    return f"updated {tag}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Write one message and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tools.github")
    commands = parser.add_subparsers(dest="what", required=True)
    command = commands.add_parser("comments")
    command.add_argument("--folder", type=Path, required=True, help="folder with */comment.md")
    command.add_argument("--pull-request", type=int, required=True)
    command.add_argument("--stacks", default="", help="all stacks that the change touches")
    command.add_argument("--commit", default="this commit")
    command = commands.add_parser("report")
    command.add_argument("--file", type=Path, required=True)
    command.add_argument("--title", required=True)
    command.add_argument("--close", action="store_true")
    command = commands.add_parser("release")
    command.add_argument("--file", type=Path, required=True)
    command.add_argument("--version", required=True)
    options = parser.parse_args(arguments)
    try:
        repository = Repository.of_job(os.environ)
        actions = _write(repository, options)
    except (ToolError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    print("\n".join(actions))
    return 0


def _write(repository: Repository, options: argparse.Namespace) -> list[str]:
    if options.what == "comments":
        return comments(
            repository,
            options.pull_request,
            [path.read_text("utf-8") for path in sorted(options.folder.glob("*/comment.md"))],
            stacks=options.stacks.split(),
            commit=options.commit,
        )
    text = options.file.read_text(encoding="utf-8")
    if options.what == "report":
        return [report(repository, options.title, text, close=options.close)]
    return [release(repository, options.version, text)]


if __name__ == "__main__":
    sys.exit(main())
