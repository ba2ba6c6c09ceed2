"""CloudMonitor: contacts, contact groups and alarm rules.

Owns the records and what a rule may name. Nothing is measured here and no mail is sent; an alarm
of a local stack never rings.
"""
