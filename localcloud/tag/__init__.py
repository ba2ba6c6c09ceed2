"""Local Tag service: the tagged resources of all services of the local cloud.

Owns the search in the records of every service. It does not own the tags: each service stores those
of its resources.
"""
