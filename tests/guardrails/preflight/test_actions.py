"""What a preflight asks must be allowed to those who run it."""

from __future__ import annotations

from components.deployment_permissions import DeploymentScope, preview_statements
from guardrails.preflight.actions import ACTIONS


def test_the_preview_role_may_use_every_action_of_a_preflight() -> None:
    scope = DeploymentScope(
        account_id="1234567890123456", region_id="cn-hangzhou", environment="dev"
    )
    allowed = {action for statement in preview_statements(scope) for action in statement.actions}
    assert set(ACTIONS) - allowed == set()


def test_every_action_of_a_preflight_is_read_only() -> None:
    verbs = ("Get", "Describe", "List")
    assert [name for name in ACTIONS if not name.partition(":")[2].startswith(verbs)] == []
