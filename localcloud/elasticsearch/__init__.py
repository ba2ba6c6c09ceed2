"""Elasticsearch in the local cloud: real engines behind the declared instances.

Owns: the distribution, an engine and a gateway process per instance, the resource type and the
control-plane API (elasticsearch 2017-06-13). Does not own process supervision.
"""

__all__: list[str] = []
