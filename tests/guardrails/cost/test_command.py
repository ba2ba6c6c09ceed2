"""`python -m guardrails.cost` on the repository's own stacks, in process."""

from __future__ import annotations

import json
import re

import pytest

from guardrails.cost import __main__ as command
from guardrails.declare import Declared
from tests.support.stacks import declared


@pytest.fixture(autouse=True)
def declared_once(monkeypatch: pytest.MonkeyPatch) -> None:
    def declare(stack: str, *, config: dict[str, str] | None = None) -> list[Declared]:
        return list(declared(stack))

    monkeypatch.setattr(command, "declare", declare)


def test_the_table_of_prod_has_sources_and_dates(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["--stack", "prod"]) == 0
    text = capsys.readouterr().out
    assert text.startswith("What stack prod costs at list prices")
    assert "https://" in text
    assert re.search(r"read \d{4}-\d\d-\d\d", text)


def test_json_can_be_parsed(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["--stack", "dev", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["stack"] == "dev"
    assert document["not_priced"] == []


def test_a_stack_over_its_budget_exits_with_1(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["--stack", "dev", "--set", "monthlyBudgetCny=100"]) == 1
    assert "OVER BUDGET" in capsys.readouterr().out


def test_a_stack_that_does_not_exist_exits_with_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["--stack", "nowhere"]) == 2
    assert "nowhere" in capsys.readouterr().err


def test_no_stack_of_this_repository_is_over_its_own_budget() -> None:
    for stack in ("dev", "prod", "pr-7"):
        assert command.main(["--stack", stack]) == 0, stack
