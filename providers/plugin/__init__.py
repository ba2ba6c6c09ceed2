"""The engine's side of the customrag provider: what happens when a resource is checked, previewed,
created, refreshed, changed or deleted.

Owns the life cycles. It does not own the clients (``providers.clients``), nor how a plugin is
hosted (``pluginhost``), nor the classes that programs use (``providers``).
"""

__all__ = ["framework", "server"]
