"""`make documents`: what became of each file below `docs/`, with the first words of its text.

Owns the listing. The ingest reports the documents that it saw (``documents.jsonl`` in the bucket
for artifacts), and the corpus' manifest has the files that are not uploaded. Both are read with the
caller's own credentials.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from typing import Any

from ops.account import Account
from ops.terminal import WIDTH, block
from providers.clients.errors import NotFoundError
from providers.clients.oss import OssClient
from rag.outcomes import DOCUMENTS_NAME, DocumentOutcome, LeftOut, Outcome
from rag.terminal import columns, printable, shortened

__all__ = [
    "ONLY",
    "DocumentsError",
    "as_json",
    "check_only",
    "counts",
    "lines",
    "read",
    "selected",
    "with_manifest",
]

ONLY = ("", "problems", *Outcome)
"""Values of `only`: everything, what a person should look at, or one outcome."""
_MARGIN = 15


class DocumentsError(Exception):
    """There is no report to show. The message says what to do."""


def read(account: Account, outputs: Mapping[str, Any]) -> list[DocumentOutcome]:
    """Return what became of each file, sorted by name.

    Args:
        account: The account that the stack is in.
        outputs: The stack's outputs.

    Raises:
        DocumentsError: No ingest has finished, or the report is damaged.
        ClientError: OSS does not answer, or refuses.
    """
    buckets = outputs.get("buckets")
    if not buckets:
        raise DocumentsError("the stack has no output buckets; run `make up`")
    region_id = str(account.platform.get("region_id", account.region_id))
    client = OssClient(account.endpoints["oss"], region_id, account.credentials)
    uri = f"oss://{buckets['artifacts']}/ingest/{DOCUMENTS_NAME}"
    try:
        found = [DocumentOutcome.from_line(line) for line in client.get_bytes(uri).splitlines()]
    except NotFoundError as error:
        raise DocumentsError(
            f"{uri} does not exist yet, because no ingest has finished; run `make up`"
        ) from error
    except ValueError as error:
        raise DocumentsError(f"{uri} is damaged ({error}); run `make up` again") from error
    return with_manifest(found, _manifest(client, str(buckets["corpus"])))


def _manifest(client: OssClient, bucket: str) -> Mapping[str, Any]:
    """Return the corpus' manifest; empty if there is no corpus in the bucket."""
    try:
        manifest: dict[str, Any] = client.get_json(f"oss://{bucket}/corpus/manifest.json")
    except NotFoundError:
        return {}
    return manifest


def with_manifest(
    found: Iterable[DocumentOutcome], manifest: Mapping[str, Any]
) -> list[DocumentOutcome]:
    """Return the outcomes of the files that the corpus has now, and of all that is in the index.

    A file that is left out starts no ingest, so the manifest is newer than the report.
    """
    uploaded = manifest.get("documents", {})
    names = {one.document: one for one in found if one.chunks or one.document in uploaded}
    for name, text in manifest.get("left_out", {}).items():
        names[name] = DocumentOutcome.of_left_out(LeftOut.of(name, text))
    for name in uploaded:
        if name.startswith("docs/") and name not in names:
            names[name] = DocumentOutcome(
                document=name, outcome=Outcome.UNREAD, reason="no ingest has read it yet: make up"
            )
    return [names[name] for name in sorted(names)]


def check_only(only: str) -> None:
    """Refuse a value of `only` that does not exist.

    Raises:
        DocumentsError: It is not one of `ONLY`.
    """
    if only not in ONLY:
        allowed = ", ".join(name for name in map(str, ONLY) if name)
        raise DocumentsError(f"ONLY is {only!r}; use one of {allowed}, or leave it out for all")


def selected(outcomes: Iterable[DocumentOutcome], only: str) -> list[DocumentOutcome]:
    """Return the outcomes that `only` names, see `ONLY`."""
    if only == "problems":
        return [
            one
            for one in outcomes
            if one.outcome in (Outcome.PART, Outcome.UNREAD) or (one.chunks and one.remarks)
        ]
    return [one for one in outcomes if not only or one.outcome == only]


def counts(outcomes: Iterable[DocumentOutcome]) -> str:
    """Return ``41 whole, 2 part, 1 unread, 3 skipped``."""
    found = Counter(one.outcome for one in outcomes)
    return ", ".join(f"{found[outcome]:,} {outcome}" for outcome in Outcome)


def as_json(outcomes: Iterable[DocumentOutcome]) -> str:
    """Return the outcomes as a JSON list."""
    return json.dumps([asdict(one) for one in outcomes], indent=2, ensure_ascii=False)


def lines(outcomes: Iterable[DocumentOutcome]) -> Iterator[str]:
    """Yield the listing, at most 80 columns wide."""
    for one in outcomes:
        chunks = f"{one.chunks:,}" if one.chunks else "-"
        name = printable(one.document)
        yield from _first_line(f"{one.outcome:<8}{chunks:>5}", name)
        for problem in filter(None, (one.reason, *one.missing, *one.remarks)):
            yield from block("", f"! {printable(problem)}", _MARGIN)
        if one.first_words:
            yield " " * _MARGIN + shortened(printable(one.first_words), WIDTH - _MARGIN)


def _first_line(heading: str, name: str) -> Iterator[str]:
    """Yield outcome, chunks and name; a long name is shortened in its middle."""
    room = WIDTH - _MARGIN
    kept = shortened(name, room)
    if kept != name:
        # The end has the file's suffix.
        ending = name[-12:]
        kept = shortened(name, room - columns(ending)) + ending
    yield f"{heading:<{_MARGIN}}{kept}"
