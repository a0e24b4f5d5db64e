from __future__ import annotations

from django import forms
from django.db import models

CODES_PER_MESSAGE = 20  # of small messages QuickBooks answers each before a connector's patience ends


class ItemNames(models.TextChoices):
    CODE = "code", "Full code"
    TIERS = "tiers", "Tiers as sub-items"


class QuickBooksDesktopForm(forms.Form):
    secret_fields: tuple[str, ...] = ()

    item_names = forms.ChoiceField(
        label="Item Names",
        choices=ItemNames.choices,
        initial=ItemNames.CODE,
        help_text=(
            "Full code: one item 01-0010, at most 31 characters. Tiers as sub-items: 0010 below 01, each at most 31; "
            "divisions become items too."
        ),
    )
    codes_per_message = forms.IntegerField(
        label="Codes per Message",
        min_value=1,
        max_value=100,
        initial=CODES_PER_MESSAGE,
        help_text="How many codes the Web Connector fetches at a time, 1 to 100.",
    )
