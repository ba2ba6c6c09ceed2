"""A scratch Pulumi project for the engine tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.tools.engine import Project


@pytest.fixture
def project(tmp_path: Path, pulumi_path: str, pulumi_environment: dict[str, str]) -> Project:
    """Return an empty project folder with its own CLI, backend and Pulumi home."""
    folder = tmp_path / "project"
    folder.mkdir()
    return Project(folder=folder, pulumi=pulumi_path, environment=pulumi_environment)
