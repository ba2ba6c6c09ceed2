"""Start the policy pack; Pulumi runs this folder."""

from __future__ import annotations

import sys
from pathlib import Path

_FOLDER = Path(__file__).resolve().parent
# Pulumi puts this folder on the path, where its modules would hide others with the same name.
sys.path[:] = [entry for entry in sys.path if Path(entry or ".").resolve() != _FOLDER]
sys.path.insert(0, str(_FOLDER.parents[1]))

from guardrails.policy.pack import serve  # noqa: E402

serve()
