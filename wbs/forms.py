"""The forms of one item and of segments. The rules are in `codes` and in the models."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from django import forms

from wbs import codes
from wbs.models import BudgetCode, Segment, SegmentItem

DELIMITERS = [("-", "-"), (".", "."), ("/", "/"), (" ", "space"), (":", ":"), ("none", "none (flat)")]


class ItemForm(forms.Form):
    use_required_attribute = False  # the sentences of the server stand beside the fields

    code = forms.CharField(required=False, widget=forms.TextInput({"autocomplete": "off"}))
    description = forms.CharField(required=False, widget=forms.TextInput({"autocomplete": "off"}))
    parent = forms.ModelChoiceField(
        SegmentItem.objects.none(),
        required=False,
        empty_label="None (top tier)",
        error_messages={"invalid_choice": "That division was deleted meanwhile. Choose another."},
    )
    version = forms.IntegerField(required=False, widget=forms.HiddenInput)

    def __init__(self, segment: Segment, *words: Any, parent: SegmentItem | None = None, **named: Any) -> None:
        """`parent` is offered even if it is not among those that one would choose."""
        super().__init__(*words, **named)
        self.segment = segment
        field = cast("forms.ModelChoiceField[SegmentItem]", self.fields["parent"])
        field.queryset = segment.items.all()
        offered = {item.pk: item for item in segment.items.offered_as_parent()} if segment.delimiter else {}
        if parent:
            offered[parent.pk] = parent
        in_order = sorted(offered.values(), key=lambda item: item.sort_key)
        field.widget.choices = [("", field.empty_label), *((item.pk, item.label) for item in in_order)]

    def clean_code(self) -> str:
        code = codes.clean(self.cleaned_data["code"])
        if problem := codes.code_problem(code, self.segment.delimiter):
            raise forms.ValidationError(problem)
        return code

    def clean_description(self) -> str:
        description = codes.clean(self.cleaned_data["description"])
        if problem := codes.description_problem(description):
            raise forms.ValidationError(problem)
        return description

    def take_version(self, version: int) -> None:
        """What was typed was read against this version now."""
        self.data = {**dict(self.data.items()), "version": str(version)}

    def fix(self, *names: str) -> None:
        """Show fields that may not change now as they are."""
        for name in names:
            self.fields[name].disabled = True


class SegmentForm(forms.Form):
    use_required_attribute = False

    name = forms.CharField(required=False, label="Name", widget=forms.TextInput({"autocomplete": "off"}))


class BudgetCodeForm(forms.Form):
    """The place of each segment in the budget code, and what joins them."""

    delimiter = forms.ChoiceField(choices=DELIMITERS[:-1], help_text="What joins the segments.")

    def __init__(self, segments: Sequence[Segment], pattern: BudgetCode, data: Any = None) -> None:
        super().__init__(data, initial={"delimiter": pattern.delimiter})
        self.segments = segments
        places = [("", "Not used"), *((str(place), str(place)) for place in range(1, len(segments) + 1))]
        for segment in segments:
            place = pattern.order.index(segment.pk) + 1 if segment.pk in pattern.order else ""
            self.fields[f"place-{segment.pk}"] = forms.ChoiceField(
                label=segment.name, choices=places, initial=str(place), required=False
            )

    @property
    def places(self) -> list[forms.BoundField]:
        return [self[f"place-{segment.pk}"] for segment in self.segments]

    @property
    def order(self) -> list[Segment]:
        """The segments as they were chosen; two with one place stand in the order of the page."""
        chosen = [(self.cleaned_data.get(f"place-{segment.pk}", ""), segment) for segment in self.segments]
        return [segment for place, segment in sorted(chosen, key=lambda each: int(each[0] or 0)) if place]

    def clean(self) -> dict[str, Any]:
        taken: dict[str, Segment] = {}
        for segment in self.segments:
            place = self.cleaned_data.get(f"place-{segment.pk}", "")
            if place in taken:
                self.add_error(f"place-{segment.pk}", f"{taken[place]} has this place. Choose another.")
            elif place:
                taken[place] = segment
        return self.cleaned_data

    def is_ambiguous(self, delimiter: str) -> bool:
        """Whether a budget code could be taken apart in two ways, its tiers being joined like its segments."""
        return any(segment.delimiter == delimiter for segment in self.segments)
