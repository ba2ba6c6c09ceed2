"""What an update did, from the engine's event log.

Owns reading the log (`--event-log`, one JSON object a line, as the Automation API reads it) into
counts and times. Prints nothing.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

CHANGES = ("create", "update", "replace", "delete")
PHASES = {
    "customrag:oss:Corpus": "upload",
    "customrag:pai:DlcJob": "training",
    "customrag:rag:IngestRun": "ingest",
    "alicloud:elasticsearch/instance:Instance": "search engine",
}
"""Resource types whose time is told by itself."""
_REPLACED = "create-replacement"


@dataclass(frozen=True, kw_only=True)
class Update:
    """One finished update.

    Attributes:
        seconds: How long it took.
        counts: Resources by what happened to them, of CHANGES.
        kinds: Created resources by product, such as `alicloud oss`.
        phases: Seconds by phase, of PHASES, for those that did something.
        config: The configuration it ran with.
    """

    seconds: float = 0.0
    counts: Mapping[str, int] = field(default_factory=dict)
    kinds: Mapping[str, int] = field(default_factory=dict)
    phases: Mapping[str, float] = field(default_factory=dict)
    config: Mapping[str, str] = field(default_factory=dict)

    @property
    def changed(self) -> bool:
        """Whether anything was created, updated, replaced or deleted."""
        return any(self.counts.get(change) for change in CHANGES)


def product(resource_type: str) -> str:
    """The product of a type: `alicloud:oss/bucket:Bucket` is of `alicloud oss`."""
    parts = resource_type.split(":")
    module = parts[1].partition("/")[0] if len(parts) > 1 else ""
    return f"{parts[0]} {module}".strip()


def _is_component(metadata: Mapping[str, Any]) -> bool:
    return not metadata.get("provider") or str(metadata["type"]).startswith("pulumi:")


def parse(lines: Iterable[str]) -> Update:
    """Read an event log; a last line that was cut off is left out."""
    seconds = 0.0
    config: dict[str, str] = {}
    counts: dict[str, int] = {}
    kinds: Counter[str] = Counter()
    began: dict[str, float] = {}
    phases: dict[str, float] = {}
    for line in lines:
        try:
            event = json.loads(line)
        except ValueError:
            continue
        at = float(event.get("timestamp", 0))
        if "preludeEvent" in event:
            config = event["preludeEvent"].get("config") or {}
        elif "summaryEvent" in event:
            seconds = float(event["summaryEvent"].get("durationSeconds", 0))
            counts = event["summaryEvent"].get("resourceChanges") or {}
        elif "resourcePreEvent" in event:
            began.setdefault(event["resourcePreEvent"]["metadata"]["urn"], at)
        elif "resOutputsEvent" in event:
            metadata = event["resOutputsEvent"]["metadata"]
            if metadata["op"] in ("create", _REPLACED) and not _is_component(metadata):
                kinds[product(metadata["type"])] += 1
            phase = PHASES.get(metadata["type"])
            if phase and metadata["op"] in (*CHANGES, _REPLACED) and metadata["urn"] in began:
                phases[phase] = phases.get(phase, 0.0) + at - began[metadata["urn"]]
    return Update(seconds=seconds, counts=counts, kinds=kinds, phases=phases, config=config)


def read(log: Path) -> Update:
    """Read an event log; an update that never began has none, and did nothing."""
    if not log.is_file():
        return Update()
    with log.open(encoding="utf-8") as lines:
        return parse(lines)
