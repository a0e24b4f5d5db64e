"""Pictures of every page of the demo, to be looked at: `.venv/bin/python -m tests.screenshots [FOLDER]`.

Starts the product as `bin/run` does, on its demo, and goes through the pages as each person, in light, dark, narrow
(390 px) and print. Without FOLDER only the picture of the README is made anew.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

from tests.servers import chromium
from tests.servers.product import Product
from tests.servers.programs import ROOT

README_PICTURE = ROOT / "docs/img/review.png"
WIDE = {"width": 1440, "height": 900}
MODES: dict[str, dict[str, Any]] = {
    "light": {"viewport": WIDE},
    "dark": {"viewport": WIDE, "color_scheme": "dark"},
    "narrow": {"viewport": {"width": 390, "height": 800}},
    "print": {"viewport": WIDE},
}
WBS = "/companies/sample-builders/admin/work-breakdown-structure/"
ERP = "/companies/sample-builders/erp-integrations/"
PROJECTS = "/companies/sample-builders/projects/"
PAGES = {
    "admin": {
        "segments": WBS,
        "cost-codes": f"{WBS}cost-codes/",
        "collapsed": f"{WBS}cost-codes/?fold=all",
        "item": f"{WBS}cost-codes/2/",
        "cost-types": f"{WBS}cost-types/",
        "budget-code": f"{WBS}budget-code/",
        "import": f"{WBS}cost-codes/import/",
        "projects": PROJECTS,
        "project": f"{PROJECTS}1/",
        "project-form": f"{PROJECTS}add/",
        "company-codes": f"{PROJECTS}1/cost-codes-from-company/",
        "missing-codes": f"{PROJECTS}missing/",
        "code-with-projects": f"{WBS}cost-codes/9/",
        "members": "/companies/sample-builders/admin/members/",
        "supported": f"{ERP}supported/",
        "new-tryton": f"{ERP}new/tryton/",
        "gl-accounts": f"{ERP}practice-erp/gl-accounts/",
        "settings": f"{ERP}practice-erp/settings/",
        "default-accounts": f"{ERP}practice-erp/default-accounts/",
        "new-quickbooks": f"{ERP}new/quickbooks-desktop/",
        "settings-quickbooks": f"{ERP}quickbooks-desktop/settings/",
        "review-quickbooks": f"{ERP}quickbooks-desktop/standard-cost-codes/",
    },
    "approver": {
        "review": f"{ERP}practice-erp/standard-cost-codes/",
        "all": f"{ERP}practice-erp/standard-cost-codes/?filter=all",
        "nothing": f"{ERP}practice-erp/standard-cost-codes/?q=nothing+like+this",
        "code": f"{ERP}practice-erp/standard-cost-codes/1/",
        "history": f"{ERP}practice-erp/history/",
        "rules": f"{ERP}practice-erp/rules/",
        "link": f"{ERP}practice-erp/link/",
        "lost": f"{ERP}practice-erp/link/lost/",
    },
    "viewer": {"review-read-only": f"{ERP}practice-erp/standard-cost-codes/", "forbidden": f"{ERP}new/tryton/"},
}


def main(folder: Path | None) -> None:
    with Product() as product, sync_playwright() as playwright:
        passwords = json.loads((product.var / "demo.json").read_text())
        browser = playwright.chromium.launch(executable_path=str(chromium.find_program()))
        export_some(browser, product.url, passwords)
        if folder:
            connect_quickbooks(browser, product.url, passwords)
        for mode, settings in MODES.items() if folder else ():
            for person, pages in PAGES.items():
                with signed_in(browser, product.url, person, passwords[person], **settings) as page:
                    page.emulate_media(media="print" if mode == "print" else "screen")
                    for name, address in pages.items():
                        page.goto(address)
                        page.screenshot(path=folder / f"{name}-{mode}.png", full_page=mode == "narrow")
        browser.close()


def export_some(browser: Browser, url: str, passwords: dict[str, str]) -> None:
    """The README's picture: an approver in the middle of the work, some codes exported, some not."""
    with signed_in(browser, url, "approver", passwords["approver"], **MODES["light"]) as page:
        page.goto(f"{ERP}practice-erp/standard-cost-codes/")
        page.get_by_role("button", name="Export Cost Codes").click()
        page.get_by_text("Show failed").wait_for()
        page.goto(f"{ERP}practice-erp/standard-cost-codes/?filter=all&q=01-")
        README_PICTURE.parent.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=README_PICTURE)


def connect_quickbooks(browser: Browser, url: str, passwords: dict[str, str]) -> None:
    with signed_in(browser, url, "admin", passwords["admin"], **MODES["light"]) as page:
        page.goto(f"{ERP}new/quickbooks-desktop/")
        page.get_by_role("button", name="Connect").click()
        page.get_by_role("button", name="New Password").wait_for()


@contextmanager
def signed_in(browser: Browser, url: str, username: str, password: str, **settings: Any) -> Iterator[Page]:
    context = browser.new_context(base_url=url, **settings)
    page = context.new_page()
    page.goto("/login/")
    page.get_by_label("Username").fill(username)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(lambda address: "/login/" not in address)
    yield page
    context.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]) if sys.argv[1:] else None)
