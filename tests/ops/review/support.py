"""Declared resources for the tests of reviews."""

from __future__ import annotations

from typing import Any

from guardrails.declare import Declared


def resource(
    token: str,
    name: str,
    inputs: dict[str, Any] | None = None,
    *,
    component: str = "part",
    secrets: tuple[str, ...] = (),
) -> Declared:
    """Return a resource as `guardrails.declare` gives it."""
    return Declared(
        type=token,
        name=name,
        urn=f"urn:pulumi:dev::customrag::{token}::{name}",
        parent="",
        component=component,
        inputs=inputs or {},
        secrets=secrets,
    )
