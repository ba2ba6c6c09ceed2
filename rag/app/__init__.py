"""The chat application: one page, an API that streams, and a health check.

Owns HTTP. Does not own how a question is answered (`rag.answer`). Runs as ``python -m rag.app``,
also from a zip: its files are read with importlib.resources.
"""

__all__ = ["create_app"]

from rag.app.server import create_app
