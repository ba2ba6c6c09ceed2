"""Local Application Load Balancer (ALB) 2020-06-16: one real TLS reverse proxy per load balancer.

Owns load balancers, listeners, forwarding rules, server groups, access control lists, and the proxy
process. It does not own the servers: they are instances of ``localcloud.ecs``, and a scaling group
(``localcloud.ess``) adds and removes them.
"""
