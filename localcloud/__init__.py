"""The local Alibaba Cloud: every service the program uses, on one machine's loopback.

Owns the emulated control plane, the processes behind it and the ``alicloud`` plugin that declares
resources on it. Nothing but its own plugin, tests and tools (by subprocess) imports it.
"""

__all__: list[str] = []
