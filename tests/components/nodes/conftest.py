"""What the tests of nodes share."""

from tests.support.pulumi_mocks import closed_loops

__all__ = ["closed_loops"]
