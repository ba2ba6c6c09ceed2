"""What the tests of the data plane share."""

from tests.support.elasticsearch import elasticsearch_server
from tests.support.engines import both_engines, lent
from tests.support.opensearch import opensearch_server

__all__ = ["both_engines", "elasticsearch_server", "lent", "opensearch_server"]
