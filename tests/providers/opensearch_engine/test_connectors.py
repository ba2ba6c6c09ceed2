"""Connectors and remote models on a real OpenSearch 2.19.1, which call a service of this test."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from providers import opensearch_bodies as bodies
from tests.providers.fakes import FakeServices
from tests.providers.opensearch_engine.support import engine_for, model_id

pytestmark = pytest.mark.opensearch


@contextmanager
def embedding_service(keys: list[str]) -> Iterator[str]:
    """Serve OpenAI's embeddings, always [1, 2, 3]; `keys` receives the bearer tokens."""

    class Embeddings(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            keys.append(str(self.headers["Authorization"]))
            texts = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["input"]
            data = [
                {"object": "embedding", "index": index, "embedding": [1.0, 2.0, 3.0]}
                for index in range(len(texts))
            ]
            body = json.dumps({"object": "list", "data": data}).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            return None

    server = ThreadingHTTPServer(("127.0.0.1", 0), Embeddings)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/v1/embeddings"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_a_remote_model_embeds_and_its_key_is_rotated(
    services: FakeServices, cluster: dict[str, Any], client: Any, group: str
) -> None:
    keys: list[str] = []
    settings = engine_for("ClusterSettings", services)
    connector, model = engine_for("Connector", services), engine_for("Model", services)
    trusted = bodies.model_settings(
        trusted_url_regex="^https://x/$",
        only_run_on_ml_node=False,
        trusted_connector_endpoints_regex=["^http://127[.]0[.]0[.]1:.*$"],
        private_connectors=True,
    )
    with embedding_service(keys) as url:
        settings.up({**cluster, "settings": trusted})
        inputs = {
            **cluster,
            "connectorName": "embeddings",
            "actions": [bodies.openai_embedding(url)],
            "credential": {"key": "first"},
        }
        connector.up(inputs)
        connector.refresh()
        assert connector.up(inputs) == "same"
        assert connector.state is not None
        remote = {
            **cluster,
            "modelName": "remote",
            "modelGroupId": group,
            "functionName": "remote",
            "connectorId": connector.state.outputs["connectorId"],
        }
        model.up(remote)

        def embed() -> list[float]:
            answer = client.plugins.ml.predict(
                algorithm_name="text_embedding",
                model_id=model_id(model),
                body={"text_docs": ["one text"]},
            )
            vector: list[float] = answer["inference_results"][0]["output"][0]["data"]
            return vector

        assert embed() == [1.0, 2.0, 3.0]
        assert connector.up({**inputs, "credential": {"key": "second"}}) == "update"
        embed()
        assert keys == ["Bearer first", "Bearer second"]
        assert model.up(remote) == "same"
        for engine in (model, connector, settings):
            engine.destroy()
