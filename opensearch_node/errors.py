"""Errors of the node program.

NodeError
└── AuthorityChangedError    all nodes of the cluster restart, because they trust one authority
"""

__all__ = ["AuthorityChangedError", "NodeError"]


class NodeError(Exception):
    """The node cannot run OpenSearch. The message says what to change."""


class AuthorityChangedError(NodeError):
    """The running engine trusts another authority than its new certificates have."""
