"""One schedule of a soak: its companies, what breaks, what people click, and what the referee says in the end."""

from __future__ import annotations

import os
import re
import signal
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from html import unescape
from pathlib import Path
from typing import Any

import httpx2
import psycopg
from django.db import connection as database

from companies.models import Level
from erp_integrations.base import AccountKind, CodeData
from exports import services
from tests import factories
from tests.faults import soak, soak_plants
from tests.faults.careless import Books, note
from tests.faults.soak import Servers, Told, at_times, dice_of, in_threads, wait_for
from tests.faults.soak_referee import journal, violations
from tests.patience import PATIENCE_S
from wbs.lists.checking import NewCode

# What is under way of itself: codes, and what a click asked a worker to do, such as to link a code.
UNDER_WAY = (
    "SELECT (SELECT COUNT(*) FROM exports_codeexport WHERE status IN ('QUEUED', 'EXPORTING', 'UNKNOWN') AND {mine})"
    " + (SELECT COUNT(*) FROM erp_integrations_question WHERE answered_at IS NULL AND {mine})"
)
EVERY_S = 1.2  # between two faults, about
CLICKS = {
    "export": 30,
    "export some": 20,
    "reject some": 12,
    "undo": 8,
    "retry failed": 8,
    "retry in review": 6,
    "set accounts": 8,
    "cancel one": 5,
    "link one": 4,
    "unlink one": 2,
    "send again": 8,
    "recall": 3,
    "look": 8,
}
FAULTS = {
    "a worker killed": 6,
    "a child of a worker killed": 6,
    "a worker frozen beyond its lease": 4,
    "beat killed": 2,
    "broker emptied": 6,
    "broker killed": 3,
    "a database session killed": 8,
    "database killed": 1,
}


class Schedule:
    def __init__(self, seed: str, codes: int, folder: Path, servers: Servers) -> None:
        folder.mkdir()
        self.told = Told(seed)
        self.servers = servers
        number = max(1, min(soak.COMPANIES, codes // 25))
        sizes = [codes // number + (place < codes % number) for place in range(number)]
        self.companies = [Site(f"{seed}-{place}", size, folder, self) for place, size in enumerate(sizes)]

    @property
    def books(self) -> dict[int, Path]:
        return {site.connection.pk: site.books.path for site in self.companies}

    @property
    def mine(self) -> str:
        return f"connection_id IN ({', '.join(map(str, self.books))})"

    def run(self, seconds: float) -> Told:
        raised = in_threads(*(site.enter for site in self.companies))
        until = time.monotonic() + seconds
        clicking = [partial(site.click_until, until) for site in self.companies]
        raised += in_threads(partial(self.break_things, seconds), *clicking)
        self.told.violations += [f"a person was stopped by {words}" for words in raised]
        for site in self.companies:
            site.books.calm.touch()
        self.servers.put_up()
        if not wait_for(lambda: self.ask(UNDER_WAY) == 0):
            self.told.violations.append("something is under way for ever")
        self.judge()
        return self.told

    def ask(self, query: str) -> int:
        with self.servers.connect() as session:
            [number] = session.execute(query.format(mine=self.mine)).fetchone()
        return int(number)

    def judge(self) -> None:
        told = self.told
        with self.servers.connect() as session:
            session.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ  # all of it as at one moment
            told.violations += violations(session, self.books)
            query = f"SELECT status, COUNT(*) FROM exports_codeexport WHERE {self.mine} GROUP BY status"  # noqa: S608
            told.states = Counter(dict(session.execute(query).fetchall()))
        told.codes = sum(told.states.values())
        if not told.states["SUCCESS"]:
            told.violations.append("no code became Success: a schedule in which nothing happens proves nothing")
        for path in self.books.values():
            told.moods.update(line["mood"] for line in journal(path) if line["event"] in ("find", "export"))
        if not told.violations:
            told.planted, told.blind_to = soak_plants.plant(self.servers.connect, self.books)

    # What breaks

    def break_things(self, seconds: float) -> None:
        dice, second, deeds = dice_of(self.told.seed, "faults"), 1.0, []
        while second < seconds:
            name = dice.choices([*FAULTS], [*FAULTS.values()])[0]
            deeds.append((second, partial(self.strike, name, dice.random())))
            second += dice.uniform(0.5, 1.5) * EVERY_S
        at_times(deeds)

    def strike(self, name: str, which: float) -> None:
        self.told.faults[name] += 1
        workers, beat, broker = self.servers.workers, self.servers.beat, self.servers.broker
        worker = workers[int(which * len(workers))]
        match name:
            case "a worker killed":
                worker.kill()
                worker.restart()
            case "a child of a worker killed":
                kill(worker.child_ids()[-1:], signal.SIGKILL)
            case "a worker frozen beyond its lease":
                children = worker.child_ids()
                kill(children, signal.SIGSTOP)
                time.sleep(2.5)
                kill(children, signal.SIGCONT)
            case "beat killed":
                beat.kill()
                beat.restart()
            case "broker emptied":
                broker.empty()
            case "broker killed":
                broker.kill()
                time.sleep(which)
                broker.restart()
            case "a database session killed":
                with self.servers.connect() as session:
                    others = "datname = current_database() AND pid <> pg_backend_pid()"
                    query = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {others}"  # noqa: S608
                    session.execute(f"{query} ORDER BY md5(pid::text || %s) LIMIT 1", [str(which)])
            case "database killed":
                self.servers.database.kill()
                self.servers.database.restart()


def kill(process_ids: list[int], how: signal.Signals) -> None:
    for pid in process_ids:
        with suppress(ProcessLookupError):
            os.kill(pid, how)


class Site:
    """A company with its ERP, and the person who clicks there."""

    def __init__(self, slug: str, size: int, folder: Path, schedule: Schedule) -> None:
        self.slug, self.told, self.dice = slug.replace(".", "-"), schedule.told, dice_of(slug, "clicks")
        self.books = Books(folder / f"{self.slug}.sqlite3")
        url = schedule.servers.web.url
        self.base = f"/companies/{self.slug}/erp-integrations/erp/standard-cost-codes/"
        self.http = httpx2.Client(
            base_url=url, headers={"Referer": f"{url}/"}, timeout=PATIENCE_S, follow_redirects=True
        )
        company = factories.make_company(self.slug, self.slug)
        self.person = factories.make_member(f"person-{self.slug}", company, Level.ADMIN, Level.ADMIN, approver=True)
        options = {"books": str(self.books.path), "seed": slug}
        self.connection = factories.make_connection(company, erp="careless", name="ERP", slug="erp", options=options)
        self.income = factories.make_account(self.connection, "4000")
        self.expense = factories.make_account(self.connection, "5000", AccountKind.COST_OF_GOODS_SOLD)
        self.add_codes(company, size)
        database.close()

    def add_codes(self, company: Any, size: int) -> None:
        """All of them sent, and a few that someone else typed into the ERP before."""
        segment = factories.make_segment(company)
        codes = [NewCode((f"{place // 50:02}", f"{place:04}"), f"Code {place}") for place in range(size)]
        divisions = [NewCode((tiers,), "Division") for tiers in dict.fromkeys(code.tiers[0] for code in codes)]
        segment.add_codes([*divisions, *codes], segment.delimiter, None)
        with self.books.open() as journal_of_erp:
            for code in self.dice.sample(codes, size // 50):
                name = segment.delimiter.join(code.tiers)
                typed = CodeData("", name, "Typed here", (), self.income.remote_id)
                pk = note(journal_of_erp, "item", "typed", typed)
                journal_of_erp.execute("UPDATE journal SET reference = NULL WHERE id = ?", [pk])
        services.send_codes(self.person, self.connection, None)

    # The person

    def enter(self) -> None:
        """Sign in and set the accounts of all codes, while nothing breaks yet."""
        assert wait_for(self.signs_in), f"{self.slug} could not sign in"
        self.click("set accounts", "")

    def click_until(self, moment: float) -> None:
        while time.monotonic() < moment:
            self.click(self.dice.choices([*CLICKS], [*CLICKS.values()])[0], f"{self.dice.randrange(100):02}")
            time.sleep(self.dice.uniform(0, 0.4))
        self.http.close()

    def signs_in(self) -> bool:
        self.http.get("/login/")
        self.post("/login/", username=self.person.user.username, password=factories.PASSWORD)
        return "Sign out" in self.page("/")

    def click(self, what: str, digits: str) -> None:
        self.told.clicks[what] += 1
        act: Callable[[str], None] = getattr(self, what.replace(" ", "_"))
        act(digits)

    def page(self, address: str) -> str:
        answer = self.http.get(address)
        self.watch(answer)
        return str(answer.text)

    def post(self, address: str, **fields: object) -> None:
        token = self.http.cookies.get("csrftoken", "")
        self.watch(self.http.post(address, data={**fields, "csrfmiddlewaretoken": token}))

    def watch(self, answer: httpx2.Response) -> None:
        """Pages may say no, or that the database is away; they never break."""
        if answer.status_code >= 500 and answer.status_code != 503:
            where = f"{answer.request.method} {answer.request.url.path}"
            self.told.violations.append(f"HTTP {answer.status_code} at {where}")

    def act(self, action: str, filter: str, search: str, **fields: object) -> None:
        """A click on the whole of a list that was read just now."""
        page = self.page(f"{self.base}?filter={filter}&q={search}")
        if seen := re.search(r'name="seen_at" value="([^"]+)"', page):
            self.post(f"{self.base}{action}/", filter=filter, q=search, seen_at=unescape(seen[1]), **fields)

    def one_of(self, filter: str) -> str:
        """A row of a list: its id on the page."""
        rows = re.findall(r'<tr id="export-(\d+)"', self.page(f"{self.base}?filter={filter}"))
        return str(self.dice.choice(rows)) if rows else ""

    def export(self, digits: str) -> None:
        self.act("export", "ready-to-export", "")

    def export_some(self, digits: str) -> None:
        self.act("export", "all", digits)

    def reject_some(self, digits: str) -> None:
        self.act("reject", "all", digits)

    def undo(self, digits: str) -> None:
        batches = re.findall(r"history/(\d+)/", self.page(self.base.replace("standard-cost-codes", "history")))
        for batch in batches[:3]:
            self.post(f"{self.base}batches/{batch}/undo/")

    def retry_failed(self, digits: str) -> None:
        self.act("retry", "failed-to-export", "", only="ticked", all_matching="1")

    def retry_in_review(self, digits: str) -> None:
        self.act("retry", "needs-review", "", only="ticked", all_matching="1")

    def set_accounts(self, digits: str) -> None:
        expense = self.expense.pk if int(digits or 0) % 3 else "none"
        chosen = {"set_income": self.income.pk, "set_expense": expense}
        self.act("set-accounts", "ready-to-export", digits, only="ticked", all_matching="1", **chosen)

    def cancel_one(self, digits: str) -> None:
        if pk := self.one_of("in-progress"):
            self.post(f"{self.base}{pk}/cancel/")

    def link_one(self, digits: str) -> None:
        if pk := self.one_of("needs-review"):
            found = re.search(r'name="remote_id" value="([^"]+)"', self.page(f"{self.base}{pk}/"))
            self.post(f"{self.base}{pk}/link/", remote_id=found[1] if found else "R1")

    def unlink_one(self, digits: str) -> None:
        if pk := self.one_of("synced"):
            self.post(f"{self.base}{pk}/unlink/", reason="A mistake")

    def send_again(self, digits: str) -> None:
        rows = re.findall(r'name="item" value="(\d+)"', self.page(self.codes_page(f"?q={digits}")))
        self.post(self.base.replace("erp/standard-cost-codes", "send"), connection=self.connection.pk, item=rows[:50])

    def recall(self, digits: str) -> None:
        rows = re.findall(r'name="item" value="(\d+)"', self.page(self.codes_page(f"?q={digits}")))
        self.post(self.base.replace("erp/standard-cost-codes", "recall"), item=rows[:5])

    def look(self, digits: str) -> None:
        for tab in ("standard-cost-codes", "history", "gl-accounts"):
            self.page(self.base.replace("standard-cost-codes", tab))

    def codes_page(self, query: str) -> str:
        return f"/companies/{self.slug}/admin/work-breakdown-structure/cost-codes/{query}"
