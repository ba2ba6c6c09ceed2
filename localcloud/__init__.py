"""The local Alibaba Cloud: every service that the program uses, on the loopback of one machine.

Owns the emulated control plane, the processes behind it, and the ``alicloud`` plugin that declares
resources on it. Only its own plugin and tests import it; tools run it as a subprocess.
"""
