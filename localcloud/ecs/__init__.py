"""ECS 2014-05-26, local: instances that boot their user data; their services are processes."""

from localcloud.ecs.user_data import CloudConfig, parse_user_data

__all__ = ["CloudConfig", "parse_user_data"]
