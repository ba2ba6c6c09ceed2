"""Fixtures for the tests of nodes."""

from tests.support.pulumi_mocks import closed_loops

__all__ = ["closed_loops"]
