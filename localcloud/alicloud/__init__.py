"""The ``alicloud`` plugin of a local stack, version ``4.0.0-local``.

Owns checking, defaulting, comparing and previewing declared resources as the cloud provider does.
The daemon creates and deletes them; the plugin calls its admin API. The prerelease version keeps
cloud stacks from resolving to this plugin, and local stacks from resolving to the cloud provider.

The engine runs it as ``python -m localcloud.alicloud ENGINE_ADDRESS``.
"""

__all__ = ["VERSION"]

VERSION = "4.0.0-local"
