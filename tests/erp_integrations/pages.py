"""Where the pages of the ERP tool are, and what they say."""

from __future__ import annotations

from typing import Any

from django.test import Client

from erp_integrations import questions
from erp_integrations.models import Question

BASE = "/companies/sample-builders/erp-integrations/"
NEW = f"{BASE}new/practice/"
NEW_VAULT = f"{BASE}new/vault/"
ACCOUNTS = f"{BASE}practice-erp/gl-accounts/"
SYNC = f"{BASE}practice-erp/gl-accounts/sync/"
SETTINGS = f"{BASE}practice-erp/settings/"
VAULT = f"{BASE}vault/settings/"
HTMX = {"HX-Request": "true"}
# Settings as their forms post them.
NORMAL = {"name": "Practice ERP", "income": "", "expense": "", "options-behaviour": "normal"}
REFUSED = {"name": "Vault", "income": "", "options-address": "vault.test", "options-branch": ""}


def text(response: Any) -> str:
    return response.content.decode()


def let_a_worker_answer() -> None:
    """What pages asked of ERPs is asked, as a worker does it."""
    for pk in Question.objects.waiting().values_list("pk", flat=True):
        questions.answer(pk)


def connect(client: Client, url: str, data: dict[str, str]) -> Any:
    """Click on "Connect"; the page that stands there when the ERP has answered."""
    waiting = client.post(url, data)
    assert waiting.status_code == 302, text(waiting)
    let_a_worker_answer()
    return client.get(waiting["Location"], follow=True)


def answer_to_test(client: Client, url: str, data: dict[str, str]) -> str:
    """Click on "Test Connection"; what the page is told when the ERP has answered."""
    asked = text(client.post(url, data, headers=HTMX))
    let_a_worker_answer()
    return text(client.get(polled(asked), headers=HTMX))


def polled(page: str) -> str:
    """The address that a page asks for the answer."""
    return page.partition('data-poll hx-get="' + BASE + "questions/")[2].join((BASE + "questions/", "")).split('"')[0]
