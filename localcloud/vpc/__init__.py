"""Local VPC: networks, vSwitches, and the security groups of ECS with their rules.

Owns the records and the dependencies between them. It does not filter or route packets: every
address of the local cloud is a loopback address, and security group rules have no effect.
"""
