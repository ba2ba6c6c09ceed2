"""The choice of the operation that a request calls.

Owns matching: an operation is a method on the service, a bucket or an object, and the query
parameters and headers that it requires identify it. The server refuses a parameter or ``x-oss-``
header that the operation does not support; it never ignores one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from localcloud.oss.errors import not_implemented
from localcloud.oss.exchange import Reply, Request
from localcloud.oss.server import Server

Scope = Literal["service", "bucket", "object"]
Handler = Callable[["Server", Request], Reply]

# Headers that sign a request.
_COMMON_HEADERS = frozenset({"x-oss-date", "x-oss-security-token", "x-oss-content-sha256"})
_METADATA_PREFIX = "x-oss-meta-"


@dataclass(frozen=True, kw_only=True)
class Route:
    """One operation.

    Attributes:
        name: Its name in the vendor's API reference.
        scope: The kind of resource that it acts on.
        method: Its HTTP method.
        handler: The function that carries it out.
        action: The RAM action that it needs; None if the handler checks permissions itself.
        requires: Query parameters that identify it.
        requires_header: A header that identifies it.
        params: Other query parameters that it supports.
        headers: The ``x-oss-`` headers that it supports; ``x-oss-meta-`` means all user metadata.
        notes: Limits compared with the cloud.
    """

    name: str
    scope: Scope
    method: str
    handler: Handler
    action: str | None
    requires: frozenset[str] = frozenset()
    requires_header: str | None = None
    params: frozenset[str] = frozenset()
    headers: frozenset[str] = frozenset()
    notes: str = ""

    @property
    def api(self) -> str:
        """Method and path for the coverage table."""
        path = {"service": "/", "bucket": "/BUCKET/", "object": "/BUCKET/KEY"}[self.scope]
        query = "&".join(sorted(self.requires))
        header = f" ({self.requires_header})" if self.requires_header else ""
        return f"{self.method} {path}{'?' + query if query else ''}{header}"

    def matches(self, scope: Scope, request: Request) -> bool:
        """Return whether the request calls this operation."""
        return (
            self.scope == scope
            and self.method == request.method
            and self.requires <= request.params.keys()
            and (self.requires_header is None or self.requires_header in request.headers)
        )

    def refuse_unknown(self, request: Request) -> None:
        """Raise ``NotImplemented`` for an unsupported parameter or header."""
        for name in request.params:
            if name not in self.requires and name not in self.params:
                raise not_implemented(f"Parameter {name} of {self.name}")
        for name in request.headers:
            known = name in self.headers or name in _COMMON_HEADERS or name == self.requires_header
            if name.startswith(_METADATA_PREFIX):
                known = _METADATA_PREFIX in self.headers
            if name.startswith("x-oss-") and not known:
                raise not_implemented(f"Header {name} of {self.name}")


def find_route(routes: Sequence[Route], scope: Scope, request: Request) -> Route:
    """Return the matching operation that requires the most parameters and headers.

    Raises:
        OssError: ``NotImplemented``.
    """
    matching = [route for route in routes if route.matches(scope, request)]
    if not matching:
        names = "&".join(sorted(request.params))
        raise not_implemented(f"{request.method} on {scope} with parameters [{names}]")
    route = max(matching, key=lambda route: (len(route.requires), route.requires_header or ""))
    route.refuse_unknown(request)
    return route


def by_name(routes: Sequence[Route]) -> Mapping[str, Route]:
    """Return the routes by operation name."""
    return {route.name: route for route in routes}
