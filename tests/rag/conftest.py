"""What the tests of the data plane share."""

from tests.support.elasticsearch import elasticsearch_server

__all__ = ["elasticsearch_server"]
