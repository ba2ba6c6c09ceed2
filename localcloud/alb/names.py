"""Where the names of the stack's load balancers lead: what a DNS would know of them.

A name is its owner's, who lets it point (CNAME) to the load balancer that has a certificate for it;
here that is taken as done. Owns the answer for HTTPS listeners; nothing asks it but the edge.
"""

from __future__ import annotations

from typing import Final

from localcloud.alb import state
from localcloud.alb.ports import served_port
from localcloud.cas.certificates import Certificates
from localcloud.core.resources import Context

__all__ = ["served_names"]

_HTTPS_PORT: Final = 443


def served_names(context: Context) -> dict[str, str]:
    """``address:port`` of this machine by the host of a URL, ``name`` or ``name:port``."""
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
            # Of a wildcard certificate no name is known.
            if name and "*" not in name:
                host = name if port == _HTTPS_PORT else f"{name}:{port}"
                found[host] = f"{entry['address']}:{served_port(port)}"
    return found
