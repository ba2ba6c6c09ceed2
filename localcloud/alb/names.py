"""Resolves the domain names of the stack's load balancers, in place of a DNS server.

On the cloud, the owner of a name points it (CNAME) to the load balancer that has a certificate for
it. Here every name of a certificate resolves to its HTTPS listener. Only the edge uses this.
"""

from __future__ import annotations

from typing import Final

from localcloud.alb import state
from localcloud.alb.ports import served_port
from localcloud.cas.certificates import Certificates
from localcloud.core.resources import Context

_HTTPS_PORT: Final = 443


def served_names(context: Context) -> dict[str, str]:
    """Return the local ``address:port`` by the host of a URL, ``name`` or ``name:port``."""
    certificates = Certificates(context)
    addresses = context.store.table("addresses")
    found = {}
    for listener in context.store.table(state.LISTENERS).values():
        used = (listener.get("certificates") or {}).get("certificateId")
        certificate = certificates.by_identifier(used) if used else None
        entry = addresses.get(f"alb/{listener['loadBalancerId']}")
        if certificate is None or entry is None:
            continue
        port = int(listener["listenerPort"])
        for name in str(certificate["sans"]).split(","):
            # A wildcard does not say which names are in use.
            if name and "*" not in name:
                host = name if port == _HTTPS_PORT else f"{name}:{port}"
                found[host] = f"{entry['address']}:{served_port(port)}"
    return found
