"""VPC and the security groups of ECS: networks, vSwitches, security groups and their rules.

Owns their records and the rules between them. Nothing here filters or routes a packet: every
address of the local cloud is a loopback address, and security group rules are recorded.
"""
