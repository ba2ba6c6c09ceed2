"""The leak check: what a removed stack has left in the account.

Owns where to look: the Tag service for all resources with the stack's tags, the services' own lists
for resources without tags (DLC jobs, PAI workspaces), buckets by name as well, and on the local
cloud every resource of any stack. It removes nothing.

What it cannot see in the cloud: contact groups of CloudMonitor, parts that are deleted with their
resource (listeners, rules, entries of lists), and the content of an existing cluster or PAI
workspace (indices, models, datasets). Resources that are planned for deletion (keys of KMS, secrets
with a recovery window) are listed and are not leaks. Resources that stay on purpose are not leaks
either: a tag marks them, because the state of a removed stack no longer knows them.

    python -m ops.teardown.leaks --stack dev [--region ID] [--json]
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import httpx
import oss2
from oss2.exceptions import OssError

from components.naming import Naming
from components.tags import RETAINED
from ops.account import Account, account_in
from ops.declared import NAMESPACE, DeclaredError, declared_values, with_defaults
from providers.clients.dlc import DlcClient, Job
from providers.clients.errors import ClientError, NotFoundError

__all__ = [
    "CHECK_FAILURES",
    "PROJECT",
    "Left",
    "is_bucket_of",
    "is_job_of",
    "leak_check",
    "main",
    "planned_deletion",
    "regions_of",
    "report",
    "tagged",
    "unfinished_jobs",
]

PROJECT = "customrag"
_TAG_VERSION, _KMS_VERSION, _AIWORKSPACE_VERSION = "2018-08-28", "2016-01-20", "2021-02-04"
_PAGE = 1000
# What follows the stack in a name: one word and a digest. A longer name belongs to another stack
# whose name begins with this one's: `customrag-dev-berlin-embedding-…` does not belong to `dev`.
_JOB = re.compile(r"[a-z]+-[0-9a-f]{12}(-\d+)?")
_BUCKET = re.compile(r"[a-z]+(-replica)?-[0-9a-f]{6}")

CHECK_FAILURES = (ClientError, OssError, OSError, httpx.HTTPError, LookupError, ValueError)
"""Errors that stop the check; the last two mean that a reply has an unexpected form."""


@dataclass(frozen=True, kw_only=True)
class Left:
    """A resource that still exists.

    Attributes:
        what: Its ARN, or its kind and id.
        how: How it was found.
        planned: When the cloud will delete it by itself; empty if it will not.
        retained: Whether it stays on purpose.
    """

    what: str
    how: str
    planned: str = ""
    retained: bool = False

    @property
    def is_leak(self) -> bool:
        """Whether it should have been deleted."""
        return not (self.planned or self.retained)

    def __str__(self) -> str:
        if self.planned:
            return f"{self.what} ({self.how}; deleted by itself on {self.planned})"
        return f"{self.what} ({self.how}{'; retained, as declared' if self.retained else ''})"


def regions_of(stack: str) -> list[str]:
    """Return the regions in a stack's file.

    Raises:
        DeclaredError: The stack has no file.
    """
    values = with_defaults(declared_values(stack))
    found = [values[f"{NAMESPACE}regionId"], values.get(f"{NAMESPACE}replicationRegionId", "")]
    return [region for region in found if region]


def tagged(account: Account, tags: Mapping[str, str]) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield ARN and tags of everything in a region that has some tags, by the Tag service.

    Raises:
        ClientError: The Tag service refused or did not answer.
    """
    client, token = account.client("tag"), ""
    while True:
        answer = client.rpc(
            "ListTagResources",
            _TAG_VERSION,
            {
                "RegionId": account.region_id,
                "Tags": json.dumps(dict(tags)),
                "Category": "Custom",
                "PageSize": _PAGE,
                **({"NextToken": token} if token else {}),
            },
        )
        for entry in answer.get("TagResources") or []:
            found = {str(tag["Key"]): str(tag["Value"]) for tag in entry.get("Tags") or []}
            yield str(entry["ResourceARN"]), found
        token = str(answer.get("NextToken") or "")
        if not token:
            return


def _tagged(account: Account, stack: str) -> Iterator[Left]:
    for arn, _ in tagged(account, _tags_of(stack)):
        yield Left(what=arn, how="by its tags", planned=planned_deletion(account, arn))


def _tags_of(stack: str) -> dict[str, str]:
    return {"project": PROJECT, "stack": stack}


def _kept(account: Account, stack: str) -> set[str]:
    """Return the ids and names of resources that stay on purpose, by their tag."""
    found = tagged(account, {**_tags_of(stack), RETAINED: "true"})
    return {arn.rpartition("/")[2] for arn, _ in found}


def planned_deletion(account: Account, arn: str) -> str:
    """Return when KMS will delete a key or a secret by itself; empty if it will not.

    Raises:
        ClientError: KMS refused or did not answer.
    """
    product, identity = arn.split(":")[2], arn.rpartition("/")[2]
    kms = account.client("kms")
    try:
        if product == "kms" and ":secret/" in arn:
            secret = kms.rpc("DescribeSecret", _KMS_VERSION, {"SecretName": identity})
            return str(secret.get("PlannedDeleteTime") or "")
        if product == "kms" and ":key/" in arn:
            answer = kms.rpc("DescribeKey", _KMS_VERSION, {"KeyId": identity})
            return str((answer.get("KeyMetadata") or {}).get("DeleteDate") or "")
    except NotFoundError:
        pass
    return ""


def is_job_of(stack: str, display_name: str) -> bool:
    """Whether a DLC job belongs to a stack; a job of `dev-berlin` is not one of `dev`. Pure."""
    prefix = f"{PROJECT}-{stack}-"
    return display_name.startswith(prefix) and bool(_JOB.fullmatch(display_name, len(prefix)))


def is_bucket_of(stack: str, name: str) -> bool:
    """Whether an OSS bucket belongs to a stack; one of `dev-berlin` is not one of `dev`. Pure."""
    prefix = f"{PROJECT}-{stack}-"
    return name.startswith(prefix) and bool(_BUCKET.fullmatch(name, len(prefix)))


def unfinished_jobs(client: DlcClient, stack: str) -> list[Job]:
    """Return the DLC jobs of a stack that have not ended.

    Raises:
        ClientError: DLC refused or did not answer.
    """
    found = client.find_jobs("", f"{PROJECT}-{stack}-")
    return [job for job in found if not job.finished and is_job_of(stack, job.display_name)]


def _jobs(account: Account, stack: str) -> Iterator[Left]:
    client = DlcClient(account.endpoints["dlc"], account.region_id, account.credentials)
    for job in unfinished_jobs(client, stack):
        yield Left(what=f"DLC job {job.job_id} {job.display_name}", how=f"it is {job.status}")


def _workspaces(account: Account, stack: str) -> Iterator[Left]:
    name = Naming(project=PROJECT, stack=stack, account_id="").workspace()
    answer = account.client("aiworkspace").roa(
        "ListWorkspaces",
        _AIWORKSPACE_VERSION,
        "GET",
        "/api/v1/workspaces",
        query={"WorkspaceName": name},
    )
    for entry in answer.get("Workspaces") or []:
        if entry.get("WorkspaceName") == name:
            yield Left(what=f"PAI workspace {entry.get('WorkspaceId')} {name}", how="by its name")


def _buckets(account: Account, stack: str) -> Iterator[Left]:
    auth = oss2.ProviderAuthV4(account.credentials)
    service = oss2.Service(auth, account.endpoints["oss"], region=account.region_id)
    for bucket in oss2.BucketIterator(service, prefix=f"{PROJECT}-{stack}-"):
        if not is_bucket_of(stack, bucket.name):
            continue
        yield Left(what=f"OSS bucket {bucket.name}", how="by its name")


def _everything(account: Account, stack: str) -> Iterator[Left]:
    """Yield every resource of the local cloud, because only the rehearsal uses it."""
    if account.platform:
        for entry in account.local_resources():
            yield Left(what=f"{entry['type']} {entry['id']}", how="in the local cloud's records")


_CHECKS: tuple[Callable[[Account, str], Iterator[Left]], ...] = (
    _tagged,
    _jobs,
    _workspaces,
    _buckets,
    _everything,
)


def leak_check(
    stack: str,
    *,
    regions: Sequence[str] = (),
    home: Path | None = None,
    retained: Iterable[str] = (),
) -> list[Left]:
    """Return what is left of a stack.

    Args:
        stack: The stack.
        regions: Where to look; by default the regions in its file.
        home: A rehearsal's home.
        retained: Ids and names of resources that stay on purpose, besides those with the tag.

    Raises:
        DeclaredError: No regions are given, and the stack has no file.
        CHECK_FAILURES: A service refused or did not answer, so the check proves nothing.
    """
    kept = set(retained)
    found: dict[str, Left] = {}
    for region_id in regions or regions_of(stack):
        account = account_in(region_id, home)
        kept |= _kept(account, stack)
        for check in _CHECKS:
            found |= {left.what: left for left in check(account, stack) if left.what not in found}
    return [replace(left, retained=_is_one_of(left.what, kept)) for left in found.values()]


def _is_one_of(what: str, names: Iterable[str]) -> bool:
    return any(what.endswith((f"/{name}", f" {name}")) for name in names)


def report(found: Sequence[Left]) -> str:
    """Return the check's result for people; leaks first."""
    leaks = [left for left in found if left.is_leak]
    lines = [f"leak      {left}" for left in leaks]
    lines += [f"stays     {left}" for left in found if not left.is_leak]
    lines.append(
        f"leak check: {len(leaks)} left that should be gone; see docs/how-to/tear-down.md"
        if leaks
        else "leak check: nothing is left that should be gone"
    )
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """List what is left of a stack; return 1 if there is a leak, 2 if the check failed."""
    parser = argparse.ArgumentParser(prog="python -m ops.teardown.leaks")
    parser.add_argument("--stack", required=True)
    parser.add_argument("--region", action="append", default=[], help="a region to look in")
    parser.add_argument("--json", action="store_true", help="for machines")
    options = parser.parse_args(arguments)
    try:
        found = leak_check(options.stack, regions=options.region)
    except (DeclaredError, *CHECK_FAILURES) as error:
        print(f"the leak check failed, so leaks are possible: {error}", file=sys.stderr)
        return 2
    print(json.dumps([asdict(left) for left in found], indent=2) if options.json else report(found))
    return 1 if any(left.is_leak for left in found) else 0


if __name__ == "__main__":
    sys.exit(main())
