"""Search engines behind one interface: `rag.engines.base.SearchEngine`.

Owns what differs between Elasticsearch and OpenSearch. Importing this package loads neither client.
"""

__all__: list[str] = []
