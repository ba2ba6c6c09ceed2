from tests.support.opensearch import opensearch_server

__all__ = ["opensearch_server"]
