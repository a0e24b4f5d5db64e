"""Which addresses of ERPs may be called: nobody may use us to reach into the network that we run in."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from functools import lru_cache

import httpx2
from django.conf import settings

from erp_integrations.errors import ConfigurationError

DEFAULT_PORTS = {"http": 80, "https": 443}
NAME = re.compile(r"(?=.{1,253}$)([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")
NUMBER = re.compile(r"\d+|0x[0-9a-f]*")  # as the last part of a name it makes the whole an odd spelling of an address

# What Python calls global depends on its version, so these are our own, from IANA's registries of special addresses.
SPECIAL_4 = tuple(
    ipaddress.IPv4Network(text)
    for text in (
        "0.0.0.0/8",  # this network, unspecified
        "10.0.0.0/8",
        "100.64.0.0/10",  # shared by customers of a provider
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",  # protocols
        "192.0.2.0/24",  # documentation, as are 198.51.100 and 203.0.113
        "192.88.99.0/24",  # relays of 6to4
        "192.168.0.0/16",
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/3",  # multicast, reserved, broadcast
    )
)
# IPv6 has one range of public addresses. All else is private, such as ::1, fe80::, fd00::, ff00:: and whatever wraps an
# IPv4 address: ::a.b.c.d, ::ffff:a.b.c.d, ::ffff:0:a.b.c.d, 64:ff9b::a.b.c.d, 64:ff9b:1::.
PUBLIC_6 = ipaddress.IPv6Network("2000::/3")
SPECIAL_6 = tuple(
    ipaddress.IPv6Network(text)
    for text in (
        "2001::/23",  # protocols: Teredo, benchmarks, identifiers
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4
        "3fff::/20",  # documentation
    )
)
ISATAP = (0x00005EFE, 0x02005EFE)  # the third quarter of a tunnelled address, whatever its network


def require_allowed(url: str) -> httpx2.URL:
    """The address of a web server that the settings allow, in one spelling; what only a look-up tells is not asked.

    Raises ConfigurationError with a sentence for whoever entered it.
    """
    address = parse(url)
    host, port = address.raw_host.decode(), port_of(address)
    if settings.ERP_ALLOWED_PORTS and port not in settings.ERP_ALLOWED_PORTS and (host, port) not in _listed():
        message = f"This installation calls no ERP on port {port}. Enter another port, or have the operator allow it."
        raise ConfigurationError(message, "see ERP_ALLOWED_PORTS")
    if address.scheme == "http" and not is_localhost(host) and not _is_listed(host, port):
        message = f"http://{host} would send the password unencrypted. Use https, or have the operator allow this host."
        raise ConfigurationError(message, "see ERP_ALLOWED_HOSTS")
    if is_literal(host) or is_localhost(host):
        require_public(host, port, [host if is_literal(host) else "127.0.0.1"])
    return address


def require_public(host: str, port: int, addresses: Iterable[str]) -> None:
    """Raises ConfigurationError if one of a host's addresses is private, unless the operator allows that."""
    if settings.ERP_ALLOW_PRIVATE_ADDRESSES or _is_listed(host, port) or all(map(is_public, addresses)):
        return
    message = f"{host} is on a private network, which this installation does not allow. Ask the operator to allow it."
    raise ConfigurationError(message, "see ERP_ALLOWED_HOSTS")


@lru_cache(maxsize=256)
def parse(url: str) -> httpx2.URL:
    """Raises ConfigurationError for what is not the address of a web server, or carries a password."""
    try:
        parsed = httpx2.URL(url)
        host = parsed.raw_host.decode()
        if parsed.scheme in DEFAULT_PORTS and not parsed.userinfo and 0 < port_of(parsed) < 65536:
            return parsed.copy_with(host=_in_one_spelling(host))
    except (httpx2.InvalidURL, ValueError):
        pass
    raise ConfigurationError("The address is not one of a web server. It looks like https://erp.example.com.")


def port_of(address: httpx2.URL) -> int:
    return DEFAULT_PORTS[address.scheme] if address.port is None else address.port


def is_public(address: str) -> bool:
    """Whether an address belongs to the public internet, and not by way of a translation or a tunnel."""
    parsed = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(parsed, ipaddress.IPv4Address):
        return parsed.is_global and not any(parsed in network for network in SPECIAL_4)
    is_tunnelled = int(parsed) >> 32 & 0xFFFFFFFF in ISATAP
    is_special = is_tunnelled or any(parsed in network for network in SPECIAL_6)
    return parsed.is_global and parsed in PUBLIC_6 and not is_special


def is_literal(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def is_localhost(host: str) -> bool:
    return host == "localhost" or (is_literal(host) and ipaddress.ip_address(host).is_loopback)


def _in_one_spelling(host: str) -> str:
    """Raises ValueError for what is neither a name nor an address in its usual form."""
    if is_literal(host) and "%" not in host:
        return str(ipaddress.ip_address(host))
    name = host.removesuffix(".")
    if not NAME.fullmatch(name) or NUMBER.fullmatch(name.rpartition(".")[2]):
        raise ValueError(host)
    return name


def _is_listed(host: str, port: int) -> bool:
    """The operator vouches for this host: it may be on a private network, and plain http to it is safe there."""
    return not _listed().isdisjoint([(host, None), (host, port)])


def _listed() -> frozenset[tuple[str, int | None]]:
    return frozenset(map(host_and_port, settings.ERP_ALLOWED_HOSTS))


@lru_cache(maxsize=256)
def host_and_port(entry: str) -> tuple[str, int | None]:
    """Of an entry such as erp.example.com, erp.example.com:8000, fd00::1 or [fd00::1]:8000. Raises ValueError."""
    if is_literal(entry):
        return _in_one_spelling(entry), None
    try:
        parsed = httpx2.URL(f"any://{entry}")
    except httpx2.InvalidURL as error:
        raise ValueError(entry) from error
    if parsed.userinfo or parsed.raw_path != b"/":
        raise ValueError(entry)
    return _in_one_spelling(parsed.raw_host.decode()), parsed.port
