"""The bootstrap program: state bucket, OIDC provider, roles, passphrases."""

from __future__ import annotations

import sys
from pathlib import Path

_FOLDER = Path(__file__).resolve().parent
# Pulumi runs the program in this folder, not in the project's.
sys.path.insert(0, str(_FOLDER.parent))

import pulumi  # noqa: E402

from bootstrap.program import declare  # noqa: E402

declare(pulumi.Config())
