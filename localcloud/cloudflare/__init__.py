"""Cloudflare, as far as the edge needs it: workers under a name of their own, on real workerd.

Owns two things. The ``cloudflare`` plugin of a local stack, version ``7.0.0-local``: a prerelease
beyond the SDK's major version, so that no cloud stack resolves to it and no local stack to
Cloudflare's own. And, in the daemon, the declared scripts and the process that runs the one which
has the domain. Cache and rate limits are miniflare's: in memory, of one data centre.

The engine runs it as ``python -m localcloud.cloudflare ENGINE_ADDRESS``.
"""

__all__ = ["VERSION"]

VERSION = "7.0.0-local"
