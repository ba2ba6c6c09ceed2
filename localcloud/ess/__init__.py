"""Local Auto Scaling (ESS): scaling groups whose instances really start and stop.

Owns groups, rules, lifecycle hooks, the membership of instances, and instance refreshes. It does
not own the instances (``localcloud.ecs``) and the server groups (``localcloud.alb``).
"""
