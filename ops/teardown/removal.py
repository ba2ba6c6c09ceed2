"""The removal of one stack: consent, jobs stopped, protection lifted, destroyed, leaks looked for.

Owns the order of the steps, which stacks are protected, and what stays on purpose. Protection is
lifted by the program itself: it is run with `deletionProtection` false for the protected resources
alone, as only it knows what each service calls it. Then `pulumi destroy` deletes by the state.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from oss2.exceptions import OssError

from ops.account import account_in
from ops.declared import NAMESPACE, is_pull_request
from ops.engine import Engine, EngineError, tail
from ops.teardown.leaks import PROJECT, Left, leak_check, regions_of
from providers.clients.dlc import DlcClient
from providers.clients.errors import ClientError, ConflictError, NotFoundError

__all__ = ["Refused", "Removal", "StackState", "protection", "remove", "state_of"]

_ALICLOUD = "pulumi:providers:alicloud"
_PROTECTIONS = ("deletionProtection", "deletionProtectionEnabled", "groupDeletionProtection")
_BUCKET = "alicloud:oss/bucket:Bucket"
_HOLDERS = {
    _BUCKET: "bucket",
    "alicloud:kms/key:Key": "key",
    "alicloud:elasticsearch/instance:Instance": "Elasticsearch instance",
}
"""Types that hold data, or without which data cannot be read."""


class Refused(Exception):  # noqa: N818  not an error of the program: what is asked for is denied
    """The stack is protected, and its removal was not named. The message says how to."""


@dataclass(frozen=True, kw_only=True)
class StackState:
    """What a stack's state says of it.

    Attributes:
        resources: All of its resources.
        regions: Where they are.
        environment: `dev`, `prod`, `pr` or `local`, by its tags; empty when nothing has any.
        expires_at: When it should be gone, by its tags; empty for never.
    """

    resources: Sequence[dict[str, Any]] = ()
    regions: tuple[str, ...] = ()
    environment: str = ""
    expires_at: str = ""

    @property
    def made(self) -> list[dict[str, Any]]:
        """The resources that something was made for."""
        return [item for item in self.resources if item.get("custom") and item.get("id")]

    @property
    def retained(self) -> list[dict[str, Any]]:
        """The resources that stay when the stack goes."""
        return [item for item in self.made if item.get("retainOnDelete")]


def _tag(resources: Sequence[dict[str, Any]], key: str) -> str:
    for item in resources:
        tags = (item.get("inputs") or {}).get("tags")
        if isinstance(tags, dict) and tags.get(key):
            return str(tags[key])
    return ""


def state_of(engine: Engine) -> StackState:
    """What a stack's state says.

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
        environment=_tag(resources, "environment"),
        expires_at=_tag(resources, "expires-at"),
    )


def _is_protected(item: dict[str, Any]) -> bool:
    return bool(item.get("protect")) or _service_protects(item)


def _service_protects(item: dict[str, Any]) -> bool:
    """Whether the cloud itself refuses to delete it, as it was declared."""
    inputs = item.get("inputs") or {}
    config = inputs.get("deletionProtectionConfig") or {}
    return config.get("enabled") is True or any(inputs.get(name) is True for name in _PROTECTIONS)


def protection(state: StackState) -> list[str]:
    """Why a stack is protected, a line each; nothing for one that is not."""
    found = ["its environment is prod"] if state.environment == "prod" else []
    names = [str(item["urn"]).rpartition("::")[2] for item in state.made if _is_protected(item)]
    if names:
        shown = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
        found.append(f"{len(names)} of its resources are: {shown}")
    return found


@dataclass
class Removal:
    """A removal, told so far.

    Attributes:
        stack: The stack.
        engine: On that stack.
        consent: The stack's name, if its removal was named.
        home: A rehearsal's home.
        say: Gets a line for each thing that is done.
        left: What is left at the end.
    """

    stack: str
    engine: Engine
    consent: str = ""
    home: Path | None = None
    say: Callable[[str], None] = print
    left: list[Left] = field(default_factory=list)


def _check_consent(removal: Removal, state: StackState) -> None:
    reasons = protection(state)
    if reasons and removal.consent != removal.stack:
        given = f"CONSENT is {removal.consent!r}" if removal.consent else "CONSENT is not given"
        raise Refused(
            f"stack {removal.stack} is protected: {'; '.join(reasons)}. {given}; if its removal is "
            f"meant: make down STACK={removal.stack} CONSENT={removal.stack}"
        )


def _staying(state: StackState) -> list[str]:
    """What stays on purpose: what holds data by name, its settings by their number."""
    holders = [item for item in state.retained if item["type"] in _HOLDERS]
    lines = [f"stays, as declared (retainData): {_HOLDERS[i['type']]} {i['id']}" for i in holders]
    others = len(state.retained) - len(holders)
    return [*lines, f"and {others} settings of theirs stay with them"] if others else lines


def _stop_jobs(removal: Removal, state: StackState) -> None:
    """Stop what still runs: a job holds its dataset's mounts, and is billed."""
    for region_id in state.regions:
        account = account_in(region_id, removal.home)
        client = DlcClient(account.endpoint("dlc"), region_id, account.credentials)
        for job in client.find_jobs("", f"{PROJECT}-{removal.stack}-"):
            if not job.finished:
                with suppress(ConflictError, NotFoundError):
                    client.stop_job(job.job_id)
                removal.say(f"stopped DLC job {job.display_name}, which was {job.status}")


def _to_be_emptied(item: dict[str, Any]) -> bool:
    inputs = item.get("inputs") or {}
    return item["type"] == _BUCKET and not inputs.get("forceDestroy")


def _lift_protection(removal: Removal, state: StackState) -> bool:
    """Let the program lift the services' own protection and allow buckets to be emptied."""
    targets = [
        str(item["urn"])
        for item in state.made
        if not item.get("retainOnDelete") and (_to_be_emptied(item) or _service_protects(item))
    ]
    if any(item.get("protect") for item in state.resources):
        removal.engine.ask("state", "unprotect", "--all", "--yes")
        removal.say("lifted Pulumi's own protection")
    if not targets:
        return True
    arguments = [word for urn in targets for word in ("--target", urn)]
    # Saved in the stack's file by Pulumi, where a later `make up` would find them: so not by -c.
    before = {}
    for key, value in (("tearDown", removal.stack), ("preflight", "false")):
        name = f"{NAMESPACE}{key}"
        before[name] = _config_value(removal.engine, name)
        removal.engine.ask("config", "set", name, value)
    try:
        outcome = removal.engine.run("lift-protection", "up", "--yes", "--skip-preview", *arguments)
    finally:
        for name, value in before.items():
            words = ("set", name, value) if value else ("rm", name)
            removal.engine.ask("config", *words)
    if outcome.code != 0:
        _tell_failure(removal, "lifting the protection", outcome.errors or tail(outcome.log))
        return False
    removal.say(f"lifted the services' protection of {len(targets)} resources")
    return True


def _config_value(engine: Engine, name: str) -> str:
    try:
        return engine.ask("config", "get", name).strip()
    except EngineError:
        return ""


def _tell_failure(removal: Removal, what: str, words: Sequence[str]) -> None:
    removal.say(f"{what} failed; what was done stays, and `make down` goes on from here:")
    for line in words:
        removal.say(f"  {line}")


def remove(removal: Removal) -> int:
    """Remove a stack and look for what is left.

    Returns:
        0 when nothing is left that should be gone.

    Raises:
        Refused: It is protected, and its removal was not named.
        EngineError: There is no such stack, or the engine refused.
        ClientError: A service refused; nothing is proven.
    """
    state = state_of(removal.engine)
    _check_consent(removal, state)
    for line in _staying(state):
        removal.say(line)
    _stop_jobs(removal, state)
    if state.made:
        if not _lift_protection(removal, state):
            return 1
        outcome = removal.engine.run(
            "destroy", "destroy", "--yes", "--skip-preview", "--continue-on-error"
        )
        if outcome.code != 0:
            _tell_failure(removal, "`pulumi destroy`", outcome.errors or tail(outcome.log))
        removal.say(f"deleted {outcome.count('delete')} resources")
        code = outcome.code
    else:
        removal.say("the stack's state holds no resources")
        code = 0
    removal.left = leak_check(
        removal.stack,
        regions=state.regions or regions_of(removal.stack),
        home=removal.home,
        retained=[str(item["id"]) for item in state.retained],
    )
    leaks = any(left.is_leak for left in removal.left)
    # Its state would be the only trace of what is left.
    if code == 0 and not leaks and is_pull_request(removal.stack):
        removal.engine.ask("stack", "rm", "--yes")
        removal.say(f"removed the stack {removal.stack} itself")
    return 1 if code or leaks else 0


FAILURES = (EngineError, ClientError, OssError, OSError)
"""What may keep a removal from being carried out or proven."""
