from __future__ import annotations

from django import forms

from erp_integrations.addresses import require_allowed
from erp_integrations.errors import ConfigurationError


class TrytonForm(forms.Form):
    secret_fields = ("password",)
    destination_fields = ("address",)

    address = forms.CharField(label="Address", help_text="Where Tryton is reached, such as https://tryton.example.com")
    database = forms.CharField(label="Database")
    username = forms.CharField(
        label="Username", help_text="A user of Tryton in the group “Account Product Administration”"
    )
    password = forms.CharField(label="Password", widget=forms.PasswordInput, strip=False)
    company = forms.CharField(label="Company", help_text="The company of the books in Tryton: its name or number")

    def clean_address(self) -> str:
        address = self.cleaned_data["address"]
        try:
            require_allowed(address)
        except ConfigurationError as error:
            raise forms.ValidationError(error.message) from error
        return address
