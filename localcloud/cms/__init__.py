"""Local CloudMonitor: contacts, contact groups and alarm rules.

Owns the records and the checks of rules. It does not measure anything or send mail, so an alarm of
a local stack never fires.
"""
