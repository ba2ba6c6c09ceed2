"""The local Tag service: what carries a tag, across all services of the local cloud.

Owns the look at every service's records. Tags are the services' own: they are set where a resource
is made and changed.
"""
