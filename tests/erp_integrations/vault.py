"""An ERP of a third party with an address and a secret, as an adapter outside of Tieback would bring it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from django import forms

from erp_integrations.base import (
    AccountKind,
    Adapter,
    Capabilities,
    CheckResult,
    CodeData,
    GLAccountData,
    Outcome,
    Receipt,
)
from erp_integrations.errors import ConfigurationError, TransientError

PATH = "tests.erp_integrations.vault.VaultAdapter"
PASSWORD = "vault-Canary-7391"


class VaultOptions(forms.Form):
    secret_fields = ("password",)
    destination_fields = ("address",)

    address = forms.CharField(label="Address")
    password = forms.CharField(label="Password")
    branch = forms.CharField(label="Branch", required=False)


class VaultAdapter(Adapter):
    key = "vault"
    label = "Vault ERP"
    capabilities = Capabilities(item_type="Vault item", proven_against="nothing: it is made of paper")
    chart: Sequence[GLAccountData] = [GLAccountData("1", "4000", "Sales", AccountKind.INCOME)]

    @classmethod
    def options_form(cls) -> type[forms.Form]:
        return VaultOptions

    def check(self) -> CheckResult:
        if self.options["address"] == "down.test":
            raise TransientError("Vault cannot be reached at down.test.", "connection refused")
        if self.credentials["password"] != PASSWORD:
            raise ConfigurationError("Vault does not accept the password. Type it again.", "401")
        return CheckResult("Vault & Sons", "3")

    def fetch_gl_accounts(self) -> Iterable[GLAccountData]:
        self.check()
        return self.chart

    def find(self, codes: Sequence[CodeData]) -> dict[str, Receipt]:
        return {}

    def export_codes(self, codes: Sequence[CodeData]) -> list[Outcome]:
        return []
