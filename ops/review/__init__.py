"""The text for reviewers: the preview of a pull request, and the report of drift.

Owns comparing two declarations, or reading the engine's preview, and the Markdown of both. Does not
own prices (`guardrails.cost`), rules (`guardrails.policy`), nor posting (the workflow).
"""
