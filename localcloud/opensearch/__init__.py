"""OpenSearch for local clusters: the package that a node's image has.

Nothing of OpenSearch is imitated: the nodes of a cluster are ECS instances (`localcloud.ecs`) that
run the real engine.
"""
