"""The disks that a node sees: devices that are links to folders, and the programs for them.

Owns the links below ``/dev/disk/by-id`` of a node, and stand-ins for ``blkid``, ``mkfs.ext4``,
``mount``, ``mountpoint`` and ``resize2fs``. A file system is the folder ``filesystem`` of a disk,
and a mount is a link to it, which outlives a restart of the machine as an entry of fstab does.
"""

from __future__ import annotations

import shlex
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

DEVICES: Final = "/dev/disk/by-id"
"""The folder of a node in which a disk appears by its serial number."""

_PLUGGING = threading.Lock()


def plug(root: Path, attached: Callable[[], Mapping[str, Path]]) -> None:
    """Make the attached disks appear, and the others disappear with their mounts.

    Args:
        root: The folder that stands for the node's file system.
        attached: Returns the folder of each attached disk by the disk's id.
    """
    folder = root / DEVICES.lstrip("/")
    # A boot and an attachment may come together; the later one must see the current disks.
    with _PLUGGING:
        folder.mkdir(parents=True, exist_ok=True)
        wanted = {f"virtio-{key.removeprefix('d-')}": path for key, path in attached().items()}
        for device in list(folder.iterdir()):
            if device.name not in wanted:
                _unmount(root, device)
                device.unlink()
        for name, path in wanted.items():
            if not (folder / name).is_symlink():
                (folder / name).symlink_to(path)


def programs(root: Path) -> dict[str, str]:
    """Return the body of each program, a shell script, by its name."""
    mounts = shlex.quote(str(_mounts(root)))
    last = 'for given; do last=$given; done\n[ -e "$last" ] || exit 2\n'
    return {
        "blkid": f'{last}[ -d "$last/filesystem" ] || exit 2\necho "$last: TYPE=\\"ext4\\""',
        "mkfs.ext4": f'{last}mkdir "$last/filesystem"',
        "resize2fs": f'{last}[ -d "$last/filesystem" ]',
        "mountpoint": f'{last}[ -L "$last" ]',
        "mount": (
            'if [ $# -ne 2 ] || [ ! -d "$1/filesystem" ]; then\n'
            '  echo "mount: the local cloud mounts only a data disk with a file system: '
            'mount DEVICE FOLDER" >&2\n  exit 32\nfi\n'
            'rmdir "$2" && ln -s "$(readlink -f "$1")/filesystem" "$2" || exit 32\n'
            f'echo "$1 $2" >>{mounts}'
        ),
    }


def _mounts(root: Path) -> Path:
    return root / ".local" / "mounts"


def _unmount(root: Path, device: Path) -> None:
    mounts = _mounts(root)
    lines = mounts.read_text(encoding="utf-8").splitlines() if mounts.exists() else []
    mine = [line for line in lines if line.startswith(f"{device} ")]
    for line in mine:
        Path(line.removeprefix(f"{device} ")).unlink(missing_ok=True)
    if mine:
        rest = [line for line in lines if line not in mine]
        mounts.write_text("".join(f"{line}\n" for line in rest), encoding="utf-8")
