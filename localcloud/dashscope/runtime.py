"""OpenVINO GenAI without its telemetry.

Owns: the one import of ``openvino_genai`` in the local cloud. It does not load a model.

``import openvino`` sends an event to Google Analytics unless the user opted out before
(``openvino/tools/ovc/__init__.py`` of 2026.4.1; seen with strace). The documented way out,
``opt_in_out --opt_out``, writes ``~/intel/openvino_telemetry`` and so changes the user's home.
OpenVINO also works without the package ``openvino_telemetry``: it then takes an empty stand-in of
its own (``telemetry_stub.py``). This module makes it do that.
"""

from __future__ import annotations

import importlib
import sys
from typing import Any

__all__ = ["import_genai"]


def import_genai() -> Any:
    """Return the module ``openvino_genai``, imported so that nothing leaves the machine."""
    # None makes an import raise ImportError, as if the package were not installed.
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
    return importlib.import_module("openvino_genai")
