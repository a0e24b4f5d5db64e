"""Sign-in is throttled in a table, by the database's clock: any number of web processes count together.

Whoever knows a name can use up their own tries with it, not those of the person (decision 4).
"""

from __future__ import annotations

import ipaddress
import logging
import secrets
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.core import signing
from django.db.models.functions import Now
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.crypto import salted_hmac

from companies.models import SignInAttempt
from core.clock import in_seconds

WINDOW = timedelta(minutes=15)
FAILURES_PER_DEVICE = 5  # for a name that has signed in there before
FAILURES_PER_PAIR = 5  # of a name and a network
FAILURES_PER_ADDRESS = 20  # of a network, whatever the names
FAILURES_PER_NAME = 50  # from all networks together, from devices that do not know it
COOKIE, COOKIE_AGE, NAMES_PER_DEVICE = "device", timedelta(days=365), 8
UNKNOWN = "unknown"  # the network of all whose address cannot be read

logger = logging.getLogger(__name__)


class Attempt:
    """One try to sign in. It counts as failed from the start, so that a hundred at once do not all pass.

    `wait` is how long until the next try; not positive when the password may be looked at now.
    """

    def __init__(self, limits: dict[str, int]) -> None:
        self.rows: list[SignInAttempt] = []
        SignInAttempt.objects.filter(at__lt=in_seconds(-WINDOW.total_seconds())).delete()
        for key, limit in limits.items():  # one after the other: who fails the narrow ones uses up nothing of the wide
            self.rows.append(SignInAttempt.objects.create(key=key[:200]))
            self.wait = _wait(key[:200], limit)
            if self.wait.total_seconds() > 0:
                self._withdraw()  # it is not looked at, so it shall not make the wait longer
                break

    @classmethod
    def of_person(cls, username: str, request: HttpRequest) -> Attempt:
        """A known device has an allowance of its own; what others try with the name does not touch it."""
        name, network, device = username.casefold(), network_of(request), Device.of(request)
        if device.knows(name):
            return cls({f"device:{device.id}:{name}": FAILURES_PER_DEVICE})
        return cls(
            {
                f"pair:{_site_of(network)}:{name}": FAILURES_PER_PAIR,
                f"address:{network}": FAILURES_PER_ADDRESS,
                f"name:{name}": FAILURES_PER_NAME,
            }
        )

    @classmethod
    def of_connector(cls, guid: object, network: str) -> Attempt:
        """Its password has 160 bits: no number of networks guesses it, so none of them is counted with another."""
        return cls({f"connector:{_site_of(network)}:{guid}": FAILURES_PER_PAIR})

    def succeed(self) -> None:
        """The name is trusted again here; the network keeps its other failures, which were for other names."""
        self._withdraw()
        SignInAttempt.objects.filter(key=self.rows[0].key).delete()

    def _withdraw(self) -> None:
        SignInAttempt.objects.filter(pk__in=[row.pk for row in self.rows]).delete()


def _wait(key: str, limit: int) -> timedelta:
    """Until so many failures are older than the window that fewer than `limit` remain beside the newest row, ours."""
    newest_first = SignInAttempt.objects.filter(key=key).annotate(now=Now()).order_by("-at", "-pk")
    row = newest_first[limit : limit + 1].first()
    return row.at + WINDOW - row.now if row else timedelta(0)


@dataclass(frozen=True)
class Device:
    """A browser, and the names that have signed in with it. Its cookie is signed: nobody can add a name to it."""

    id: str
    names: tuple[str, ...] = ()

    @classmethod
    def of(cls, request: HttpRequest) -> Device:
        try:
            id_, *names = signing.loads(request.COOKIES.get(COOKIE, ""), salt=COOKIE, max_age=COOKIE_AGE)
        except signing.BadSignature:
            return cls(secrets.token_urlsafe(12))
        return cls(id_, tuple(names))

    def knows(self, username: str) -> bool:
        return _mark(username) in self.names

    def remember(self, username: str, response: HttpResponse) -> None:
        """From now on this device knows the name; of many names, the latest."""
        mark = _mark(username)
        names = [mark, *(name for name in self.names if name != mark)][:NAMES_PER_DEVICE]
        response.set_cookie(
            COOKIE,
            signing.dumps([self.id, *names], salt=COOKIE),
            max_age=COOKIE_AGE,
            path=reverse("companies:sign_in"),
            secure=settings.SESSION_COOKIE_SECURE,
            httponly=True,
            samesite="Lax",
        )


def _mark(username: str) -> str:
    """What stands for the name in the cookie, which others who use the device can read."""
    return salted_hmac(COOKIE, username.casefold()).hexdigest()[:16]


def network_of(request: HttpRequest) -> str:
    """The sender's address; of IPv6 the /64, since that is what one sender has. Behind a proxy: as the proxy saw it."""
    told = request.META.get("REMOTE_ADDR", "")
    if settings.BEHIND_PROXY:
        told = request.headers.get("X-Forwarded-For", told).rpartition(",")[2].strip()
    try:
        return _network(_without_port(told), bits=64)
    except ValueError:
        logger.warning("The address of a visitor cannot be read, so it counts with all others like it: %r", told[:100])
        return UNKNOWN


def _site_of(network: str) -> str:
    """For one name: of IPv6 the /48, which many get as easily as a /64."""
    return network if network == UNKNOWN else _network(network, bits=48)


def _without_port(told: str) -> str:
    """Some proxies write 192.0.2.1:5678 or [2001:db8::1]:443."""
    if told.startswith("["):
        return told[1:].partition("]")[0]
    return told.partition(":")[0] if told.count(":") == 1 else told


def _network(told: str, bits: int) -> str:
    """`bits` are of IPv6. What a listener for both kinds writes as ::ffff:192.0.2.1 is IPv4. Raises ValueError."""
    address = ipaddress.ip_address(told)
    if isinstance(address, ipaddress.IPv6Address):
        address = address.ipv4_mapped or address
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    return str(ipaddress.IPv6Network((int(address), bits), strict=False).network_address)
