"""A mail server on loopback that keeps what it is given as files, a process of its own that can be killed."""

from __future__ import annotations

import email
import email.policy
import smtplib
import sys
from email.message import EmailMessage
from pathlib import Path

from tests.patience import PATIENCE_S
from tests.servers.programs import ROOT
from tests.servers.server import Server


class MailServer(Server):
    name = "SMTP"

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"

    @property
    def working_folder(self) -> Path:
        return ROOT  # where it finds its box

    def command(self) -> list[str]:
        keep = ["--class", "tests.servers.smtp_box.Box", str(self.folder / "box")]
        return [sys.executable, "-m", "aiosmtpd", "--nosetuid", "--listen", f"127.0.0.1:{self.port}", *keep]

    def is_ready(self) -> bool:
        try:
            with smtplib.SMTP("127.0.0.1", self.port, timeout=PATIENCE_S) as client:
                return client.noop()[0] == 250
        except OSError:
            return False

    def mails(self) -> list[EmailMessage]:
        """In the order in which they came."""
        kept = sorted((self.folder / "box" / "new").glob("*"), key=lambda path: path.stat().st_mtime_ns)
        return [email.message_from_bytes(path.read_bytes(), policy=email.policy.default) for path in kept]  # type: ignore[misc]
