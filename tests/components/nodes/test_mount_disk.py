"""The script that mounts the data disk, with programs that only note their arguments.

Cannot prove what the real programs do with a real disk. `test_boots_locally` runs it in a node.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

import components.nodes

SCRIPT = Path(components.nodes.__file__).with_name("mount-disk.sh")
TARGET = "/var/lib/private/customrag/index"
VIRTIO, NVME = "virtio-bp1abc", "nvme-Alibaba_Cloud_Elastic_Block_Storage_bp1abc"


class Machine:
    """A machine below a folder, whose programs note their arguments and exit with given codes."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.notes = root / "notes"
        for folder in ("bin", "dev/disk/by-id", "etc", "var/lib"):
            (root / folder).mkdir(parents=True)
        text = SCRIPT.read_text(encoding="utf-8")
        for path in ("/dev/disk", "/etc/fstab", "/var/lib/private"):
            text = text.replace(path, f"{root}{path}")
        (root / "script.sh").write_text(text, encoding="utf-8")

    def run(self, codes: Mapping[str, int]) -> subprocess.CompletedProcess[str]:
        """Run the script.

        Args:
            codes: Exit codes of programs that do not exit with 0.
        """
        for name in ("blkid", "mkfs.ext4", "mountpoint", "mount", "resize2fs", "sleep"):
            program = self.root / "bin" / name
            program.write_text(
                f'#!/bin/sh\necho "{name} $*" >>{self.notes}\nexit {codes.get(name, 0)}\n',
                encoding="utf-8",
            )
            program.chmod(0o755)
        return subprocess.run(
            ["sh", str(self.root / "script.sh"), "bp1abc", self.target],
            env={"PATH": f"{self.root / 'bin'}:{os.environ['PATH']}"},
            capture_output=True,
            text=True,
            check=False,
        )

    @property
    def target(self) -> str:
        """The mount point."""
        return f"{self.root}{TARGET}"

    def plug(self, name: str) -> str:
        """Make a device appear and return its path."""
        device = self.root / "dev/disk/by-id" / name
        device.touch()
        return str(device)

    def noted(self) -> list[str]:
        """Return the programs that ran, with their arguments."""
        return self.notes.read_text(encoding="utf-8").splitlines()


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


NEW = {"blkid": 2, "mountpoint": 1}


@pytest.mark.parametrize("name", [VIRTIO, NVME])
def test_new_disk_gets_a_file_system_and_is_mounted_now_and_at_each_start(
    machine: Machine, name: str
) -> None:
    device = machine.plug(name)
    done = machine.run(NEW)
    assert done.returncode == 0, done.stderr
    assert machine.noted() == [
        f"blkid -p {device}",
        f"mkfs.ext4 -q {device}",
        f"mountpoint -q {machine.target}",
        f"mount {device} {machine.target}",
        f"resize2fs {device}",
    ]
    line = f"{device} {machine.target} ext4 defaults,nofail,x-systemd.growfs 0 2\n"
    assert (machine.root / "etc/fstab").read_text() == line
    assert (machine.root / "var/lib/private").stat().st_mode & 0o777 == 0o700


def test_disk_with_a_file_system_keeps_its_data(machine: Machine) -> None:
    machine.plug(VIRTIO)
    assert machine.run({"mountpoint": 1}).returncode == 0
    assert not [line for line in machine.noted() if line.startswith("mkfs")]


def test_disk_that_cannot_be_read_is_not_formatted(machine: Machine) -> None:
    machine.plug(VIRTIO)
    done = machine.run({"blkid": 8, "mountpoint": 1})
    assert done.returncode == 1
    assert "blkid cannot tell what is on" in done.stderr
    assert [line.split()[0] for line in machine.noted()] == ["blkid"]


def test_second_run_changes_nothing(machine: Machine) -> None:
    machine.plug(VIRTIO)
    machine.run(NEW)
    before = (machine.root / "etc/fstab").read_text()
    machine.notes.unlink()
    assert machine.run({}).returncode == 0
    assert not [line for line in machine.noted() if line.startswith(("mkfs", "mount "))]
    assert (machine.root / "etc/fstab").read_text() == before


def test_failed_mount_ends_the_boot(machine: Machine) -> None:
    machine.plug(VIRTIO)
    assert machine.run({"mount": 32, "mountpoint": 1}).returncode == 32
    assert not (machine.root / "etc/fstab").exists()


def test_disk_that_does_not_appear_within_ten_minutes_ends_the_boot(machine: Machine) -> None:
    done = machine.run(NEW)
    assert done.returncode == 1
    assert "the disk d-bp1abc was not attached within 10 minutes" in done.stderr
    assert machine.noted() == ["sleep 1"] * 600
