"""What the mail server of the tests does with a mail; runs inside its process."""

from __future__ import annotations

from typing import Any

from aiosmtpd.handlers import Mailbox


class Box(Mailbox):
    """Keeps every mail, refuses nobody@ for good, and puts later@ off."""

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: list[str]) -> str:
        if address.startswith("nobody@"):
            return "550 There is no such mailbox"
        if address.startswith("later@"):
            return "450 Try again later"
        envelope.rcpt_tos.append(address)
        return "250 OK"
