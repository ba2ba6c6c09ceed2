"""CAS has no resource that the program declares: certificates are uploaded by their owner."""

from __future__ import annotations

from localcloud.cas.certificates import Certificates
from localcloud.core.resources import Context, ResourceHandler

HANDLERS: tuple[type[ResourceHandler], ...] = ()


def reset(context: Context) -> None:
    """Forget every certificate."""
    Certificates(context).reset()
