"""Application Load Balancer (ALB) 2020-06-16, local: a real TLS reverse proxy per load balancer.

Owns load balancers, listeners, forwarding rules, server groups and access control lists, and the
process that serves them. The servers behind are instances of ``localcloud.ecs``; a scaling group
(``localcloud.ess``) adds and removes them.
"""

__all__: list[str] = []
