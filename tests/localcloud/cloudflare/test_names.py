"""A worker on real workerd and a load balancer with real TLS: names and trust."""

from __future__ import annotations

import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator

import pytest

from localcloud.alb.names import served_names
from localcloud.cas.certificates import Certificates
from tests.localcloud.alb.support import (
    DOMAIN,
    Backend,
    Balancer,
    backend,
    forward_to,
    make_balancer,
    self_signed,
)
from tests.localcloud.cloudflare.test_workers import domain, script
from tests.localcloud.running import running_stack

pytestmark = pytest.mark.engine

# Fetches the requested URL; status 599 means that the connection failed.
SCRIPT = """export default { async fetch(request) {
  const wanted = new URL(request.url).searchParams.get("url");
  if (wanted === null) return new Response("up");
  try { return await fetch(wanted); } catch (error) { return new Response("", { status: 599 }); }
} };"""


@pytest.fixture(scope="module")
def balancer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Balancer]:
    home = tmp_path_factory.mktemp("edge") / "home"
    with running_stack(home, ["vpc", "ecs", "cas", "alb", "cloudflare"]) as stack:
        made = make_balancer(stack)
        stack.make(
            "cloudflare:index/workersScript:WorkersScript", script(content=SCRIPT, bindings=[])
        )
        stack.make(
            "cloudflare:index/workersCustomDomain:WorkersCustomDomain", domain(stack.context)
        )
        yield made


@pytest.fixture(scope="module")
def server(balancer: Balancer) -> Iterator[Backend]:
    with backend(balancer.stack.context.addresses.allocate("test/backend"), "one") as made:
        balancer.wait_health(balancer.add_server(made.address, made.port), "Normal")
        yield made


def fetched(balancer: Balancer, url: str) -> tuple[int, str]:
    """Return what the worker gets from a URL."""
    edge = balancer.stack.context.platform.endpoints["edge"]
    try:
        with urllib.request.urlopen(
            f"{edge}/?{urllib.parse.urlencode({'url': url})}", timeout=20
        ) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def change_certificate(balancer: Balancer, identifier: str) -> str:
    """Change the listener's certificate like an update, and return the old one."""
    handler = balancer.stack.handler("alicloud:alb/listener:Listener")
    context = balancer.stack.context
    old = handler.read(balancer.listener_id, {}, context)
    inputs = {name: old[name] for name in handler.effective if name in old}
    handler.update(
        balancer.listener_id,
        old,
        {**inputs, "certificates": {"certificateId": identifier}},
        context,
    )
    return str(old["certificates"]["certificateId"])


def test_a_worker_reaches_the_load_balancer_by_its_certificates_name(
    balancer: Balancer, server: Backend
) -> None:
    assert fetched(balancer, f"https://{DOMAIN}/") == (200, server.name)
    # The load balancer receives the requested host, not the address.
    assert f"host: {DOMAIN}\n" in fetched(balancer, f"https://{DOMAIN}/headers")[1].lower()


def test_a_worker_refuses_a_certificate_of_another_name(
    balancer: Balancer, server: Backend
) -> None:
    assert fetched(balancer, f"https://{balancer.address}:{balancer.port}/")[0] == 599


def test_a_worker_cannot_reach_other_machines(balancer: Balancer) -> None:
    assert fetched(balancer, "http://192.0.2.1/")[0] == 599


def test_a_worker_accepts_a_listeners_new_certificate(balancer: Balancer, server: Backend) -> None:
    certificates = Certificates(balancer.stack.context)
    _, record = certificates.upload("renewed", *self_signed("new.example.com"))
    before = change_certificate(balancer, record["identifier"])
    assert fetched(balancer, "https://new.example.com/") == (200, server.name)
    assert fetched(balancer, f"https://{DOMAIN}/")[0] == 599
    change_certificate(balancer, before)
    assert fetched(balancer, f"https://{DOMAIN}/") == (200, server.name)


def _served(balancer: Balancer) -> str:
    handler = balancer.stack.handler("alicloud:alb/listener:Listener")
    listener = handler.read(balancer.listener_id, {}, balancer.stack.context)
    return str(listener["certificates"]["certificateId"])


def test_a_worker_refuses_an_untrusted_certificate(
    balancer: Balancer, server: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    stranger = self_signed(DOMAIN)[0]
    with monkeypatch.context() as patch:
        # The name resolves, but the trusted certificate is another one with the same name.
        patch.setattr(Certificates, "trusted", lambda _: [stranger])
        change_certificate(balancer, _served(balancer))
        assert fetched(balancer, f"https://{DOMAIN}/")[0] == 599
    change_certificate(balancer, _served(balancer))
    assert fetched(balancer, f"https://{DOMAIN}/") == (200, server.name)


def test_a_listener_on_another_port_is_found_but_a_wildcard_name_is_not(balancer: Balancer) -> None:
    context = balancer.stack.context
    _, wild = Certificates(context).upload("wild", *self_signed("*.example.com"))
    listener = balancer.stack.make(
        "alicloud:alb/listener:Listener",
        {
            "loadBalancerId": balancer.load_balancer_id,
            "listenerPort": 8444,
            "listenerProtocol": "HTTPS",
            "certificates": {"certificateId": _served(balancer)},
            "securityPolicyId": "tls_cipher_policy_1_2_strict_with_1_3",
            "defaultActions": forward_to(balancer.server_group_id),
        },
    )
    assert served_names(context) == {
        DOMAIN: f"{balancer.address}:{balancer.port}",
        f"{DOMAIN}:8444": f"{balancer.address}:8444",
    }
    before = change_certificate(balancer, wild["identifier"])
    assert served_names(context) == {f"{DOMAIN}:8444": f"{balancer.address}:8444"}
    change_certificate(balancer, before)
    balancer.stack.handler("alicloud:alb/listener:Listener").delete(listener.id, {}, context)
