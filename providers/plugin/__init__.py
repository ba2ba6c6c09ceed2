"""The engine's side of the customrag provider: check, preview, create, refresh, update, delete.

Owns the life cycles. It does not own the clients (``providers.clients``), nor how a plugin is
hosted (``pluginhost``), nor the classes that programs use (``providers``).
"""

__all__ = ["framework", "server"]
