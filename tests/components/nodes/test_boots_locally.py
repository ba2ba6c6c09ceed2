"""The local cloud boots a service node with the component's user data.

The tests show that the rendered files, the bootstrap and the unit work together. They do not test
systemd, its hardening, or a real image.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import urllib.request
import zipfile
from pathlib import Path
from typing import Any

from components.nodes import render_user_data
from tests.localcloud.ecs.conftest import ATTACHMENT, Ecs, with_network
from tests.localcloud.running import running_stack, until

SERVING = """
import http.server, json, os

class Health(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        model = os.environ["CUSTOMRAG_MODEL_URI"]
        self.wfile.write(json.dumps({"file": __file__, "model": model}).encode())

address = os.environ["CUSTOMRAG_BIND_HOST"], int(os.environ["CUSTOMRAG_PORT"])
http.server.ThreadingHTTPServer(address, Health).serve_forever()
"""


def code_zip() -> bytes:
    """Return a zip with the module `tiny.serving`."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("tiny/__init__.py", "")
        archive.writestr("tiny/serving.py", SERVING)
    return buffer.getvalue()


def answer(url: str) -> Any:
    """Return the node's answer after it is ready."""

    def get() -> Any:
        try:
            with urllib.request.urlopen(url, timeout=5) as response:
                return json.load(response)
        except OSError:
            return None

    return until(get, f"{url} answers", 60)


def make_node(ecs: Ecs, code_uri: str, role: str, resource: str) -> str:
    """Create an instance with the component's user data and a role; return its id."""
    platform = ecs.stack.context.platform
    text = render_user_data(
        service_name="embedding",
        module="tiny.serving",
        port=8000,
        environment={"CUSTOMRAG_MODEL_URI": "oss://artifacts/model/"},
        code_uri=code_uri,
        oss_endpoint=platform.endpoints["oss"],
        region_id=platform.region_id,
    )
    allowed = [{"Effect": "Allow", "Action": "oss:GetObject", "Resource": resource}]
    ecs.stack.make_role(role, "ecs.aliyuncs.com", allowed)
    encoded = base64.b64encode(text.encode()).decode()
    instance_id = ecs.create(userData=encoded)
    ecs.stack.make(ATTACHMENT, {"instanceId": instance_id, "ramRoleName": role})
    return instance_id


def test_node_fetches_its_code_with_its_role_and_serves_it(tmp_path: Path) -> None:
    content = code_zip()
    digest = hashlib.sha256(content).hexdigest()[:12]
    with running_stack(tmp_path / "home", ["vpc", "ecs"]) as stack:
        ecs = with_network(stack)
        stack.make_bucket("artifacts").put_object(f"code/customrag-{digest}.zip", content)
        instance_id = make_node(
            ecs,
            f"oss://artifacts/code/customrag-{digest}.zip",
            "embedding",
            "acs:oss:*:*:artifacts/code/*",
        )
        address = (ecs.read(instance_id) or {})["privateIp"]
        found = answer(f"http://{address}:8000/health")
        assert found["model"] == "oss://artifacts/model/"
        assert f"/opt/customrag/code/customrag-{digest}.zip/tiny" in found["file"]
        assert found["file"].startswith(str(tmp_path))
        assert ecs.boot(instance_id)["state"] == "done"


def test_node_does_not_start_code_with_another_digest(tmp_path: Path) -> None:
    with running_stack(tmp_path / "home", ["vpc", "ecs"]) as stack:
        ecs = with_network(stack)
        stack.make_bucket("artifacts").put_object("code/customrag-0123456789ab.zip", code_zip())
        instance_id = make_node(
            ecs,
            "oss://artifacts/code/customrag-0123456789ab.zip",
            "embedding",
            "acs:oss:*:*:artifacts/code/*",
        )
        assert ecs.boot(instance_id)["state"] == "failed"
        assert "its name says 0123456789ab" in ecs.log(instance_id)
        assert ecs.process(instance_id, "customrag-embedding") is None
