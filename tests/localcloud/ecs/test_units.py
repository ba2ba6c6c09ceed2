"""Parsing systemd units. Pure: follows the manual pages; cannot prove what systemd does."""

from __future__ import annotations

import pytest

from localcloud.ecs.units import (
    UnitError,
    launcher,
    parse_environment_file,
    parse_unit,
)


def unit(*service: str, head: str = "") -> str:
    """Return a unit with these lines in [Service]."""
    lines = service if any(line.startswith("ExecStart=") for line in service) else (*service, "")
    start = [] if lines == service else ["ExecStart=/bin/true"]
    return "\n".join(["[Unit]", head, "[Service]", *start, *lines])


def test_environment_lines_accumulate_and_quotes_keep_spaces() -> None:
    text = unit('Environment=A=1 "B=two words"', "Environment=C=3")
    assert parse_unit("x.service", text).environment == {"A": "1", "B": "two words", "C": "3"}


def test_empty_assignment_clears_earlier_values() -> None:
    text = unit("EnvironmentFile=/a", "EnvironmentFile=", "EnvironmentFile=/b")
    assert parse_unit("x.service", text).environment_files == ("/b",)


def test_directories_are_below_their_roots() -> None:
    text = unit("StateDirectory=a b", "CacheDirectory=c")
    assert parse_unit("x.service", text).directories == ("/var/lib/a", "/var/lib/b", "/var/cache/c")


@pytest.mark.parametrize(
    ("restart", "policy"), [("always", "always"), ("on-failure", "on-failure"), ("no", "never")]
)
def test_restart_policies(restart: str, policy: str) -> None:
    assert parse_unit("x.service", unit(f"Restart={restart}")).restart == policy


def test_zero_start_limit_interval_means_unlimited_restarts() -> None:
    assert parse_unit("x.service", unit(head="StartLimitIntervalSec=0")).max_restarts > 1000
    assert parse_unit("x.service", unit()).max_restarts == 10


@pytest.mark.parametrize(
    ("text", "named"),
    [
        (unit("Type=notify"), "Type=notify"),
        (unit("Restart=sometimes"), "sometimes"),
        (unit("ExecReload=/bin/true"), "ExecReload"),
        (unit("Environment=A"), "without"),
        (unit("Environment=A=%h"), "%h"),
        (unit("ExecStart=+/bin/true"), "prefix"),
        (unit("ExecStart=/bin/echo ${HOME}"), "variable"),
        (unit("ExecStart=/a", "ExecStart=/b"), "2 ExecStart"),
        ("[Timer]\nOnBootSec=1", "Timer"),
        ("ExecStart=/a", "section"),
    ],
)
def test_error_names_the_unsupported_feature(text: str, named: str) -> None:
    with pytest.raises(UnitError, match=named):
        parse_unit("x.service", text)


def test_environment_file_has_comments_and_escapes_but_no_expansion() -> None:
    text = '# a comment\nA=plain\nB="say \\"hi\\" \\$X"\nC=\'$Y\'\n; another\nbad line\n'
    assert parse_environment_file(text) == {"A": "plain", "B": 'say "hi" $X', "C": "$Y"}


def test_launcher_quotes_the_words_of_the_command() -> None:
    text = unit("UMask=0077", "ExecStart=/bin/c 'd e'")
    script = launcher(parse_unit("x.service", text), lambda word: word)
    assert script.splitlines() == ["umask 0077", "exec /bin/c 'd e'"]
