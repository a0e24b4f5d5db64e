from __future__ import annotations

from typing import Any

import pytest

from config.checks import check_broker, check_mail


@pytest.mark.parametrize(("url", "found"), [("", ["config.W001"]), ("redis://localhost:6379/0", [])])
def test_processes_without_a_broker_are_told(settings: Any, url: str, found: list[str]) -> None:
    settings.REDIS_URL = url

    assert [message.id for message in check_broker()] == found


@pytest.mark.parametrize(("host", "found"), [("", ["config.W002"]), ("mail.example.com", [])])
def test_an_installation_that_cannot_send_mail_is_told(settings: Any, host: str, found: list[str]) -> None:
    settings.EMAIL_HOST = host

    assert [message.id for message in check_mail()] == found
