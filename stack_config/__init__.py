"""A stack's configuration: its keys, their values and bounds, and the platform they select."""
