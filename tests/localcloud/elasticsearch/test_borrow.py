"""An instance for one command, removed when the command ends."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from localcloud.elasticsearch.borrow import main

pytestmark = pytest.mark.elasticsearch

ASK = """
import base64, json, os, sys, urllib.request
name = "CUSTOMRAG_ELASTICSEARCH_"
user = f"{os.environ[name + 'USERNAME']}:{os.environ[name + 'PASSWORD']}"
headers = {"Authorization": "Basic " + base64.b64encode(user.encode()).decode()}
request = urllib.request.Request(os.environ[name + "URL"], headers=headers)
with urllib.request.urlopen(request) as answer:
    print(json.load(answer)["version"]["number"], file=open(sys.argv[1], "w"))
sys.exit(7)
"""


def test_a_command_gets_a_running_instance_that_is_removed_at_its_end(tmp_path: Path) -> None:
    home, answer = tmp_path / "home", tmp_path / "answer"
    assert main(["--home", str(home), sys.executable, "-c", ASK, str(answer)]) == 7
    assert answer.read_text().startswith("8.")
    assert not home.exists()
    left = [
        entry.name
        for entry in Path("/proc").iterdir()
        if entry.name.isdigit() and str(home).encode() in _command_line(entry)
    ]
    assert left == []


def _command_line(entry: Path) -> bytes:
    try:
        return (entry / "cmdline").read_bytes()
    except OSError:
        return b""


def test_a_missing_command_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SystemExit):
        main(["--home", str(tmp_path)])
