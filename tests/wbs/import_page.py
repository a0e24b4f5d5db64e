"""The import page without a browser: its form is read, filled in by labels, and posted as a browser would."""

from __future__ import annotations

from typing import Any, Self

from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from django.test import Client
from lxml import html

CODES = "/companies/sample-builders/admin/work-breakdown-structure/cost-codes/"
TABS = ("rows", "problems", "notes")


class ImportPage:
    def __init__(self, client: Client, codes: str = CODES) -> None:
        self.client, self.codes = client, codes
        self._read(client.get(f"{codes}import/"))

    def _read(self, response: HttpResponse) -> None:
        assert response.status_code == 200, response.status_code
        self.document = html.fromstring(response.content.decode())
        self.form = next((form for form in self.document.forms if form.get("id") == "import-form"), None)

    @property
    def text(self) -> str:
        return " ".join(self.document.text_content().split())

    def upload(self, content: bytes, name: str = "list.csv", **choices: str) -> Self:
        """Choose the file and press "Check File"."""
        return self.check(file=SimpleUploadedFile(name, content), **choices)

    def choose(self, choices: dict[str, Any]) -> Self:
        """Choose what the page offers under these labels, and check again; the tick of a box is True."""
        for label, value in choices.items():
            self._set({"pattern": "Tier Pattern"}.get(label, label), value)
        return self.check() if choices else self

    def check(self, **fields: Any) -> Self:
        self._read(self.client.post(f"{self.codes}import/", {**self._fields(), **fields}, follow=True))
        return self

    def set(self, name: str, value: str) -> None:
        """Write into a field by its name."""
        assert self.form is not None
        self.form.fields[name] = value

    def press(self, name: str, value: str) -> Self:
        """Press a button that says this besides."""
        return self.check(**{name: value})

    def press_import(self) -> Self:
        """Press "Import" or "Import Good Rows", if the page has it."""
        if self.document.xpath('//button[@name="import"]'):
            self._read(self.client.post(f"{self.codes}import/", {**self._fields(), "import": "1"}, follow=True))
        return self

    def _fields(self) -> dict[str, Any]:
        assert self.form is not None
        return dict(self.form.form_values())

    def _set(self, label: str, value: Any) -> None:
        assert self.form is not None
        field = self.form.get_element_by_id(self._labelled(label))
        if value is True:
            field.checked = True
        elif field.tag == "select":
            field.value = next(option.get("value") for option in field if (option.text or "").strip() == value)
        else:
            field.value = value

    def _labelled(self, label: str) -> str:
        [found] = self.form.xpath(".//label[normalize-space()=$label]/@for", label=label)
        return str(found)

    @property
    def facts(self) -> dict[str, int]:
        terms = [term.text_content() for term in self.document.xpath('//*[@id="check"]//dt')]
        values = [value.text_content().replace(",", "") for value in self.document.xpath('//*[@id="check"]//dd')]
        return {term: int(value) for term, value in zip(terms, values, strict=True)}

    def lines(self, row: str = "", tab: str = "") -> list[str]:
        """The lines of all tabs, or of one; those of one row of the file, if asked."""
        found = []
        for each in [tab] if tab else TABS:
            page = self.client.get(f"{self.codes}import/{self.draft}/?tab={each}")
            lines = html.fromstring(page.content.decode()).xpath('//*[@id="check-lines"]//tbody/tr')
            found += [line for line in lines if not row or line[0].text_content().strip() == row]
        return [" ".join(line.text_content().split()) for line in found]

    @property
    def draft(self) -> str:
        return str(self._fields()["draft"])
