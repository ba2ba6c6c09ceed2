"""What runs on a node of the OpenSearch cluster: ``python -m opensearch_node``.

Owns: the node's configuration, certificates and users, and the engine's process. Does not own: the
cluster's shape (`components.opensearch`), the models and indices in it (`providers`).
"""
