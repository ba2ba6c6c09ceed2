"""The customrag provider: what ``pulumi_alicloud`` has no resource for.

Owns the plugin (``python -m providers ENGINE_ADDR``), the typed classes that declare its resources,
and the vendor-SDK clients (``providers.clients``). It does not own the program nor the components.

Names are loaded on first use, so that ``import providers.clients.oss`` in a training job or in the
chat application imports no pulumi.
"""

__all__: list[str] = []
