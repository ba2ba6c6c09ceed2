"""Errors of the node program.

NodeError
"""

__all__ = ["NodeError"]


class NodeError(Exception):
    """The node cannot run OpenSearch. The message says what to change."""
