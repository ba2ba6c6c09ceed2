"""A scratch Pulumi project for the pack."""

from __future__ import annotations

from tests.tools.conftest import project

__all__ = ["project"]
