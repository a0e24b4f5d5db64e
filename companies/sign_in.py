"""Sign-in is throttled in a table, by the database's clock: any number of web processes count together."""

from __future__ import annotations

import ipaddress
from datetime import timedelta
from functools import cached_property

from django.conf import settings
from django.db.models.functions import Now
from django.http import HttpRequest

from companies.clock import in_seconds
from companies.models import SignInAttempt

WINDOW = timedelta(minutes=15)
FAILURES_PER_NAME = 5
FAILURES_PER_ADDRESS = 20


class Attempt:
    """One try to sign in. It counts as failed from the start, so that a hundred at once do not all pass."""

    def __init__(self, username: str, network: str) -> None:
        self.limits = {
            f"name:{username.casefold()}"[:200]: FAILURES_PER_NAME,
            f"address:{network}": FAILURES_PER_ADDRESS,
        }
        SignInAttempt.objects.filter(at__lt=in_seconds(-WINDOW.total_seconds())).delete()
        self.rows = SignInAttempt.objects.bulk_create([SignInAttempt(key=key) for key in self.limits])

    @cached_property
    def wait(self) -> timedelta:
        """How long until the next try; not positive when the password may be looked at now."""
        return max(_wait(key, limit) for key, limit in self.limits.items())

    def withdraw(self) -> None:
        """It was not looked at, so it shall not make the wait longer."""
        SignInAttempt.objects.filter(pk__in=[row.pk for row in self.rows]).delete()

    def succeed(self) -> None:
        """The name is trusted again; the address keeps its other failures, which were for other names."""
        self.withdraw()
        SignInAttempt.objects.filter(key=self.rows[0].key).delete()


def _wait(key: str, limit: int) -> timedelta:
    """Until so many failures are older than the window that fewer than `limit` remain beside the newest row, ours."""
    newest_first = SignInAttempt.objects.filter(key=key).annotate(now=Now()).order_by("-at", "-pk")
    row = newest_first[limit : limit + 1].first()
    return row.at + WINDOW - row.now if row else timedelta(0)


def network_of(request: HttpRequest) -> str:
    """The sender's address; of IPv6 the /64, since that is what one sender has. Behind a proxy: as the proxy saw it."""
    address = request.META.get("REMOTE_ADDR", "")
    if settings.BEHIND_PROXY:
        address = request.headers.get("X-Forwarded-For", address).rpartition(",")[2].strip()
    try:
        bits = 64 if ipaddress.ip_address(address).version == 6 else 32
    except ValueError:
        return "unknown"
    return str(ipaddress.ip_network(f"{address}/{bits}", strict=False).network_address)
