"""Auto Scaling (ESS) 2014-08-28, local: scaling groups of instances that really start and stop.

Owns groups, their rules and lifecycle hooks, which instances are members, and instance refreshes.
The instances are ``localcloud.ecs``'s, the server groups they join ``localcloud.alb``'s.
"""

__all__: list[str] = []
