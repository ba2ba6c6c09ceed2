"""A Python language host for a Pulumi CLI that was built from source.

Owns: the `LanguageRuntime` service (`server`), the choice of interpreter (`interpreter`), the child
processes and the watch on the engine (`processes`), and what runs inside a child (`child`).
Does not own: installing anything (`tools.setup` does), and an official CLI, which has its
own host. Protocol: https://github.com/pulumi/pulumi/blob/master/proto/pulumi/language.proto
(read in CLI 3.259.0 and SDK 3.272.0, 2026-11).
"""

__all__: list[str] = []
