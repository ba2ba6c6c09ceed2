"""Fixtures of the Elasticsearch tests."""

from tests.support.elasticsearch import elasticsearch_server

__all__ = ["elasticsearch_server"]
