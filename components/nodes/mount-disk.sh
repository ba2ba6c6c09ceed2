#!/bin/sh
# Mount the data disk, which ECS attaches after the machine has started. A disk without a file
# system is new; every other disk keeps its data. Arguments: the disk's serial number, which is its
# id without d-, and the mount point.
set -eu
find_device() {
  for name in "virtio-$1" "nvme-Alibaba_Cloud_Elastic_Block_Storage_$1"; do
    if [ -e "/dev/disk/by-id/$name" ]; then
      echo "/dev/disk/by-id/$name"
    fi
  done
}
seconds=0
device=$(find_device "$1")
while [ -z "$device" ]; do
  if [ "$seconds" -ge 600 ]; then
    echo "mount-disk: the disk d-$1 was not attached within 10 minutes; attach it to this" \
      "instance, then run this script again" >&2
    exit 1
  fi
  sleep 1
  seconds=$((seconds + 1))
  device=$(find_device "$1")
done
# blkid exits with 2 if it finds nothing. Any other failure may hide data.
status=0
blkid -p "$device" || status=$?
if [ "$status" -eq 2 ]; then
  mkfs.ext4 -q "$device"
elif [ "$status" -ne 0 ]; then
  echo "mount-disk: blkid cannot tell what is on $device (exit code $status)" >&2
  exit 1
fi
# DynamicUser= keeps the state of services here, and refuses a folder that others can open.
install -d -m 0700 /var/lib/private
mkdir -p "$2"
if ! mountpoint -q "$2"; then
  mount "$device" "$2"
fi
# The disk may have grown since the last node.
resize2fs "$device"
if ! grep -qs " $2 " /etc/fstab; then
  echo "$device $2 ext4 defaults,nofail,x-systemd.growfs 0 2" >>/etc/fstab
fi
