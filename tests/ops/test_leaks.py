"""The leak check against a local cloud, in good times and bad.

It cannot prove what the cloud's Tag service lists, nor how long a deleted resource is still listed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import oss2
import pytest

from components.naming import Naming
from components.storage import BucketRole
from localcloud.faults import Faults
from ops.account import account_in
from ops.teardown import leaks
from ops.teardown.leaks import CHECK_FAILURES, is_bucket_of, is_job_of, leak_check
from ops.teardown.sweep import orphans
from providers.clients.retries import Retries
from providers.jobs import attempt_name, job_name
from tests.localcloud.running import LocalStack, running_stack

REGION = "cn-hangzhou"
LISTINGS = ("ListTagResources", "GET /api/v1/jobs", "GET /api/v1/workspaces")
TAGS = {"project": "customrag", "stack": "pr-7", "environment": "pr"}


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    home = tmp_path_factory.mktemp("home")
    services = ("kms", "tag", "paidlc", "aiworkspace", "ram", "sts")
    with running_stack(home, services) as made:
        yield made


@pytest.fixture
def cloud(running: LocalStack, monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalStack]:
    """Yield the cloud that the checks ask, without faults and with short timeouts."""
    monkeypatch.setenv("CUSTOMRAG_HOME", str(running.home))
    for client in ("ops.account", "providers.clients.dlc"):
        monkeypatch.setattr(f"{client}.Retries", lambda: Retries(attempts=1))
    yield running
    Faults(running.context.store).clear()


def _key(cloud: LocalStack, **tags: str) -> tuple[Any, str]:
    handler = cloud.handler("alicloud:kms/key:Key")
    inputs = {"pendingWindowInDays": 7, "tags": {**TAGS, **tags}}
    return handler, handler.create(inputs, cloud.context).id


def _told(stack: str) -> list[leaks.Left]:
    return leak_check(stack, regions=[REGION])


def test_data_disk_that_its_node_has_left_behind_is_a_leak(cloud: LocalStack) -> None:
    handler = cloud.handler("alicloud:ecs/ecsDisk:EcsDisk")
    zone_id = cloud.context.platform.zone_ids[0]
    disk = {"zoneId": zone_id, "category": "cloud_essd", "size": 20, "tags": TAGS}
    disk_id = handler.create(disk, cloud.context).id

    def leaks_of_disk() -> list[leaks.Left]:
        return [left for left in _told("pr-7") if disk_id in left.what and left.is_leak]

    assert leaks_of_disk()
    assert any(disk_id in orphan for orphan in orphans([], REGION))
    handler.delete(disk_id, {}, cloud.context)
    assert not leaks_of_disk()


def test_key_is_a_leak_until_its_deletion_is_planned(cloud: LocalStack) -> None:
    handler, key_id = _key(cloud)
    (left,) = _told("pr-7")
    assert key_id in left.what
    assert left.is_leak
    handler.delete(key_id, {}, cloud.context)
    (left,) = _told("pr-7")
    assert not left.is_leak
    assert "deleted by itself on 20" in str(left)
    assert orphans([], REGION) == []


def test_resource_tagged_as_retained_is_not_a_leak_without_a_state(
    cloud: LocalStack,
) -> None:
    stack = "prod"
    kept, other = (
        Naming(project="customrag", stack=stack, account_id="1").bucket(role)
        for role in (BucketRole.CORPUS, BucketRole.ARTIFACTS)
    )
    for name, more in ((kept, {"retained": "true"}), (other, {})):
        rules = oss2.models.TaggingRule()
        for key, value in {"project": "customrag", "stack": stack, **more}.items():
            rules.add(key, value)
        cloud.make_bucket(name).put_bucket_tagging(oss2.models.Tagging(rules))
    found = _told(stack)
    assert {left.what.rpartition("/")[2].rpartition(" ")[2] for left in found} == {kept, other}
    for left in found:
        assert left.is_leak is (other in left.what), left


@pytest.mark.parametrize("kind", ["access-denied", "api-throttled", "api-down"])
@pytest.mark.parametrize("operation", LISTINGS)
def test_refused_listing_fails_the_leak_check(
    cloud: LocalStack, kind: str, operation: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert leaks.main(["--stack", "dev", "--region", REGION]) == 0
    assert "nothing is left that should be gone" in capsys.readouterr().out
    Faults(cloud.context.store).inject(kind, {"operation": operation})
    assert leaks.main(["--stack", "dev", "--region", REGION]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert "the leak check failed, so leaks are possible" in told.err


def test_local_cloud_that_is_down_or_refuses_fails_the_leak_check(cloud: LocalStack) -> None:
    account = account_in(REGION, cloud.home)
    wrong = {**account.platform, "access_key_secret": "wrong"}
    refused = replace(account, platform=wrong)
    with pytest.raises(CHECK_FAILURES, match="refused to list its resources"):
        refused.local_resources()
    nobody = {**account.platform, "endpoints": {"api": "http://127.0.0.1:9"}}
    gone = replace(account, platform=nobody)
    with pytest.raises(CHECK_FAILURES):
        gone.local_resources()


def test_jobs_of_a_stack_with_a_longer_name_are_not_listed() -> None:
    for stack, other in (("dev", "dev-berlin"), ("dev-berlin", "dev")):
        for role in ("embedding", "ingest"):
            display_name = Naming(project="customrag", stack=stack, account_id="1").physical(role)
            name = job_name({"displayName": display_name})
            for one in (name, attempt_name(name, 3)):
                assert is_job_of(stack, one)
                assert not is_job_of(other, one)


def test_buckets_of_a_stack_with_a_longer_name_are_not_listed() -> None:
    roles = [*BucketRole, *(f"{role}-replica" for role in BucketRole), "logs"]
    for stack, other in (("dev", "dev-berlin"), ("dev-berlin", "dev"), ("pr-1", "pr-11")):
        naming = Naming(project="customrag", stack=stack, account_id="1")
        for role in roles:
            assert is_bucket_of(stack, naming.bucket(role))
            assert not is_bucket_of(other, naming.bucket(role))
