"""``python -m tests.rag.stub_embedder PORT DELAY``: an embedding service that hashes, slowly.

A process of its own, so that an ingest that is killed does not take it along.
"""

from __future__ import annotations

import base64
import json
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tokenizers import Tokenizer
from tokenizers.models import WordLevel

from tests.rag.fakes import DIMENSION, META, vector_of


class Handler(BaseHTTPRequestHandler):
    delay_seconds = 0.0
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        if self.path == "/v1/tokenizer":
            tokenizer = Tokenizer(WordLevel({"[UNK]": 0}, unk_token="[UNK]"))
            self._reply(
                {"model": META.model_version, "max_tokens": 10**6, "tokenizer": tokenizer.to_str()}
            )
            return
        self._reply({"status": "ok", "model_version": META.model_version, "dimension": DIMENSION})

    def do_POST(self) -> None:
        texts = json.loads(self.rfile.read(int(self.headers["content-length"])))["input"]
        time.sleep(self.delay_seconds)
        rows = [base64.b64encode(vector_of(text).tobytes()).decode() for text in texts]
        data = [{"embedding": row} for row in rows]
        self._reply({"model": META.model_version, "data": data})

    def _reply(self, body: object) -> None:
        content = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *args: object) -> None:
        pass


if __name__ == "__main__":
    Handler.delay_seconds = float(sys.argv[2])
    server = ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler)
    print(server.server_address[1], flush=True)
    server.serve_forever()
