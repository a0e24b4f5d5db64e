"""The form of the import: the file, and what can be chosen beside it; more of that once the file is read."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django import forms

from erp_integrations.models import Connection
from wbs.forms import DELIMITERS
from wbs.lists.bounds import MAX_BYTES, too_large
from wbs.lists.choices import REPORT, SKIP, UPDATE, Choices
from wbs.lists.headings import LABELS
from wbs.lists.layout import lengths_of
from wbs.lists.reports import Report, column_names
from wbs.models import ImportDraft, Segment

EXISTING = [(SKIP, "Skip"), (UPDATE, "Update description and status"), (REPORT, "Report only")]
GROUP_ROWS = [("division", "Division"), ("code", "Code")]
NONE = ("", "None")


class ImportForm(forms.Form):
    use_required_attribute = False

    file = forms.FileField(
        required=False,
        label="File",
        allow_empty_file=True,
        help_text="A workbook (.xlsx, .xlsm, .xlsb, .xls, .ods) or a text file (.csv, .tsv, .txt), as it is.",
        widget=forms.FileInput(
            {
                "accept": ".xlsx,.xlsm,.xlsb,.xls,.ods,.csv,.tsv,.txt",
                "data-most-bytes": MAX_BYTES,
                "data-too-large": str(too_large()),
            }
        ),
    )
    delimiter = forms.ChoiceField(
        choices=DELIMITERS, label="Delimiter", help_text="What joins the tiers of a code: 01-100 has two."
    )
    create_missing = forms.BooleanField(required=False, initial=True, label="Create missing divisions")
    existing = forms.ChoiceField(
        choices=EXISTING, required=False, label="What if a code is in the list already?", initial=SKIP
    )
    group_rows = forms.ChoiceField(
        choices=GROUP_ROWS,
        required=False,
        label="Group rows",
        initial="division",
        help_text="03 00 00 names division 03, or is a code besides.",
    )

    def __init__(
        self, segment: Segment, *words: Any, report: Report | None = None, before: Choices | None = None, **named: Any
    ) -> None:
        """`report` is the last check of the file, which tells what there is to choose; `before` was chosen for it."""
        super().__init__(*words, **named)
        self.segment, self.report, self.before = segment, report, before or Choices()
        self.fields["delimiter"].initial = segment.delimiter or "none"
        if not segment.is_tiered:
            for name in ("delimiter", "create_missing", "group_rows"):
                del self.fields[name]
        if report and report.layout:
            self._offer_columns(report)
            self._offer_answers(report)

    def _offer_columns(self, report: Report) -> None:
        """What was understood of the file, to be pointed at otherwise."""
        layout = report.understood
        if len(report.sheets) > 1:
            sheets = [
                (at, title if visible else f"{title} (hidden)") for at, (title, visible) in enumerate(report.sheets)
            ]
            self.fields["sheet"] = _choice("Sheet", sheets, report.sheet)
        rows = [(row, f"{row}: {text}") for row, text in report.headings]
        if layout.heading not in dict(rows):
            rows.append((layout.heading, str(layout.heading)) if layout.heading else (0, ""))
        rows = [(0, "None"), *(each for each in rows if each[0])]
        self.fields["heading_row"] = _choice("Heading Row", rows, layout.heading)
        columns = [NONE, *enumerate(column_names(layout))]
        for meaning, label in LABELS.items():
            if self._has(meaning):
                self.fields[f"column_{meaning}"] = _choice(label, columns, layout.columns.get(meaning, ""))
        if self.segment.is_tiered:
            self.fields["pattern"] = forms.CharField(
                required=False,
                label="Tier Pattern",
                initial=layout.pattern,
                help_text="Lengths of the tiers of codes without delimiter: 2-2-2.",
                widget=forms.TextInput({"autocomplete": "off", "size": 10}),
            )
        connections = self.connections
        if len(connections) > 1:
            offered = [("", "Choose"), *((each.pk, each.name) for each in connections)]
            self.fields["accounts_of"] = _choice("Accounts of", offered, report.accounts_of or "")

    @property
    def columns(self) -> list[forms.BoundField]:
        return [self[name] for name in self.fields if name.startswith("column_")]

    @property
    def titles(self) -> list[str]:
        return column_names(self.report.understood) if self.report else []

    def _has(self, meaning: str) -> bool:
        """Whether codes of this segment can have such a column."""
        if meaning in ("income", "expense"):
            return bool(self.connections)
        return self.segment.is_tiered or meaning in ("code", "description", "status")

    @property
    def connections(self) -> list[Connection]:
        if not self.segment.goes_to_erp:
            return []
        return list(self.segment.company.connections.defer("credentials"))

    def _offer_answers(self, report: Report) -> None:
        """Ticks for what was found."""
        for name, label, found in (
            ("clean", "Clean", report.cleaned),
            ("dates", "These are codes", report.dates),
            ("drop_accounts", "Import these rows without such accounts", report.without_accounts),
        ):
            if found:
                self.fields[name] = forms.BooleanField(required=False, label=label)

    @classmethod
    def again(cls, segment: Segment, draft: ImportDraft, report: Report | None) -> ImportForm:
        """The form as it was when the list was checked."""
        choices = Choices.from_data(draft.choices)
        form = cls(segment, report=report, before=choices)
        if draft.question:
            shown = {
                "delimiter": choices.delimiter or "none",
                "create_missing": choices.creates_divisions,
                "existing": choices.existing,
                "group_rows": form._group_rows,
                "clean": choices.cleans,
                "dates": choices.takes_dates,
                "drop_accounts": choices.drops_accounts,
            }
            for name, value in shown.items():
                if name in form.fields:
                    form.fields[name].initial = value
        return form

    def clean(self) -> dict[str, Any]:
        """One column has one meaning."""
        taken: dict[str, str] = {}
        for field in self.columns:
            at = self.cleaned_data.get(field.name, "")
            if at and at in taken:
                self.add_error(field.name, f"“{taken[at]}” has this column. Choose another.")
            elif at:
                taken[at] = str(field.label)
        return self.cleaned_data

    def clean_delimiter(self) -> str:
        chosen = self.cleaned_data["delimiter"]
        delimiter = "" if chosen == "none" else str(chosen)
        if why := self.segment.why_not_joined(delimiter):
            raise forms.ValidationError(why)
        return delimiter

    def clean_pattern(self) -> str:
        pattern = str(self.cleaned_data["pattern"]).strip()
        try:
            return "-".join(map(str, lengths_of(pattern)))
        except ValueError:
            raise forms.ValidationError("Write the lengths of up to 5 tiers, such as 2-2-2.") from None

    def choices(self, names: dict[str, str]) -> Choices:
        """What was chosen. What was left as proposed stays a proposal, and so fits another sheet or delimiter, too.

        What the form does not carry, since it was made without the file at hand, is as it was.
        """
        said = self.cleaned_data
        chosen = {
            "delimiter": said.get("delimiter", ""),
            "creates_divisions": bool(said.get("create_missing")),
            "names": names,
            "existing": said.get("existing") or self.before.existing,
            "keeps_group_rows": (said.get("group_rows") or self._group_rows) == "code",
        }
        if self.report and self.report.layout and "heading_row" in self.data:
            ticks = {"cleans": "clean", "takes_dates": "dates", "drops_accounts": "drop_accounts"}
            chosen |= {field: bool(said.get(name)) for field, name in ticks.items()}
            accounts_of = self._number("accounts_of")
            chosen["accounts_of"] = self.before.accounts_of if accounts_of == self.report.accounts_of else accounts_of
            chosen |= self._layout_choices(self.report)
        return replace(self.before, **chosen)

    @property
    def _group_rows(self) -> str:
        return "code" if self.before.keeps_group_rows else "division"

    def _layout_choices(self, report: Report) -> dict[str, Any]:
        """What was chosen of the sheet: as before where the form was left as it was."""
        before, layout = self.before, report.understood
        anew = {"heading": None, "columns": None, "pattern": None}
        sheet = self._number("sheet", report.sheet)
        if sheet != report.sheet:
            return anew | {"sheet": sheet}
        heading = self._number("heading_row", layout.heading)
        if heading != layout.heading:
            return anew | {"heading": heading}
        columns = {meaning: at for meaning in LABELS if (at := self._number(f"column_{meaning}")) is not None}
        pattern = self.cleaned_data.get("pattern", "")
        return {
            "columns": before.columns if columns == layout.columns else columns,
            "pattern": before.pattern if pattern == layout.pattern else pattern,
        }

    def _number(self, name: str, otherwise: int | None = None) -> int | None:
        value = self.cleaned_data.get(name, "")
        return int(value) if value not in ("", None) else otherwise


def _choice(label: str, choices: list[tuple[Any, str]], initial: Any) -> forms.ChoiceField:
    return forms.ChoiceField(label=label, choices=choices, required=False, initial=initial)
