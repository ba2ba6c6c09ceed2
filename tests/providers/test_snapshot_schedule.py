"""Life cycle of an instance's automatic snapshots, against a service in memory.

That the local cloud takes snapshots by it is shown by ``tests/localcloud/elasticsearch``.
"""

from __future__ import annotations

import pytest

from providers.clients.elasticsearch_instances import SnapshotSetting
from providers.clients.errors import NotFoundError
from tests.providers.fakes import Engine, FakeDlc, FakeOss, FakeServices

INPUTS = {"instanceId": "es-cn-1", "schedule": "0 0 1 ? * * *"}


class Instances:
    """The service's settings by instance."""

    def __init__(self) -> None:
        self.settings = {"es-cn-1": SnapshotSetting(enable=False)}

    def snapshot_setting(self, instance_id: str) -> SnapshotSetting:
        if instance_id not in self.settings:
            raise NotFoundError("no such instance", code="InstanceNotFound")
        return self.settings[instance_id]

    def set_snapshots(self, instance_id: str, setting: SnapshotSetting) -> None:
        self.snapshot_setting(instance_id)
        self.settings[instance_id] = setting


@pytest.fixture
def instances() -> Instances:
    return Instances()


@pytest.fixture
def engine(instances: Instances) -> Engine:
    services = FakeServices(FakeOss(), FakeDlc(), elasticsearch_instances=instances)
    return Engine("customrag:elasticsearch:SnapshotSchedule", services)


def test_a_schedule_turns_snapshots_on(engine: Engine, instances: Instances) -> None:
    assert engine.up(INPUTS) == "create"
    assert instances.settings["es-cn-1"] == SnapshotSetting(enable=True, schedule="0 0 1 ? * * *")


def test_another_schedule_changes_it_in_place(engine: Engine, instances: Instances) -> None:
    engine.up(INPUTS)
    assert engine.up({**INPUTS, "schedule": "0 30 2 ? * * *"}) == "update"
    assert instances.settings["es-cn-1"].schedule == "0 30 2 ? * * *"


def test_a_deleted_schedule_turns_snapshots_off(engine: Engine, instances: Instances) -> None:
    engine.up(INPUTS)
    engine.destroy()
    assert not instances.settings["es-cn-1"].enable


def test_a_refresh_finds_snapshots_that_were_turned_off(
    engine: Engine, instances: Instances
) -> None:
    engine.up(INPUTS)
    instances.settings["es-cn-1"] = SnapshotSetting(enable=False)
    assert engine.refresh() is None


def test_delete_of_a_gone_instance_s_schedule_is_success(
    engine: Engine, instances: Instances
) -> None:
    engine.up(INPUTS)
    del instances.settings["es-cn-1"]
    engine.destroy()
    assert engine.state is None


def test_a_schedule_of_five_fields_is_refused(engine: Engine) -> None:
    failures = engine.check({**INPUTS, "schedule": "0 1 * * *"})["failures"]
    assert "it must have six or seven" in failures["schedule"]
