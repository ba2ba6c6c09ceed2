"""Simple Log Service: projects, logstores with their indexes, and what is collected into them.

Owns the records. No agent runs on local nodes and nothing is collected: their logs are files in
the stack's home (``make logs``). What a cloud agent would be told is checked, so that a
configuration that it would not take is refused here, too.
"""
