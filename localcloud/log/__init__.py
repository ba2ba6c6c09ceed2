"""Local Simple Log Service: projects, logstores, indexes, and collection settings.

Owns the records. It does not collect logs: local nodes run no agent, and their logs are files in
the stack's home (``make logs``). The settings for the cloud's agent are checked, so that the local
cloud refuses the same configurations.
"""
