"""The leak check: what is left in the account of a stack that should be gone.

Owns where is looked: the Tag service for all that carries the stack's tags, the services' own
lists for what cannot carry any (DLC jobs, PAI workspaces), buckets by name as well, and on the
local cloud everything that any stack has declared. It removes nothing.

What it cannot see in the cloud: contact groups of CloudMonitor, and parts of resources that go with
them (listeners, rules, entries of lists). What is planned for deletion (secrets of KMS with a
window of recovery) is told, and is no leak.

    python -m ops.teardown.leaks --stack dev [--region ID] [--json]
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import oss2
from oss2.exceptions import OssError

from components.naming import Naming
from ops.account import Account, account_in
from ops.declared import NAMESPACE, DeclaredError, declared_values, with_defaults
from providers.clients.dlc import DlcClient
from providers.clients.errors import ClientError, NotFoundError

__all__ = ["PROJECT", "Left", "leak_check", "main", "regions_of"]

PROJECT = "customrag"
_TAG_VERSION, _KMS_VERSION, _AIWORKSPACE_VERSION = "2018-08-28", "2016-01-20", "2021-02-04"
_PAGE = 1000


@dataclass(frozen=True, kw_only=True)
class Left:
    """Something that is still there.

    Attributes:
        what: Its ARN, or its kind and id.
        how: How it was found.
        planned: When the cloud will delete it by itself; empty for a leak.
        retained: Whether it was to stay.
    """

    what: str
    how: str
    planned: str = ""
    retained: bool = False

    @property
    def is_leak(self) -> bool:
        """Whether it should be gone."""
        return not (self.planned or self.retained)

    def __str__(self) -> str:
        if self.planned:
            return f"{self.what} ({self.how}; deleted by itself on {self.planned})"
        return f"{self.what} ({self.how}{'; retained, as declared' if self.retained else ''})"


def regions_of(stack: str) -> list[str]:
    """The regions that a stack's file names.

    Raises:
        DeclaredError: It has none.
    """
    values = with_defaults(declared_values(stack))
    found = [values[f"{NAMESPACE}regionId"], values.get(f"{NAMESPACE}replicationRegionId", "")]
    return [region for region in found if region]


def _tagged(account: Account, stack: str) -> Iterator[Left]:
    client, token = account.client("tag"), ""
    wanted = json.dumps({"project": PROJECT, "stack": stack})
    while True:
        page = {"NextToken": token} if token else {}
        answer = client.rpc(
            "ListTagResources",
            _TAG_VERSION,
            {
                "RegionId": account.region_id,
                "Tags": wanted,
                "Category": "Custom",
                "PageSize": _PAGE,
                **page,
            },
        )
        for entry in answer.get("TagResources") or []:
            arn = str(entry["ResourceARN"])
            yield Left(what=arn, how="by its tags", planned=_planned(account, arn))
        token = str(answer.get("NextToken") or "")
        if not token:
            return


def _planned(account: Account, arn: str) -> str:
    """When KMS will delete a secret by itself; one with a window of recovery stays till then."""
    product, identity = arn.split(":")[2], arn.rpartition("/")[2]
    if product != "kms" or ":secret/" not in arn:
        return ""
    try:
        answer = account.client("kms").rpc("DescribeSecret", _KMS_VERSION, {"SecretName": identity})
    except NotFoundError:
        return ""
    return str(answer.get("PlannedDeleteTime") or "")


def _jobs(account: Account, stack: str) -> Iterator[Left]:
    client = DlcClient(account.endpoint("dlc"), account.region_id, account.credentials)
    for job in client.find_jobs("", f"{PROJECT}-{stack}-"):
        if not job.finished:
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
    service = oss2.Service(auth, account.endpoint("oss"), region=account.region_id)
    for bucket in oss2.BucketIterator(service, prefix=f"{PROJECT}-{stack}-"):
        yield Left(what=f"OSS bucket {bucket.name}", how="by its name")


def _everything(account: Account, stack: str) -> Iterator[Left]:
    """On the local cloud nothing at all may be left: it is the rehearsal's own."""
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
    """What is left of a stack.

    Args:
        stack: The stack.
        regions: Where to look; what its file names by default.
        home: A rehearsal's home.
        retained: Ids and names of what was to stay.

    Raises:
        DeclaredError: No regions are given, and the stack has no file.
        ClientError: A service refused or did not answer: then nothing is proven.
        OssError: OSS did.
    """
    kept = set(retained)
    found: dict[str, Left] = {}
    for region_id in regions or regions_of(stack):
        account = account_in(region_id, home)
        for check in _CHECKS:
            for left in check(account, stack):
                stays = any(left.what.endswith((f"/{one}", f" {one}")) for one in kept)
                found.setdefault(left.what, Left(**{**asdict(left), "retained": stays}))
    return list(found.values())


def report(found: Sequence[Left]) -> str:
    """The check's result for people; leaks first."""
    leaks = [left for left in found if left.is_leak]
    lines = [f"leak      {left}" for left in leaks]
    lines += [f"stays     {left}" for left in found if not left.is_leak]
    lines.append(
        f"leak check: {len(leaks)} left that should be gone"
        if leaks
        else "leak check: nothing is left that should be gone"
    )
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """List what is left of a stack; 1 if anything should be gone, 2 if nobody can say."""
    parser = argparse.ArgumentParser(prog="python -m ops.teardown.leaks")
    parser.add_argument("--stack", required=True)
    parser.add_argument("--region", action="append", default=[], help="where to look")
    parser.add_argument("--json", action="store_true", help="for machines")
    options = parser.parse_args(arguments)
    try:
        found = leak_check(options.stack, regions=options.region)
    except (DeclaredError, ClientError, OssError, OSError) as error:
        print(f"the leak check could not be made, so nothing is proven: {error}", file=sys.stderr)
        return 2
    print(json.dumps([asdict(left) for left in found], indent=2) if options.json else report(found))
    return 1 if any(left.is_leak for left in found) else 0


if __name__ == "__main__":
    sys.exit(main())
