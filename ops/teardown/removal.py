"""The removal of one stack: consent, stop of jobs, end of the protection, destroy, leak check.

Owns the order of the steps, which stacks are protected, and what stays on purpose. The program ends
the protection: it runs with `deletionProtection` false for the protected resources alone, because
only the program knows the name of that property in each service. Then `pulumi destroy` deletes by
the state. The leak check always runs at the end, and only it can say that everything is gone.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ops.account import account_in
from ops.declared import NAMESPACE, ROOT, DeclaredError, is_pull_request
from ops.engine import Engine, EngineError, tail
from ops.teardown.leaks import (
    CHECK_FAILURES,
    Left,
    leak_check,
    regions_of,
    report,
    unfinished_jobs,
)
from providers.clients.dlc import DlcClient
from providers.clients.errors import ConflictError, NotFoundError

__all__ = ["FAILURES", "Refused", "Removal", "StackState", "protection", "remove", "state_of"]

_ALICLOUD = "pulumi:providers:alicloud"
_PROTECTIONS = ("deletionProtection", "deletionProtectionEnabled", "groupDeletionProtection")
_MOST_ERRORS = 12
_BUCKET = "alicloud:oss/bucket:Bucket"
_HOLDERS = {
    _BUCKET: "bucket",
    "alicloud:kms/key:Key": "key",
    "alicloud:elasticsearch/instance:Instance": "Elasticsearch instance",
}
"""Types that hold data, or that are needed to read data."""


class Refused(Exception):  # noqa: N818  the program works; it denies the request
    """The stack is protected, and CONSENT does not name it. The message says what to do."""


@dataclass(frozen=True, kw_only=True)
class StackState:
    """A stack as its state describes it.

    Attributes:
        resources: All of its resources.
        regions: Where they are.
        environments: `dev`, `prod`, `pr` or `local`: all values in its tags, more than one if a tag
            was changed.
        expirations: When it should be gone: all values in its tags, more than one after an update
            that failed.
    """

    resources: Sequence[dict[str, Any]] = ()
    regions: tuple[str, ...] = ()
    environments: frozenset[str] = frozenset()
    expirations: frozenset[str] = frozenset()

    @property
    def made(self) -> list[dict[str, Any]]:
        """The resources that exist outside the state."""
        return [item for item in self.resources if item.get("custom") and item.get("id")]

    @property
    def retained(self) -> list[dict[str, Any]]:
        """The resources that stay when the stack goes."""
        return [item for item in self.made if item.get("retainOnDelete")]


def _tags(resources: Sequence[dict[str, Any]], key: str) -> frozenset[str]:
    tags = [(item.get("inputs") or {}).get("tags") for item in resources]
    return frozenset(str(one[key]) for one in tags if isinstance(one, dict) and one.get(key))


def state_of(engine: Engine) -> StackState:
    """Return a stack as its state describes it.

    Raises:
        EngineError: There is no such stack, or no access to it.
    """
    resources = engine.resources()
    regions = {
        str(item["inputs"]["region"])
        for item in resources
        if item["type"] == _ALICLOUD and (item.get("inputs") or {}).get("region")
    }
    return StackState(
        resources=resources,
        regions=tuple(sorted(regions)),
        environments=_tags(resources, "environment"),
        expirations=_tags(resources, "expires-at"),
    )


def _is_protected(item: dict[str, Any]) -> bool:
    return bool(item.get("protect")) or _service_protects(item)


def _service_protects(item: dict[str, Any]) -> bool:
    """Whether the cloud itself refuses to delete it, by its declared inputs."""
    inputs = item.get("inputs") or {}
    config = inputs.get("deletionProtectionConfig") or {}
    values = (config.get("enabled"), *(inputs.get(name) for name in _PROTECTIONS))
    # Keys of KMS have a text in place of true.
    return any(value is True or value == "Enabled" for value in values)


def protection(state: StackState) -> list[str]:
    """Return the reasons why a stack is protected; none if it is not."""
    found = ["its environment is prod"] if "prod" in state.environments else []
    names = [str(item["urn"]).rpartition("::")[2] for item in state.made if _is_protected(item)]
    if names:
        shown = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
        found.append(f"{len(names)} of its resources are protected: {shown}")
    return found


@dataclass
class Removal:
    """A removal and its result so far.

    Attributes:
        stack: The stack.
        engine: The engine on that stack.
        consent: The stack's name, if the user gave consent.
        home: A rehearsal's home.
        say: Gets a line for each action.
        carried_out: Whether every step before the leak check succeeded.
        left: The result of the leak check at the end.
        unproven: Why the leak check failed or did not run; empty after it ran.
    """

    stack: str
    engine: Engine
    consent: str = ""
    home: Path | None = None
    say: Callable[[str], None] = print
    carried_out: bool = False
    left: list[Left] = field(default_factory=list)
    unproven: str = "it did not run"

    def report(self) -> str:
        """Return the leak check's result for people."""
        if self.unproven:
            return f"leak check: failed, so leaks are possible: {self.unproven}"
        return report(self.left)


def _check_consent(removal: Removal, state: StackState) -> None:
    reasons = protection(state)
    if reasons and removal.consent != removal.stack:
        given = f"CONSENT is {removal.consent!r}" if removal.consent else "CONSENT is not given"
        raise Refused(
            f"stack {removal.stack} is protected: {'; '.join(reasons)}. {given}. To remove "
            f"the stack: make down STACK={removal.stack} CONSENT={removal.stack}"
        )


def _staying(state: StackState) -> list[str]:
    """Return lines for what stays on purpose: each holder of data, and the number of settings."""
    holders = [item for item in state.retained if item["type"] in _HOLDERS]
    lines = [f"stays, because retainData is true: {_HOLDERS[i['type']]} {i['id']}" for i in holders]
    others = len(state.retained) - len(holders)
    return [*lines, f"{others} settings of these resources stay as well"] if others else lines


def _regions(removal: Removal, state: StackState) -> list[str]:
    """Return the regions in the state and in the file: half a removal empties the state."""
    declared: list[str] = []
    # The file may be in another checkout, as for a pull request's stack that the sweeper removes.
    with suppress(DeclaredError, KeyError):
        declared = regions_of(removal.stack)
    return list(dict.fromkeys([*state.regions, *declared]))


def _stop_jobs(removal: Removal, regions: Sequence[str]) -> None:
    """Stop running jobs, which hold the mounts of their datasets and are billed."""
    for region_id in regions:
        account = account_in(region_id, removal.home)
        client = DlcClient(account.endpoints["dlc"], region_id, account.credentials)
        for job in unfinished_jobs(client, removal.stack):
            with suppress(ConflictError, NotFoundError):
                client.stop_job(job.job_id)
            removal.say(f"stopped DLC job {job.display_name}, which was {job.status}")


def _to_be_emptied(item: dict[str, Any]) -> bool:
    inputs = item.get("inputs") or {}
    return item["type"] == _BUCKET and not inputs.get("forceDestroy")


def _lift_protection(removal: Removal, state: StackState) -> bool:
    """Let the program end the services' protection and allow buckets to be emptied."""
    targets = [
        str(item["urn"])
        for item in state.made
        if not item.get("retainOnDelete") and (_to_be_emptied(item) or _service_protects(item))
    ]
    if any(item.get("protect") for item in state.resources):
        removal.engine.ask("state", "unprotect", "--all", "--yes")
        removal.say("ended Pulumi's own protection")
    if not targets:
        return True
    arguments = [word for urn in targets for word in ("--target", urn)]
    with _copied_values(removal) as path:
        values = ("--config-file", str(path), "-c", f"{NAMESPACE}tearDown={removal.stack}")
        outcome = removal.engine.run(
            "lift-protection", "up", "--yes", "--skip-preview", *values, *arguments
        )
    if outcome.code != 0:
        _report_failure(removal, "ending the protection", outcome.errors or tail(outcome.log))
        return False
    removal.say(f"ended the services' protection of {len(targets)} resources")
    return True


@contextmanager
def _copied_values(removal: Removal) -> Iterator[Path]:
    """Provide a copy of the stack's file, because Pulumi saves the values that `-c` gives.

    A removal that is killed must not leave a value in the file, because the next update would end
    the protection of the stack.
    """
    declared = ROOT / "stacks" / f"Pulumi.{removal.stack}.yaml"
    removal.engine.logs.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=removal.engine.logs) as folder:
        copy = Path(folder) / declared.name
        if declared.is_file():
            copy.write_bytes(declared.read_bytes())
        yield copy


def _report_failure(removal: Removal, what: str, words: Sequence[str]) -> None:
    removal.say(f"{what} failed; `make down` continues from here. The reason:")
    lines = list(dict.fromkeys(words))
    for line in lines[:_MOST_ERRORS]:
        removal.say(f"  {line}")
    if len(lines) > _MOST_ERRORS:
        removal.say(f"  and {len(lines) - _MOST_ERRORS} more, in {removal.engine.logs}")


def _empty(removal: Removal, state: StackState, regions: Sequence[str]) -> bool:
    """Delete everything in the state; return whether all of it is gone."""
    well = True
    try:
        _stop_jobs(removal, regions)
    except CHECK_FAILURES as error:
        # Other billed resources are deleted all the same.
        _report_failure(removal, "stopping jobs", [str(error)])
        well = False
    if not state.made:
        removal.say("the stack's state holds no resources")
        return well
    if not _lift_protection(removal, state):
        return False
    outcome = removal.engine.run(
        "destroy", "destroy", "--yes", "--skip-preview", "--continue-on-error"
    )
    if outcome.code != 0:
        _report_failure(removal, "`pulumi destroy`", outcome.errors or tail(outcome.log))
    kept = {(item["type"], str(item["urn"]).rpartition("::")[2]) for item in state.retained}
    # The engine also calls it a deletion when it only drops a resource from the state.
    deleted = sum(
        change.operation == "delete" and (change.type, change.name) not in kept
        for change in outcome.changes
    )
    removal.say(f"deleted {deleted} resources" + (f", kept {len(kept)}" if kept else ""))
    return well and outcome.code == 0


def remove(removal: Removal) -> int:
    """Remove a stack and check what is left.

    Returns:
        0 if every step succeeded and nothing is left that should be gone.

    Raises:
        Refused: It is protected, and the consent does not name it.
        EngineError: There is no such stack, or no access to it.
    """
    state = state_of(removal.engine)
    _check_consent(removal, state)
    for line in _staying(state):
        removal.say(line)
    regions = _regions(removal, state)
    try:
        removal.carried_out = _empty(removal, state, regions)
    except (EngineError, OSError) as error:
        _report_failure(removal, "the removal", [str(error)])
    try:
        removal.left = leak_check(
            removal.stack,
            regions=regions,
            home=removal.home,
            retained=[str(item["id"]) for item in state.retained],
        )
        removal.unproven = ""
    except (DeclaredError, *CHECK_FAILURES) as error:
        removal.unproven = str(error) or type(error).__name__
    leaks = any(left.is_leak for left in removal.left)
    if not removal.carried_out or removal.unproven or leaks:
        return 1
    # Until here its state was the only record of its resources.
    if is_pull_request(removal.stack):
        removal.engine.ask("stack", "rm", "--yes")
        removal.say(f"removed the stack {removal.stack} itself")
    return 0


FAILURES = (EngineError, DeclaredError, *CHECK_FAILURES)
"""Errors that stop a removal or its leak check."""
