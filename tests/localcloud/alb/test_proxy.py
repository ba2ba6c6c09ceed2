"""The proxy of a load balancer, with real TLS and real servers. Cannot prove HTTP/2."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from localcloud.alb import state
from localcloud.alb.ports import served_port
from localcloud.cas.certificates import Certificates, trusted_file
from tests.localcloud.alb.support import (
    DOMAIN,
    Backend,
    Balancer,
    backend,
    forward_to,
    self_signed,
)
from tests.localcloud.running import until


@contextmanager
def servers(balancer: Balancer, *names: str) -> Iterator[dict[str, Backend]]:
    """Servers of those names in the group, healthy; gone at the end."""
    store = balancer.stack.context.store
    addresses = balancer.stack.context.addresses
    with ExitStack() as stack:
        made = {}
        for name in names:
            made[name] = stack.enter_context(backend(addresses.allocate(f"test/{name}"), name))
            key = balancer.add_server(made[name].address, made[name].port, name)
            stack.callback(state.drop_server, store, key)
            balancer.wait_health(key, "Normal")
        yield made


def key_of(balancer: Balancer, server: Backend) -> str:
    """Return the key of a server of the group."""
    return state.server_key(balancer.server_group_id, server.name, server.port)


def test_proxy_forwards_body_and_answer(balancer: Balancer) -> None:
    with servers(balancer, "one"):
        assert balancer.ask("/").body == b"one"
        large = os.urandom(300_000)
        assert balancer.ask("/echo", "POST", large).body == large[::-1]


def test_requests_are_shared_between_healthy_servers(balancer: Balancer) -> None:
    with servers(balancer, "one", "two"):
        assert {balancer.ask("/").body for _ in range(4)} == {b"one", b"two"}


def test_unhealthy_server_gets_no_requests_until_it_recovers(balancer: Balancer) -> None:
    with servers(balancer, "one", "two") as made:
        made["one"].healthy = False
        balancer.wait_health(key_of(balancer, made["one"]), "Abnormal")
        assert {balancer.ask("/").body for _ in range(4)} == {b"two"}
        made["one"].healthy = True
        balancer.wait_health(key_of(balancer, made["one"]), "Normal")
        assert {balancer.ask("/").body for _ in range(4)} == {b"one", b"two"}


def test_unreachable_server_loses_no_request(balancer: Balancer) -> None:
    with servers(balancer, "one", "two") as made:
        addresses = balancer.stack.context.addresses
        with backend(addresses.allocate("test/gone"), "gone") as gone:
            key = balancer.add_server(gone.address, gone.port, "gone")
            balancer.wait_health(key, "Normal")
        assert {balancer.ask("/").status for _ in range(6)} == {200}
        state.drop_server(balancer.stack.context.store, key)
        assert made


def test_without_a_healthy_server_the_answer_is_503(balancer: Balancer) -> None:
    answer = until(
        lambda: (found := balancer.ask("/")).status == 503 and found, "no server is left"
    )
    assert b"no server is healthy" in answer.body


def test_events_are_streamed_one_by_one(balancer: Balancer) -> None:
    with servers(balancer, "one") as made:
        connection = balancer.connection()
        connection.request("GET", "/events")
        response = connection.getresponse()
        assert response.read1(100) == b"data: one\n\n"
        made["one"].release.set()
        assert response.read() == b"data: two\n\n"
        connection.close()


def test_forwarded_headers_name_client_and_scheme(balancer: Balancer) -> None:
    with servers(balancer, "one"):
        headers = balancer.ask("/headers").body.decode().lower()
        assert "x-forwarded-for: 127." in headers
        assert "x-forwarded-proto: https" in headers
        assert f"host: {DOMAIN}" in headers
        # `http.client` asks for no compression of its own.
        assert "accept-encoding: identity" in headers
        assert "user-agent" not in headers


def test_removed_server_finishes_open_requests_and_gets_no_new_ones(balancer: Balancer) -> None:
    store = balancer.stack.context.store
    with servers(balancer, "one") as made:
        key, answers = key_of(balancer, made["one"]), []
        thread = threading.Thread(target=lambda: answers.append(balancer.ask("/slow")))
        thread.start()
        assert made["one"].waiting.wait(10)
        state.remove_server(store, key)
        until(lambda: balancer.ask("/").status == 503, "the proxy sends it nothing new")
        assert not state.drained(store, key)
        made["one"].release.set()
        thread.join()
        assert answers[0].body == b"one"
        until(lambda: state.drained(store, key), "the server is drained")


def test_draining_ends_after_its_timeout(balancer: Balancer) -> None:
    store = balancer.stack.context.store
    with servers(balancer, "one") as made:
        key = key_of(balancer, made["one"])
        store.table(state.SERVERS).update(
            key, lambda server: {**(server or {}), "status": "Removing", "removing_since": 0.0}
        )
        assert state.drained(store, key)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_listener_supports_tls_1_2_and_1_3(balancer: Balancer, version: ssl.TLSVersion) -> None:
    context = ssl.create_default_context(cafile=str(trusted_file(balancer.stack.home)))
    context.minimum_version = context.maximum_version = version
    with ssl_socket(balancer, context, DOMAIN) as made:
        assert made.version() == version.name.replace("v1_", "v1.")


@contextmanager
def ssl_socket(balancer: Balancer, context: ssl.SSLContext, name: str) -> Iterator[ssl.SSLSocket]:
    """Open a TLS connection to the load balancer and verify its name."""
    with (
        socket.create_connection((balancer.address, balancer.port), timeout=5) as plain,
        context.wrap_socket(plain, server_hostname=name) as made,
    ):
        yield made


def test_clients_refuse_a_name_that_is_not_in_the_certificate(balancer: Balancer) -> None:
    context = ssl.create_default_context(cafile=str(trusted_file(balancer.stack.home)))
    with (
        pytest.raises(ssl.SSLCertVerificationError),
        ssl_socket(balancer, context, "other.example.com"),
    ):
        pass


def test_new_certificate_is_served_without_a_restart(balancer: Balancer) -> None:
    stack = balancer.stack
    pid = stack.context.supervisor.status(f"alb/{balancer.load_balancer_id}")
    assert pid is not None
    _, record = Certificates(stack.context).upload("renewed", *self_signed("new.example.com"))
    handler = stack.handler("alicloud:alb/listener:Listener")
    old = handler.read(balancer.listener_id, {}, stack.context)
    inputs = {name: old[name] for name in handler.effective if name in old}
    certificates = {"certificateId": record["identifier"]}
    handler.update(
        balancer.listener_id, old, {**inputs, "certificates": certificates}, stack.context
    )
    context = ssl.create_default_context(cafile=str(trusted_file(stack.home)))

    def served() -> bool:
        try:
            with ssl_socket(balancer, context, "new.example.com"):
                return True
        except ssl.SSLCertVerificationError:
            return False

    until(served, "the new certificate is served")
    after = stack.context.supervisor.status(f"alb/{balancer.load_balancer_id}")
    assert after is not None and after.pid == pid.pid
    handler.update(balancer.listener_id, old, inputs, stack.context)


def test_plain_http_redirects_to_https(balancer: Balancer) -> None:
    stack = balancer.stack
    empty = stack.make(
        "alicloud:alb/serverGroup:ServerGroup",
        {"serverGroupName": "none", "healthCheckConfig": {"healthCheckEnabled": False}},
    ).id
    listener = stack.make(
        "alicloud:alb/listener:Listener",
        {
            "loadBalancerId": balancer.load_balancer_id,
            "listenerPort": 80,
            "listenerProtocol": "HTTP",
            "defaultActions": forward_to(empty),
        },
    ).id
    redirect = {"protocol": "HTTPS", "port": "443", "httpCode": "308"}
    stack.make(
        "alicloud:alb/rule:Rule",
        {
            "listenerId": listener,
            "ruleName": "to-https",
            "priority": 1,
            "ruleConditions": [{"type": "Path", "pathConfig": {"values": ["/*"]}}],
            "ruleActions": [{"type": "Redirect", "order": 1, "redirectConfig": redirect}],
        },
    )

    def answered() -> http.client.HTTPResponse | None:
        connection = http.client.HTTPConnection(balancer.address, served_port(80), timeout=5)
        connection.request("GET", "/page?x=1", headers={"Host": DOMAIN})
        response = connection.getresponse()
        connection.close()
        return response if response.status == 308 else None

    response = until(answered, "the rule is in force")
    suffix = "" if served_port(443) == 443 else f":{served_port(443)}"
    assert response.headers["Location"] == f"https://{DOMAIN}{suffix}/page?x=1"
    stack.handler("alicloud:alb/listener:Listener").delete(listener, {}, stack.context)

    def refused() -> bool:
        connection = http.client.HTTPConnection(balancer.address, served_port(80), timeout=5)
        try:
            connection.connect()
        except ConnectionRefusedError:
            return True
        finally:
            connection.close()
        return False

    until(refused, "the listener is gone")


def test_white_list_lets_in_only_listed_clients(balancer: Balancer) -> None:
    stack = balancer.stack
    acl = stack.make("alicloud:alb/acl:Acl", {"aclName": "office"}).id
    entries = stack.handler("alicloud:alb/aclEntryAttachment:AclEntryAttachment")
    entries.create({"aclId": acl, "entries": [{"entry": "203.0.113.0/24"}]}, stack.context)
    attachment = stack.make(
        "alicloud:alb/listenerAclAttachment:ListenerAclAttachment",
        {"aclId": acl, "aclType": "White", "listenerId": balancer.listener_id},
    ).id

    def turned_away() -> bool:
        try:
            balancer.ask("/")
        except (ConnectionError, http.client.HTTPException):
            return True
        return False

    until(turned_away, "the list is in force")
    entries.update(acl, {}, {"aclId": acl, "entries": [{"entry": "127.0.0.0/8"}]}, stack.context)
    until(lambda: not turned_away(), "the list names this machine")
    token = "alicloud:alb/listenerAclAttachment:ListenerAclAttachment"
    stack.handler(token).delete(attachment, {}, stack.context)


def test_reordered_access_list_entries_cause_no_drift(balancer: Balancer) -> None:
    stack = balancer.stack
    acl = stack.make("alicloud:alb/acl:Acl", {"aclName": "ordered"}).id
    entries = stack.handler("alicloud:alb/aclEntryAttachment:AclEntryAttachment")
    given = [{"entry": block} for block in ("203.0.113.0/24", "127.0.0.0/8", "198.51.100.0/24")]
    made = entries.create({"aclId": acl, "entries": given}, stack.context)
    assert entries.read(made.id, made.outputs, stack.context)["entries"] == given
    # An entry that was added by hand appears after the known ones.
    known = {**made.outputs, "entries": given[:2]}
    assert entries.read(made.id, known, stack.context)["entries"] == given


# A handshake that the killed proxy interrupts may leave its socket to the garbage collector.
@pytest.mark.filterwarnings("ignore:unclosed <ssl:ResourceWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_killed_proxy_restarts_with_the_same_configuration(balancer: Balancer) -> None:
    with servers(balancer, "one"):
        supervisor = balancer.stack.context.supervisor
        status = supervisor.status(f"alb/{balancer.load_balancer_id}")
        assert status is not None and status.pid is not None
        os.kill(status.pid, signal.SIGKILL)

        def answers() -> bool:
            try:
                return balancer.ask("/").body == b"one"
            except OSError:
                return False

        until(answers, "the proxy is back")
