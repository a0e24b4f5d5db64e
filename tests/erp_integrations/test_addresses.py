"""Which addresses may be called, and that the one that was checked is the one that is connected to.

No test reaches out: names are looked up by a resolver of the test, and only loopback is ever connected to.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings

from erp_integrations import addresses, http
from erp_integrations.addresses import is_public, require_allowed
from erp_integrations.errors import ConfigurationError, TransientError, UncertainError
from erp_integrations.http import Conversation
from tests.servers.raw import RawServer, read_request
from tests.servers.tls import client_context, make_certificate, server_context

pytestmark = pytest.mark.once

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
Resolve = Callable[..., list[str]]


@pytest.fixture
def in_production(settings: LazySettings) -> LazySettings:
    settings.ERP_ALLOW_PRIVATE_ADDRESSES = False
    settings.ERP_ALLOWED_HOSTS = []
    settings.ERP_ALLOWED_PORTS = frozenset({80, 443, 8000, 8069, 8443})
    return settings


@pytest.fixture
def resolve(monkeypatch: pytest.MonkeyPatch) -> Resolve:
    """`resolve(["127.0.0.1"], ["127.0.0.2"])` answers the next look-ups so; tells who was asked for."""

    def answer(*answers: Iterable[str]) -> list[str]:
        asked: list[str] = []
        rest = iter(answers)

        def getaddrinfo(host: str, *words: Any, **named: Any) -> list[Any]:
            asked.append(host)
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 0)) for address in next(rest)]

        def for_names(host: str, *words: Any, **named: Any) -> list[Any]:
            return (real if addresses.is_literal(host) else getaddrinfo)(host, *words, **named)

        real = socket.getaddrinfo
        monkeypatch.setattr(socket, "getaddrinfo", for_names)
        return asked

    return answer


def post(url: str) -> Any:
    with Conversation("The ERP", 60) as conversation:
        return conversation.post_json(url, {"password": "secret"}, lost=UncertainError)


def refusal(url: str) -> str:
    with pytest.raises(ConfigurationError) as caught:
        require_allowed(url)
    assert "ERP_ALLOWED" in caught.value.detail or "https://erp.example.com" in caught.value.message
    return caught.value.message


# Private addresses

PRIVATE = {
    "unspecified": ["0.0.0.0", "0.1.2.3", "::"],  # noqa: S104
    "loopback": ["127.0.0.1", "127.255.255.254", "::1"],
    "private": ["10.0.0.1", "10.255.255.255", "172.16.0.1", "172.31.255.255", "192.168.0.9", "fc00::1", "fd12::1"],
    "link-local": ["169.254.169.254", "169.254.0.1", "fe80::1", "fe80::1%eth0", "febf::1", "fec0::1"],
    "shared": ["100.64.0.1", "100.127.255.255"],
    "multicast": ["224.0.0.1", "239.255.255.255", "ff02::1", "ff0e::1"],
    "reserved": ["240.0.0.1", "255.255.255.255", "192.0.0.1", "192.0.0.8", "192.0.0.200", "4000::1", "fe00::1", "1::1"],
    "documentation": ["192.0.2.1", "198.51.100.1", "203.0.113.1", "2001:db8::1", "3fff::1", "3fff:fff::1"],
    "benchmarks": ["198.18.0.1", "198.19.255.255", "2001:2::1"],
    "discarded": ["100::1"],
    "mapped": ["::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:8.8.8.8"],
    "compatible": ["::127.0.0.1", "::10.0.0.1", "::8.8.8.8"],
    "translated": [
        "::ffff:0:10.0.0.1",
        "64:ff9b::10.0.0.1",
        "64:ff9b::127.0.0.1",
        "64:ff9b::8.8.8.8",
        "64:ff9b:1::10.0.0.1",
        "64:ff9b:1:fffe::1",
    ],
    "tunnelled": [
        "2002:a00:1::1",  # 6to4 to 10.0.0.1
        "2002:808:808::1",
        "192.88.99.1",
        "2001::1",
        "2001:0:808:808:0:fff:f5ff:fffe",  # Teredo from 10.0.0.1
        "2606:4700::5efe:10.0.0.1",  # ISATAP
        "2606:4700::200:5efe:10.0.0.1",
        "fe80::5efe:8.8.8.8",
    ],
}


@pytest.mark.parametrize(("kind", "address"), [(kind, each) for kind, all_ in PRIVATE.items() for each in all_])
def test_every_form_of_a_private_address_is_private(
    kind: str, address: str, in_production: LazySettings, resolve: Resolve
) -> None:
    assert not is_public(address)

    resolve([address])
    with pytest.raises(ConfigurationError, match="private network"):
        post("https://erp.example.com/")


PUBLIC = """
    8.8.8.8 1.1.1.1 9.255.255.255 11.0.0.1 100.63.255.255 100.128.0.1 172.15.0.1 172.32.0.1 192.0.1.1 192.88.98.1
    198.17.0.1 198.20.0.1 223.255.255.255 2606:4700::1111 2001:4860:4860::8888 2001:200::1 2003::1 2a00::1
"""


@pytest.mark.parametrize("address", PUBLIC.split())
def test_their_neighbours_are_public(address: str) -> None:
    assert is_public(address)


def test_one_private_address_among_public_ones_is_enough(in_production: LazySettings, resolve: Resolve) -> None:
    resolve(["8.8.8.8", "10.0.0.1"])

    with pytest.raises(ConfigurationError, match="private network"):
        post("https://erp.example.com/")


# Spellings


@pytest.mark.parametrize(
    "host",
    [
        "2130706433",  # 127.0.0.1 in one number
        "0x7f000001",
        "0x7f.1",
        "127.1",
        "127.0.1",
        "0177.0.0.1",
        "0x7f.0.0.1",
        "127.0.0.0x1",
        "127.0.0.1.",
        "127.0.0.1..",
        "erp.1",
        "%31%32%37.0.0.1",
        "\uff11\uff12\uff17.0.0.1",  # full width
        "[fe80::1%eth0]",
        "[fe80::1%25eth0]",
        "[::1",
        "erp..example.com",
        ".example.com",
        "-erp.example.com",
        "erp-.example.com",
        "erp example.com",
        "erp.example.com\\.elsewhere.com",
        "e" * 64 + ".example.com",
        "erp." * 70 + "com",
    ],
)
def test_an_odd_spelling_is_no_address(host: str) -> None:
    assert "https://erp.example.com" in refusal(f"https://{host}/")


@pytest.mark.parametrize(
    "url",
    [
        "erp.example.com",
        "ftp://erp.example.com",
        "https://",
        "https://me:pw@erp.example.com",
    ]
    + [f"https://erp.example.com:{port}" for port in ("0", "-1", "65536", "port", "4 4 3")],
)
def test_what_is_no_web_address_is_refused(url: str) -> None:
    refusal(url)
    with pytest.raises(ConfigurationError):
        post(url)


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://ERP.Example.com", b"erp.example.com"),
        ("https://erp.example.com.", b"erp.example.com"),
        ("https://b\u00fccher.example", b"xn--bcher-kva.example"),
        ("https://xn--bcher-kva.example", b"xn--bcher-kva.example"),
        ("https://erp\u3002example\u3002com", b"erp.example.com"),
        ("https://[2606:4700:0:0::1111]:8443", b"2606:4700::1111"),
        ("https://erp_1.example.com", b"erp_1.example.com"),
    ],
)
def test_a_host_has_one_spelling(url: str, host: bytes) -> None:
    assert require_allowed(url).raw_host == host


LOCAL = """
    127.0.0.1 localhost LOCALHOST localhost. 127\u30020\u30020\u30021 10.1.2.3
    [::1] [::ffff:127.0.0.1] [64:ff9b::a00:1]
"""


@pytest.mark.parametrize("host", LOCAL.split())
def test_what_is_known_to_be_private_is_refused_without_a_look_up(host: str, in_production: LazySettings) -> None:
    assert "private network" in refusal(f"https://{host}/")


# Ports and schemes


@pytest.mark.parametrize("port", [22, 25, 6379, 5432, 8080])
def test_other_ports_are_refused(port: int, in_production: LazySettings) -> None:
    assert f"on port {port}" in refusal(f"https://erp.example.com:{port}/")


@pytest.mark.parametrize("port", ["", ":443", ":8000", ":8069", ":8443"])
def test_the_ports_of_erps_are_not(port: str, in_production: LazySettings) -> None:
    require_allowed(f"https://erp.example.com{port}/")


def test_without_a_list_any_port_goes(in_production: LazySettings) -> None:
    in_production.ERP_ALLOWED_PORTS = frozenset()

    require_allowed("https://erp.example.com:12345/")


@pytest.mark.parametrize("private", [True, False])
@pytest.mark.parametrize("host", ["erp.example.com", "localhost.example.com", "8.8.8.8", "[2606:4700::1111]"])
def test_a_password_is_never_sent_unencrypted(host: str, private: bool, in_production: LazySettings) -> None:
    in_production.ERP_ALLOW_PRIVATE_ADDRESSES = private

    told = refusal(f"http://{host}/")

    assert told.endswith("would send the password unencrypted. Use https, or have the operator allow this host.")


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.1.2.3", "[::1]"])
def test_except_on_the_same_machine(host: str, in_production: LazySettings) -> None:
    in_production.ERP_ALLOW_PRIVATE_ADDRESSES = True

    require_allowed(f"http://{host}/")


@pytest.mark.parametrize(
    ("entry", "url"),
    [
        ("erp.internal", "http://erp.internal:8000/"),
        ("ERP.internal.", "http://erp.Internal:8000/"),
        ("erp.internal:9000", "http://erp.internal:9000/"),
        ("erp.internal:443", "https://erp.internal/"),
        ("b\u00fccher.example", "http://xn--bcher-kva.example/"),
        ("10.0.0.1", "http://10.0.0.1:8069/"),
        ("10.0.0.1:9000", "http://10.0.0.1:9000/"),
        ("fd00::1", "http://[fd00::1]:8000/"),
        ("[fd00:0::1]:9000", "http://[fd00::1]:9000/"),
    ],
)
def test_the_operator_allows_a_host(entry: str, url: str, in_production: LazySettings) -> None:
    in_production.ERP_ALLOWED_HOSTS = [entry]

    require_allowed(url)


@pytest.mark.parametrize(
    ("entry", "url"),
    [
        ("erp.internal", "http://erp.internal:9000/"),
        ("erp.internal:9000", "http://erp.internal:9001/"),
        ("erp.internal:9000", "http://erp.internal:8000/"),
        ("erp.internal", "http://other.erp.internal/"),
        ("erp.internal", "http://erp.internal.example.com/"),
        ("10.0.0.1", "https://10.0.0.2/"),
        ("10.0.0.1", "https://[::ffff:10.0.0.1]/"),
    ],
)
def test_and_no_other(entry: str, url: str, in_production: LazySettings) -> None:
    in_production.ERP_ALLOWED_HOSTS = [entry]

    refusal(url)


# What was checked is what is connected to


def serve(request: bytes, connection: socket.socket) -> None:
    while request:
        connection.sendall(OK)
        request = read_request(connection)


@pytest.fixture
def certificate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    certificate = make_certificate(tmp_path, "erp.example.com")
    monkeypatch.setattr(http, "_trusted", lambda: client_context(certificate))
    return certificate


def test_the_server_is_told_and_proves_its_name(certificate: Path, resolve: Resolve) -> None:
    context, named = server_context(certificate), []
    context.sni_callback = lambda connection, name, context: named.append(name)
    asked = resolve(["127.0.0.1"])
    with RawServer(serve, context) as server:
        assert post(f"https://ERP.example.com.:{server.port}/") == {}
        assert f"Host: erp.example.com:{server.port}\r\n".encode() in server.requests[0]

    assert asked == named == ["erp.example.com"]


def test_a_certificate_of_another_name_is_refused(certificate: Path, resolve: Resolve) -> None:
    resolve(["127.0.0.1"])
    with (
        RawServer(serve, server_context(certificate)) as server,
        pytest.raises(ConfigurationError, match="certificate"),
    ):
        post(f"https://other.example.com:{server.port}/")

    assert server.requests == []


@pytest.fixture
def public(monkeypatch: pytest.MonkeyPatch) -> str:
    """An address of this machine that is taken for a public one."""
    monkeypatch.setattr(addresses, "is_public", lambda address: address == "127.0.0.2")
    return "127.0.0.2"


def test_a_name_that_changes_its_address_after_the_check_gains_nothing(
    in_production: LazySettings, public: str, certificate: Path, resolve: Resolve
) -> None:
    asked = resolve([public], ["127.0.0.1"], ["127.0.0.1"])
    with RawServer(serve, server_context(certificate), host=public) as server:
        in_production.ERP_ALLOWED_PORTS = frozenset()
        assert post(f"https://erp.example.com:{server.port}/") == {}

    assert asked == ["erp.example.com"]
    assert len(server.requests) == 1


def test_each_new_connection_is_checked(
    in_production: LazySettings, public: str, certificate: Path, resolve: Resolve
) -> None:
    def once(request: bytes, connection: socket.socket) -> None:
        connection.sendall(OK.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))

    asked = resolve([public], ["127.0.0.1"])
    in_production.ERP_ALLOWED_PORTS = frozenset()
    with RawServer(once, server_context(certificate), host=public) as server, Conversation("The ERP", 60) as calls:
        url = f"https://erp.example.com:{server.port}/"
        calls.post_json(url, 1)
        with pytest.raises(ConfigurationError, match="private network"):
            calls.post_json(url, 2, lost=UncertainError)

    assert asked == ["erp.example.com"] * 2
    assert len(server.requests) == 1


def test_the_next_address_is_tried_where_one_does_not_answer(certificate: Path, resolve: Resolve) -> None:
    with RawServer(serve, server_context(certificate)) as server:
        resolve(["127.0.0.3", "127.0.0.2", "127.0.0.1"])  # nobody listens at the first two
        assert post(f"https://erp.example.com:{server.port}/") == {}


def test_a_host_without_an_address_is_transient(in_production: LazySettings) -> None:
    with pytest.raises(TransientError, match="the name in its address is not known"):
        post("https://nowhere.invalid/")
