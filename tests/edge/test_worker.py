"""The worker's TypeScript tests on workerd (`edge/test/`), and its types."""

from __future__ import annotations

import re
import subprocess

import pytest

pytestmark = pytest.mark.engine

_SECONDS = 300
# The essential behavior of the worker; its other tests may change.
PROMISES = (
    "a valid token is accepted, and the application receives the edge's key",
    "an expired token is refused",
    "a token for another audience is refused",
    "a token of another issuer is refused",
    "a rotated key is accepted",
    "alg none is refused",
    "HS256 keyed with the issuer's public key is refused",
    "a token of a key that the issuer does not publish is refused",
    "two tenants that ask the same each get their own answer",
    "the same question of the same tenant is answered from the cache",
    "a new version of the corpus is not answered from the cache",
    "an answer that breaks off is not cached",
    "an answer with Set-Cookie: session=1 is not cached",
    "a stream whose caller disconnected is not cached",
    "concurrent callers with a new key cause one read of the keys",
    "a failing issuer is not asked for each request",
    "a tenant over its limit gets a 429, other tenants do not",
    "a caller over the limit gets a 429, others do not",
    "a stream passes through piece by piece",
)


def _run(folder: str, *command: str) -> str:
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=False, timeout=_SECONDS
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_essential_tests_of_the_worker_pass_on_workerd(edge_folder: str) -> None:
    _run(edge_folder, "node", "build.mjs", "--tests")
    told = _run(
        edge_folder,
        "node",
        "--test",
        "--test-reporter=tap",
        "--test-concurrency=1",
        "dist/test/",
    )
    passed = set(re.findall(r"^ *ok \d+ - (.*)$", told, re.MULTILINE))
    assert [promise for promise in PROMISES if promise not in passed] == []


def test_the_worker_and_its_tests_pass_the_type_check(edge_folder: str) -> None:
    _run(edge_folder, "node", "node_modules/typescript/bin/tsc", "--noEmit")
