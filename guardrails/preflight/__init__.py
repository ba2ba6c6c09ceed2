"""Preflight: check against the cloud, before creating anything, whether a stack can come up.

Owns the checks, their verdicts and the report. Creates nothing. Does not own an organisation's
rules (`guardrails.policy`), bounds of config values (`stack_config`) or prices (`guardrails.cost`).

    python -m guardrails.preflight --stack dev
"""
