"""The choice of the operation that a request calls.

Owns matching: an operation is a method on the service, a bucket or an object, and the query
parameters and headers that it requires identify it. The server refuses a parameter, an ``x-oss-``
header or a condition that the operation does not support; it never ignores one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

from localcloud.oss.errors import not_implemented
from localcloud.oss.exchange import Reply, Request
from localcloud.oss.server import Server

Handler = Callable[["Server", Request], Reply]

CONDITIONS = frozenset({"if-match", "if-none-match", "if-modified-since", "if-unmodified-since"})
# Headers that sign a request.
_COMMON_HEADERS = frozenset({"x-oss-date", "x-oss-security-token", "x-oss-content-sha256"})
_METADATA_PREFIX = "x-oss-meta-"
_LEVELS = {"/": "service", "/BUCKET/": "bucket", "/BUCKET/KEY": "object"}


@dataclass(frozen=True)
class Route:
    """One operation.

    Attributes:
        name: Its name in the vendor's API reference.
        api: Its method and path, the query parameters that identify it, and in parentheses the
            header that identifies it: ``PUT /BUCKET/KEY?a&b (x-oss-c)``.
        handler: The function that carries it out.
        action: The RAM action that it needs; empty for ``oss:<name>``, None if the handler checks
            permissions itself.
        params: Other query parameters that it supports.
        headers: The conditions and ``x-oss-`` headers that it supports; ``x-oss-meta-`` means all
            user metadata.
        notes: Limits compared with the cloud.
    """

    name: str
    api: str
    handler: Handler
    action: str | None = ""
    params: frozenset[str] = frozenset()
    headers: frozenset[str] = frozenset()
    notes: str = ""

    @cached_property
    def _key(self) -> tuple[str, str, frozenset[str], str]:
        """The method, the level, and the parameters and the header that identify it."""
        method, address, *header = self.api.split(" ")
        path, _, query = address.partition("?")
        required = frozenset(query.split("&")) if query else frozenset()
        return method, _LEVELS[path], required, header[0].strip("()") if header else ""

    @property
    def ram_action(self) -> str | None:
        """The RAM action that it needs; None if the handler checks permissions itself."""
        return f"oss:{self.name}" if self.action == "" else self.action

    def matches(self, level: str, request: Request) -> bool:
        """Return whether the request calls this operation."""
        method, own_level, required, header = self._key
        return (
            (method, own_level) == (request.method, level)
            and required <= request.params.keys()
            and (not header or header in request.headers)
        )

    @property
    def precedence(self) -> tuple[int, str]:
        """A higher one identifies a request more precisely."""
        return len(self._key[2]), self._key[3]

    def refuse_unknown(self, request: Request) -> None:
        """Raise ``NotImplemented`` for an unsupported parameter or header."""
        _, _, required, header = self._key
        for name in sorted(request.params.keys() - required - self.params):
            raise not_implemented(f"Parameter {name} of {self.name}")
        for name in request.headers:
            checked = _METADATA_PREFIX if name.startswith(_METADATA_PREFIX) else name
            if not checked.startswith("x-oss-") and checked not in CONDITIONS:
                continue
            if checked not in self.headers | _COMMON_HEADERS | {header}:
                raise not_implemented(f"Header {name} of {self.name}")


def find_route(routes: Sequence[Route], level: str, request: Request) -> Route:
    """Return the matching operation that requires the most parameters and headers.

    Raises:
        OssError: ``NotImplemented``.
    """
    matching = [route for route in routes if route.matches(level, request)]
    if not matching:
        names = "&".join(sorted(request.params))
        raise not_implemented(f"{request.method} on {level} with parameters [{names}]")
    route = max(matching, key=lambda route: route.precedence)
    route.refuse_unknown(request)
    return route
