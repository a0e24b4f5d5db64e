"""A person at the product, over real HTTP and without JavaScript: what they click is a form that they post."""

from __future__ import annotations

import re
import time
from html import unescape

import httpx2

from tests.patience import PATIENCE_S


class Person:
    """Signed in at `url`; every step fails loudly when the product refuses it."""

    def __init__(
        self,
        url: str,
        username: str,
        password: str,
        company: str = "sample-builders",
        transport: httpx2.BaseTransport | None = None,
    ) -> None:
        headers = {
            "Referer": f"{url}/",
            "Connection": "close",
        }
        self.http = httpx2.Client(
            base_url=url, follow_redirects=True, timeout=PATIENCE_S, headers=headers, transport=transport
        )
        self.company = f"/companies/{company}"
        self.get("/login/")
        self.post("/login/", {"username": username, "password": password})
        assert "Sign out" in self.get("/"), f"{username} could not sign in."

    def close(self) -> None:
        self.http.close()

    def get(self, path: str) -> str:
        answer = self.http.get(path)
        assert answer.status_code == 200, f"GET {path}: {answer.status_code}"
        return answer.text

    def post(self, path: str, data: dict[str, object], file: bytes | None = None) -> str:
        data = {**data, "csrfmiddlewaretoken": self.http.cookies["csrftoken"]}
        answer = self.http.post(path, data=data, files={"file": ("codes.csv", file)} if file is not None else None)
        assert answer.status_code == 200, f"POST {path}: {answer.status_code} {answer.text[:300]}"
        return answer.text

    # The admin's part

    def import_list(self, content: bytes, delimiter: str = "-") -> None:
        """Check the file, then import its good rows."""
        address = f"{self.company}/admin/work-breakdown-structure/cost-codes/import/"
        choices = {"delimiter": delimiter, "create_missing": "on"}
        self.get(address)
        checked = self.post(address, choices, content)
        while found := re.search(r'hx-get="([^"]+)"[^>]*>\s*<p>\s*<label for="progress">', checked):  # a long list
            time.sleep(0.5)
            checked = self.get(found[1])
        self.post(address, {**fields_of(checked, "draft", "check", "division"), **choices, "import": "1"})

    def send_all(self, connection_id: object) -> str:
        return self.post(f"{self.company}/erp-integrations/send/", {"connection": connection_id})

    # The approver's part

    def review(self, connection: str) -> Review:
        return Review(self, f"{self.company}/erp-integrations/{connection}/standard-cost-codes/")


class Review:
    def __init__(self, person: Person, address: str) -> None:
        self.person = person
        self.address = address

    def click(self, action: str, search: str = "", **fields: object) -> str:
        """One click on a list read just now, meaning all of it."""
        page = self.person.get(f"{self.address}?q={search}")
        seen_at = re.search(r'name="seen_at" value="([^"]+)"', page)
        assert seen_at, "The page shows no list that may be acted on."
        data = {"filter": "ready-to-export", "q": search, "seen_at": unescape(seen_at[1]), **fields}
        return self.person.post(f"{self.address}{action}/", data)

    def set_accounts(self, income: int, expense: int | str, search: str = "") -> None:
        accounts = {"set_income": income, "set_expense": expense}
        self.click("set-accounts", search, only="ticked", all_matching="1", **accounts)

    def counts(self) -> dict[str, int]:
        """What the panel "Filter Standard Cost Codes By" says."""
        panel = self.person.get(f"{self.address}?filter=all").partition('id="filters"')[2].partition("</nav>")[0]
        found = re.findall(r">([A-Z][A-Za-z ]+) <span class=\"num\">([\d,]+)", panel)
        return {label: int(number.replace(",", "")) for label, number in found}

    def wait_until_finished(self) -> dict[str, int]:
        """The counts, once nothing waits for a worker any more."""
        until = time.monotonic() + PATIENCE_S
        while (counts := self.counts())["In Progress"]:
            assert time.monotonic() < until, f"Still not finished after {PATIENCE_S:g} s: {counts}"
            time.sleep(0.5)
        return counts


def fields_of(page: str, *prefixes: str) -> dict[str, object]:
    """The inputs of a page whose names begin so, as the browser would post them back."""
    inputs = [dict(re.findall(r'([\w-]+)="([^"]*)"', tag)) for tag in re.findall(r"<input[^>]*>", page)]
    found = {i["name"]: unescape(i.get("value", "")) for i in inputs if i.get("name", "").startswith(prefixes)}
    assert found, f"Nothing on the page is named {prefixes}."
    return found
