"""What a reviewer reads: the preview of a pull request, and the report of drift.

Owns comparing two declarations, or reading what the engine's preview says, and the Markdown of
both. Does not own prices (`guardrails.cost`), rules (`guardrails.policy`), nor
posting (the workflow).
"""
