"""``python -m rag.app``: serve the chat application until told to stop."""

from __future__ import annotations

import logging
import sys

import uvicorn
from pydantic import ValidationError

from rag.app.server import create_app
from rag.app.services import Services
from rag.errors import RagError
from rag.settings import AppSettings, wrong_variables


def main() -> int:
    """Serve; 1 when the settings are incomplete or a secret cannot be had."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    for client in ("elastic_transport", "opensearch"):
        logging.getLogger(client).setLevel(logging.ERROR)
    logging.getLogger("httpx").setLevel(logging.WARNING)
    try:
        settings = AppSettings()  # type: ignore[call-arg]  # from the environment
        services = Services.connect(settings)
        edge_key = settings.read_edge_key()
    except ValidationError as error:
        for line in wrong_variables(error):
            print(f"rag.app: {line}", file=sys.stderr)
        return 1
    except RagError as error:
        print(f"rag.app: {error}", file=sys.stderr)
        return 1
    uvicorn.run(
        create_app(services, settings, edge_key),
        host=settings.bind_host,
        port=settings.port,
        log_level="warning",
        timeout_graceful_shutdown=10,
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
