from __future__ import annotations

import math
from typing import Any

from django import forms
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.http import HttpRequest

from companies.models import Level, Member
from companies.sign_in import Attempt
from core.numbers import counted


class SignInForm(AuthenticationForm):
    request: HttpRequest
    error_messages = {
        "invalid_login": "This username and password do not fit together. Both tell capital and small letters apart.",
        "throttled": "Too many failed sign-ins. Try again in %(minutes)s.",
    }

    def clean(self) -> dict[str, Any]:
        username, password = self.cleaned_data.get("username"), self.cleaned_data.get("password")
        if not username or not password:
            return self.cleaned_data
        attempt = Attempt.of_person(username, self.request)
        if attempt.wait.total_seconds() > 0:
            minutes = math.ceil(attempt.wait.total_seconds() / 60)
            raise ValidationError(
                self.error_messages["throttled"], "throttled", {"minutes": counted(minutes, "minute")}
            )
        super().clean()  # raises when they do not fit; unknown names cost the same hashing
        attempt.succeed()
        return self.cleaned_data


class RightsForm(forms.Form):
    admin_level = forms.TypedChoiceField(label="Admin tool", choices=Level.choices, coerce=int)
    erp_level = forms.TypedChoiceField(label="ERP Integrations", choices=Level.choices, coerce=int)
    can_push_to_accounting = forms.BooleanField(label="Can Push to Accounting", required=False)

    def __init__(self, *args: Any, actor: Member, **kwargs: Any) -> None:
        kwargs["label_suffix"] = ""
        super().__init__(*args, **kwargs)
        if not actor.can_push_to_accounting:
            del self.fields["can_push_to_accounting"]

    @property
    def rights(self) -> dict[str, Any]:
        names = ("admin_level", "erp_level", "can_push_to_accounting")
        return {name: self.cleaned_data[name] for name in names if name in self.fields}


class MemberForm(RightsForm):
    """One row of the table: the rights of a member, and the version of them that the sender saw."""

    version = forms.IntegerField(widget=forms.HiddenInput)
    notice = ""  # why the step was not taken

    def __init__(self, member: Member, data: Any = None, *, actor: Member) -> None:
        initial = {name: getattr(member, name) for name in self.base_fields}
        super().__init__(data, actor=actor, initial=initial, auto_id=f"member-{member.pk}-%s")
        self.member = member
        for field in self.fields.values():
            field.widget.attrs["form"] = f"member-{member.pk}"  # the controls stand in cells, the form in the last

    def clean_version(self) -> int:
        self.member.version = self.cleaned_data["version"]
        return self.member.version


class NewMemberForm(RightsForm):
    username = forms.CharField(max_length=150)
    user: User

    def clean_username(self) -> str:
        username: str = self.cleaned_data["username"]
        user = User.objects.filter(username=username, is_active=True).first()
        if user is None:
            raise ValidationError(f"There is no user {username}. Whoever runs Tieback can make one (make_user).")
        self.user = user
        return username
