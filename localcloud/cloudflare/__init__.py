"""The parts of Cloudflare that the edge needs: workers with their own domain, on real workerd.

Owns the ``cloudflare`` plugin of a local stack, version ``7.0.0-local``. It is a prerelease above
the SDK's major version, so that cloud stacks never resolve to it, and local stacks never to
Cloudflare's plugin. Also owns, in the daemon, the declared scripts and the process of the script
that has the domain. miniflare implements cache and rate limits, in memory and for one data centre.

The engine runs it as ``python -m localcloud.cloudflare ENGINE_ADDRESS``.
"""

__all__ = ["VERSION"]

VERSION = "7.0.0-local"
