from __future__ import annotations

from django import forms

from erp_integrations.adapters.practice.behaviour import Behaviour


class PracticeOptions(forms.Form):
    secret_fields: tuple[str, ...] = ()

    behaviour = forms.ChoiceField(
        label="Behaviour",
        choices=Behaviour.choices,
        initial=Behaviour.NORMAL,
        help_text="What this ERP does when codes are exported, so that you can see each outcome.",
    )
