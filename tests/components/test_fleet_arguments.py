"""Arguments that the load balancer and fleet reject, and the client of the smoke test."""

from __future__ import annotations

import http.server
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from components import smoke
from components.fleet import FleetSize, ServiceFleetArgs
from components.load_balancer import Access, HttpsLoadBalancerArgs, Zones
from components.naming import Naming
from components.nodes import Code, Machine, ServiceArgs
from components.scope import Scope
from stack_config.kinds import AddressType
from tests.localcloud.alb.support import DOMAIN, self_signed

SCOPE = Scope(
    naming=Naming(project="customrag", stack="dev", account_id="1234567890123456"),
    region_id="cn-hangzhou",
)


def test_a_load_balancer_in_one_zone_is_rejected() -> None:
    zones = Zones(vpc_id="vpc-1", vswitch_ids={"cn-hangzhou-h": "vsw-1"})
    with pytest.raises(ValueError, match="vswitch_ids"):
        HttpsLoadBalancerArgs(
            scope=SCOPE,
            role="chat",
            zones=zones,
            certificate_id="1-cn-hangzhou",
            health_check_path="/ready",
        )


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"address_type": AddressType.INTERNET}, "allowed_cidr_blocks"),
        ({"allowed_cidr_blocks": ["everyone"]}, "everyone"),
    ],
)
def test_access_that_alb_does_not_allow_is_rejected(arguments: dict[str, Any], named: str) -> None:
    with pytest.raises(ValueError, match=named):
        Access(**arguments)


@pytest.mark.parametrize(("least", "most"), [(0, 1), (3, 2), (1, 2001)])
def test_a_fleet_size_that_ess_does_not_allow_is_rejected(least: int, most: int) -> None:
    with pytest.raises(ValueError, match="max_instances"):
        FleetSize(min_instances=least, max_instances=most)


def test_a_fleet_without_a_vswitch_is_rejected() -> None:
    with pytest.raises(ValueError, match="vswitch_ids"):
        ServiceFleetArgs(
            scope=SCOPE,
            service=ServiceArgs(name="chat", module="rag.app", port=8080),
            code=Code(uri="oss://b/customrag-0123456789ab.zip", oss_endpoint="https://oss"),
            machine=Machine(
                instance_type="ecs.g7.large",
                image_id="image",
                ram_role_name="role",
                security_group_ids=["sg-1"],
            ),
            zones=Zones(vpc_id="vpc-1", vswitch_ids={}),
            server_group_id="sgp-1",
        )


@contextmanager
def https_server(folder: Path) -> Iterator[tuple[str, Path]]:
    """Run a server with a certificate for `DOMAIN`; yield its address and the trusted file."""
    certificate, key = self_signed(DOMAIN)
    trusted, both = folder / "trusted.pem", folder / "both.pem"
    trusted.write_text(certificate)
    both.write_text(key + certificate)

    class Page(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = b'{"host": "%s"}' % self.headers["Host"].encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Write no log."""

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(both)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_address[1]}", trusted
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def asked(address: str, url: str, **changes: Any) -> dict[str, Any]:
    """Return what the smoke test's client gets through a door."""
    transport = smoke.direct_transport(address, **{"named": True, "trusted_file": None, **changes})
    with httpx.Client(transport=transport) as client:
        found: dict[str, Any] = client.get(url).json()
    return found


def test_smoke_test_asks_the_load_balancer_with_the_name_in_the_certificate(tmp_path: Path) -> None:
    with https_server(tmp_path) as (address, trusted):
        found = asked(address, f"https://{DOMAIN}/health", trusted_file=trusted)
    assert found == {"host": DOMAIN}


def test_smoke_test_rejects_a_certificate_for_another_name(tmp_path: Path) -> None:
    with (
        https_server(tmp_path) as (address, trusted),
        pytest.raises(httpx.ConnectError, match="certificate"),
    ):
        asked(address, "https://other.example.com/health", trusted_file=trusted)


def test_smoke_test_rejects_an_untrusted_certificate(tmp_path: Path) -> None:
    with (
        https_server(tmp_path) as (address, _),
        pytest.raises(httpx.ConnectError, match="certificate"),
    ):
        asked(address, f"https://{DOMAIN}/health")


def test_smoke_test_checks_only_the_chain_for_the_load_balancers_own_name(
    tmp_path: Path,
) -> None:
    with https_server(tmp_path) as (address, trusted):
        own = f"https://{address}/health"
        assert asked(address, own, trusted_file=trusted, named=False)["host"] == address
        with pytest.raises(httpx.ConnectError, match="certificate"):
            asked(address, own, named=False)
