"""Errors of the export.

TorchScriptError
└── UnsupportedOperatorError
"""

from __future__ import annotations

__all__ = ["TorchScriptError", "UnsupportedOperatorError"]


class TorchScriptError(Exception):
    """The model cannot be exported; the message has the reason and what to do."""


class UnsupportedOperatorError(TorchScriptError):
    """The graph has operators, or a file format, that the target libtorch lacks."""
