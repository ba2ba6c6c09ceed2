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

from components.nodes import MountedDisk, render_user_data
from localcloud.ecs.workers import instances_of
from tests.localcloud.ecs.conftest import ATTACHMENT, Ecs, with_network
from tests.localcloud.running import running_stack, until

DISK = "alicloud:ecs/ecsDisk:EcsDisk"
DISK_ATTACHMENT = "alicloud:ecs/ecsDiskAttachment:EcsDiskAttachment"
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

KEEPING = """
import http.server, os, pathlib

starts = pathlib.Path(os.environ["CUSTOMRAG_DATA"], "starts")
with starts.open("a") as file:
    file.write("x")

class Starts(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(str(len(starts.read_text())).encode())

address = os.environ["CUSTOMRAG_BIND_HOST"], int(os.environ["CUSTOMRAG_PORT"])
http.server.ThreadingHTTPServer(address, Starts).serve_forever()
"""
DATA = "/var/lib/customrag/index"


def code_zip() -> bytes:
    """Return a zip with the modules `tiny.serving` and `tiny.keeping`."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("tiny/__init__.py", "")
        archive.writestr("tiny/serving.py", SERVING)
        archive.writestr("tiny/keeping.py", KEEPING)
    return buffer.getvalue()


def answer(url: str) -> Any:
    """Return the node's answer after it is ready."""

    def get() -> Any:
        try:
            with urllib.request.urlopen(url, timeout=5) as response:
                return json.load(response)
        except OSError:
            return None

    return until(get, f"{url} answers")


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


def keeping_node(ecs: Ecs, disk_id: str, digest: str) -> str:
    """Create an instance that counts its starts on the data disk; return its id."""
    platform = ecs.stack.context.platform
    text = render_user_data(
        service_name="keeping",
        module="tiny.keeping",
        port=8000,
        environment={"CUSTOMRAG_DATA": DATA},
        code_uri=f"oss://artifacts/code/customrag-{digest}.zip",
        oss_endpoint=platform.endpoints["oss"],
        region_id=platform.region_id,
        data_disk=MountedDisk(disk_id=disk_id, path=DATA),
    )
    encoded = base64.b64encode(text.encode()).decode()
    instance_id = ecs.create(userData=encoded)
    ecs.stack.make(DISK_ATTACHMENT, {"diskId": disk_id, "instanceId": instance_id})
    ecs.stack.make(ATTACHMENT, {"instanceId": instance_id, "ramRoleName": "keeping"})
    return instance_id


def starts(ecs: Ecs, instance_id: str) -> Any:
    """Return the number of starts that the node's disk remembers."""
    return answer(f"http://{(ecs.read(instance_id) or {})['privateIp']}:8000/")


def test_what_is_on_the_data_disk_survives_a_restart_and_a_replaced_node(tmp_path: Path) -> None:
    content = code_zip()
    digest = hashlib.sha256(content).hexdigest()[:12]
    with running_stack(tmp_path / "home", ["vpc", "ecs"]) as stack:
        ecs = with_network(stack)
        stack.make_bucket("artifacts").put_object(f"code/customrag-{digest}.zip", content)
        allowed = [{"Effect": "Allow", "Action": "oss:GetObject", "Resource": "*"}]
        stack.make_role("keeping", "ecs.aliyuncs.com", allowed)
        zone_id = stack.context.platform.zone_ids[0]
        disk = {"zoneId": zone_id, "category": "cloud_essd", "size": 20}
        disk_id = str(stack.make(DISK, disk).id)
        old = keeping_node(ecs, disk_id, digest)
        assert starts(ecs, old) == 1
        assert ecs.boot(old)["state"] == "done", ecs.log(old)
        assert "ext4 defaults,nofail" in (ecs.root(old) / "etc/fstab").read_text()
        instances_of(stack.context).stop(old, "StopCharging")
        instances_of(stack.context).start_again(old)
        assert starts(ecs, old) == 2
        # The engine's order, because only one node can have the disk.
        stack.handler(DISK_ATTACHMENT).delete(f"{disk_id}:{old}", {}, stack.context)
        ecs.delete(old)
        new = keeping_node(ecs, disk_id, digest)
        assert starts(ecs, new) == 3
        assert (ecs.root(disk_id) / "filesystem/starts").read_text() == "xxx"
