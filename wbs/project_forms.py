"""The form of a project. The rules are in its model."""

from __future__ import annotations

from typing import Any, cast

from django import forms

from companies.models import Company
from erp_integrations.models import Connection


class ProjectForm(forms.Form):
    use_required_attribute = False  # the sentences of the server stand beside the fields

    number = forms.CharField(required=False, widget=forms.TextInput({"autocomplete": "off"}))
    name = forms.CharField(required=False, widget=forms.TextInput({"autocomplete": "off"}))
    connection = forms.ModelChoiceField(
        Connection.objects.none(),
        required=False,
        empty_label="None (not integrated)",
        help_text="The ERP of this project. What it cannot hold is not offered on the project.",
        error_messages={"invalid_choice": "There is no such connection. Choose another."},
    )
    version = forms.IntegerField(required=False, widget=forms.HiddenInput)

    def __init__(self, company: Company, *words: Any, **named: Any) -> None:
        super().__init__(*words, **named)
        field = cast("forms.ModelChoiceField[Connection]", self.fields["connection"])
        field.queryset = company.connections.defer("credentials")

    def take_version(self, version: int) -> None:
        """What was typed was read against this version now."""
        self.data = {**dict(self.data.items()), "version": str(version)}


class OwnCodeForm(forms.Form):
    use_required_attribute = False

    code = forms.CharField(required=False, widget=forms.TextInput({"autocomplete": "off"}))
    description = forms.CharField(required=False, widget=forms.TextInput({"autocomplete": "off"}))
