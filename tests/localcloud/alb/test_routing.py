"""Routing and access lists, as decisions without a network."""

from __future__ import annotations

from typing import Any

import pytest

from localcloud.alb import ports, routing
from localcloud.alb.routing import Forward, Redirect, allowed, route

LISTENER = {
    "defaultActions": [
        {
            "type": "ForwardGroup",
            "forwardGroupConfig": {"serverGroupTuples": [{"serverGroupId": "sgp-default"}]},
        }
    ]
}


def rule(priority: int, condition: dict[str, Any], **redirect: str) -> dict[str, Any]:
    """Return a rule that redirects."""
    return {
        "priority": priority,
        "ruleConditions": [condition],
        "ruleActions": [{"type": "Redirect", "order": 1, "redirectConfig": redirect}],
    }


def path(*values: str) -> dict[str, Any]:
    return {"type": "Path", "pathConfig": {"values": list(values)}}


@pytest.fixture(autouse=True)
def privileged(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a process that may listen on every port."""
    monkeypatch.setattr(routing, "served_port", lambda port: port)


def test_request_without_matching_rule_gets_the_default_action() -> None:
    found = route(LISTENER, [rule(1, path("/old/*"), path="/new")], "https://a.example/x")
    assert found == Forward((("sgp-default", 100),))


def test_rule_with_the_smallest_priority_number_decides() -> None:
    rules = [rule(2, path("/*"), host="two.example"), rule(1, path("/*"), host="one.example")]
    assert route(LISTENER, rules, "https://a.example/x") == Redirect("https://one.example/x", 301)


@pytest.mark.parametrize(
    ("redirect", "location"),
    [
        ({"protocol": "HTTPS", "port": "443"}, "https://a.example/x?y=1"),
        ({"protocol": "HTTPS", "port": "8443"}, "https://a.example:8443/x?y=1"),
        ({"path": "/new${path}"}, "http://a.example/new/x?y=1"),
        ({"query": "z=2"}, "http://a.example/x?z=2"),
    ],
)
def test_redirect_keeps_parts_that_it_does_not_set(redirect: dict[str, str], location: str) -> None:
    found = route(LISTENER, [rule(1, path("/*"), **redirect)], "http://a.example/x?y=1")
    assert found == Redirect(location, 301)


def test_host_matches_with_wildcards() -> None:
    condition = {"type": "Host", "hostConfig": {"values": ["*.example"]}}
    rules = [rule(1, condition, host="all.example")]
    assert isinstance(route(LISTENER, rules, "https://a.example/x"), Redirect)
    assert isinstance(route(LISTENER, rules, "https://a.test/x"), Forward)


@pytest.mark.parametrize(
    ("peer", "acls", "expected"),
    [
        ("203.0.113.7", [], True),
        ("203.0.113.7", [("White", ["203.0.113.0/24"])], True),
        ("198.51.100.7", [("White", ["203.0.113.0/24"])], False),
        ("198.51.100.7", [("White", [])], True),
        ("203.0.113.7", [("Black", ["203.0.113.0/24"])], False),
        ("198.51.100.7", [("Black", ["203.0.113.0/24"])], True),
    ],
)
def test_access_lists_decide_which_clients_are_let_in(
    peer: str, acls: list[tuple[str, list[str]]], expected: bool
) -> None:
    assert allowed(peer, acls) is expected


def test_low_port_is_served_higher_without_privileges(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ports, "may_bind", lambda port: port >= 1024)
    assert ports.served_port(443) == 8443
    assert ports.served_port(9443) == 9443
