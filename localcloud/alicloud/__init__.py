"""The ``alicloud`` plugin of a local stack, version ``4.0.0-local``.

Owns checking, defaulting, comparing and previewing declared resources as the cloud provider does;
making and removing them is the daemon's, over its admin API. The prerelease version keeps cloud
stacks from resolving to it and local stacks from resolving to the cloud provider.

Run by the engine as ``python -m localcloud.alicloud ENGINE_ADDRESS``.
"""

__all__ = ["VERSION"]

VERSION = "4.0.0-local"
