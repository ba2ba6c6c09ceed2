"""A local load balancer, its certificate, and its clients."""

from __future__ import annotations

import datetime
import http.client
import http.server
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from localcloud.alb import state
from localcloud.alb.ports import served_port
from localcloud.cas.certificates import Certificates, trusted_file
from tests.localcloud.running import LocalStack, until

DOMAIN = "chat.example.com"


def self_signed(name: str = DOMAIN, days: int = 30) -> tuple[str, str]:
    """Return a certificate for a name and its key, in PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=60))
        .not_valid_after(now + datetime.timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return certificate.public_bytes(serialization.Encoding.PEM).decode(), private.decode()


@dataclass
class Answer:
    """The answer that a client received."""

    status: int
    headers: dict[str, str]
    body: bytes


@dataclass
class Balancer:
    """A load balancer with an HTTPS listener and a server group."""

    stack: LocalStack
    load_balancer_id: str
    address: str
    listener_id: str
    server_group_id: str
    vpc_id: str
    vswitch_ids: list[str]

    @property
    def port(self) -> int:
        """The local port of the HTTPS listener."""
        return served_port(443)

    def connection(self, timeout: float = 10) -> http.client.HTTPSConnection:
        """Return a connection that trusts only the stack's certificates."""
        context = ssl.create_default_context(cafile=str(trusted_file(self.stack.home)))
        # Connect to the load balancer's address, but verify the name in the certificate.
        context.check_hostname = False
        return http.client.HTTPSConnection(
            self.address, self.port, context=context, timeout=timeout
        )

    def ask(self, path: str = "/", method: str = "GET", body: bytes | None = None) -> Answer:
        """Send one request over a new connection."""
        connection = self.connection()
        try:
            connection.request(method, path, body=body, headers={"Host": DOMAIN})
            response = connection.getresponse()
            return Answer(response.status, dict(response.getheaders()), response.read())
        finally:
            connection.close()

    def add_server(self, address: str, port: int, server_id: str = "i-1") -> str:
        """Add a server to the group, without a scaling group, and return its key."""
        return state.add_server(
            self.stack.context.store,
            server_group_id=self.server_group_id,
            server_id=server_id,
            address=address,
            port=port,
        )

    def wait_health(self, key: str, health: str) -> None:
        """Wait until the load balancer reports this health of a server."""
        store = self.stack.context.store
        until(lambda: state.health_of(store, key) == health, f"{key} is {health}")


def network(stack: LocalStack) -> tuple[str, list[str]]:
    """Create a VPC with a vSwitch in each zone."""
    vpc = stack.make("alicloud:vpc/network:Network", {"cidrBlock": "10.0.0.0/16"}).id
    vswitches = [
        stack.make(
            "alicloud:vpc/switch:Switch",
            {"vpcId": vpc, "cidrBlock": f"10.0.{number}.0/24", "zoneId": zone},
        ).id
        for number, zone in enumerate(stack.context.platform.zone_ids)
    ]
    return str(vpc), vswitches


def upload(stack: LocalStack, name: str = DOMAIN) -> str:
    """Upload a certificate and return the identifier for listeners."""
    _, record = Certificates(stack.context).upload(f"cert-{name}", *self_signed(name))
    return str(record["identifier"])


def health_check(**changes: Any) -> dict[str, Any]:
    """Return a health check with short intervals."""
    return {
        "healthCheckEnabled": True,
        "healthCheckPath": "/health",
        "healthCheckMethod": "GET",
        "healthCheckInterval": 1,
        "healthyThreshold": 2,
        "unhealthyThreshold": 2,
        **changes,
    }


def forward_to(server_group_id: str) -> list[dict[str, Any]]:
    """Return a default action that forwards to a server group."""
    tuples = [{"serverGroupId": server_group_id}]
    return [{"type": "ForwardGroup", "forwardGroupConfig": {"serverGroupTuples": tuples}}]


def make_balancer(stack: LocalStack, *, drain_seconds: int = 10) -> Balancer:
    """Create a load balancer that serves HTTPS."""
    vpc_id, vswitch_ids = network(stack)
    zones = stack.context.platform.zone_ids
    balancer = stack.make(
        "alicloud:alb/loadBalancer:LoadBalancer",
        {
            "addressType": "Intranet",
            "loadBalancerEdition": "Standard",
            "loadBalancerBillingConfig": {"payType": "PostPay"},
            "loadBalancerName": "chat",
            "vpcId": vpc_id,
            "zoneMappings": [
                {"vswitchId": vswitch, "zoneId": zone}
                for vswitch, zone in zip(vswitch_ids, zones, strict=True)
            ],
        },
    ).id
    group = stack.make(
        "alicloud:alb/serverGroup:ServerGroup",
        {
            "serverGroupName": "chat",
            "vpcId": vpc_id,
            "healthCheckConfig": health_check(),
            "connectionDrainConfig": {
                "connectionDrainEnabled": True,
                "connectionDrainTimeout": drain_seconds,
            },
        },
    ).id
    listener = stack.make(
        "alicloud:alb/listener:Listener",
        {
            "loadBalancerId": balancer,
            "listenerPort": 443,
            "listenerProtocol": "HTTPS",
            "certificates": {"certificateId": upload(stack)},
            "securityPolicyId": "tls_cipher_policy_1_2_strict_with_1_3",
            "defaultActions": forward_to(group),
        },
    ).id
    address = stack.context.addresses.allocate(f"alb/{balancer}")
    return Balancer(stack, balancer, address, listener, group, vpc_id, vswitch_ids)


@dataclass
class Backend:
    """A server behind a load balancer."""

    address: str
    port: int
    name: str
    healthy: bool = True
    release: threading.Event = field(default_factory=threading.Event)
    waiting: threading.Event = field(default_factory=threading.Event)


@contextmanager
def backend(address: str, name: str) -> Iterator[Backend]:
    """Run a server: ``/`` answers its name, ``/slow`` waits for ``release``."""
    made = Backend(address, 0, name)

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: Any) -> None:
            """Suppress the log."""

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self.reply(body[::-1])

        def do_GET(self) -> None:
            if self.path == "/health":
                self.reply(b"", 200 if made.healthy else 503)
            elif self.path == "/slow":
                made.waiting.set()
                made.release.wait(20)
                self.reply(made.name.encode())
            elif self.path == "/events":
                self.stream()
            elif self.path == "/headers":
                self.reply(str(self.headers).encode())
            else:
                self.reply(made.name.encode())

        def stream(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for text in (b"data: one\n\n", b"data: two\n\n"):
                self.wfile.write(b"%x\r\n%s\r\n" % (len(text), text))
                self.wfile.flush()
                made.waiting.set()
                made.release.wait(20)
            self.wfile.write(b"0\r\n\r\n")

        def reply(self, body: bytes, status: int = 200) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    server = http.server.ThreadingHTTPServer((address, 0), Handler)
    server.daemon_threads = True
    made.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield made
    finally:
        made.release.set()
        server.shutdown()
        server.server_close()
        thread.join()
