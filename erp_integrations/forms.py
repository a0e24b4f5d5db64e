"""The forms of a connection: its name, its default accounts, and the options that its adapter asks for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib.auth.models import AbstractBaseUser, User
from django.core.exceptions import NON_FIELD_ERRORS

from companies.audit import record
from companies.models import Company
from erp_integrations.base import INCOME_KINDS, AccountKind, Adapter
from erp_integrations.models import Connection, GLAccount, Question
from erp_integrations.models.connections import NAME_TAKEN, naming

DEFAULT_ACCOUNTS = ("default_income_account", "default_expense_account")


class NameForm(forms.Form):
    name = forms.CharField(label="Name", max_length=100)

    def __init__(self, company: Company, *args: Any, connection: Connection | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.others = company.connections.exclude(pk=connection.pk) if connection else company.connections.all()

    def clean_name(self) -> str:
        name = self.cleaned_data["name"]
        if self.others.has_name(name):
            raise forms.ValidationError(NAME_TAKEN)
        return name


class AccountField(forms.ModelChoiceField):
    """One of a connection's accounts; one that may not be chosen only while it is the choice already, and flagged."""

    kinds: frozenset[AccountKind] = frozenset()

    def label_from_instance(self, account: GLAccount) -> str:
        flag = account.flag(self.kinds)
        return f"{account} ({flag})" if flag else str(account)


class DefaultAccountsForm(forms.Form):
    income = AccountField(
        label="Default income account", queryset=GLAccount.objects.none(), required=False, empty_label="None"
    )
    expense = AccountField(
        label="Default expense account", queryset=GLAccount.objects.none(), required=False, empty_label="None"
    )

    def __init__(
        self,
        connection: Connection,
        data: Mapping[str, Any] | None = None,
        chosen: Mapping[str, GLAccount | None] | None = None,
        empty: Mapping[str, str] | None = None,
    ) -> None:
        """`chosen` are the accounts now (the connection's), `empty` the words of the empty choices."""
        of_connection = {"income": connection.default_income_account, "expense": connection.default_expense_account}
        chosen = of_connection if chosen is None else chosen
        super().__init__(data, initial=dict(chosen))
        able = connection.capabilities
        kinds = {"income": able.income_kinds, "expense": able.expense_kinds}
        for name, account in chosen.items():
            self.fields[name].kinds = kinds[name]  # type: ignore[attr-defined]
            self.fields[name].queryset = connection.gl_accounts.offered(kinds[name], account)  # type: ignore[attr-defined]
        for name, words in (empty or {}).items():
            self.fields[name].empty_label = words  # type: ignore[attr-defined]
        self.fields["income"].choices = self._grouped()  # type: ignore[attr-defined]
        if not able.has_expense_account:
            del self.fields["expense"]

    def _grouped(self) -> list[tuple[str, Any]]:
        """Income accounts first, then, in a group of their own, the other kinds that this ERP allows."""
        field: AccountField = self.fields["income"]  # type: ignore[assignment]
        usual: list[tuple[Any, str]] = []
        other: list[tuple[Any, str]] = []
        for account in field.queryset:  # type: ignore[union-attr]
            group = usual if account.kind in INCOME_KINDS else other
            group.append((account.pk, field.label_from_instance(account)))
        return [("", field.empty_label or ""), *usual, *([("Other accounts", other)] if other else [])]


def make_options_form(
    adapter: type[Adapter],
    data: Mapping[str, Any] | None,
    connection: Connection | None = None,
    initial: Mapping[str, Any] | None = None,
) -> forms.Form:
    """The adapter's own form. Secrets are write-only: never rendered, and kept when left empty."""
    known = connection.options if connection else initial
    form = adapter.options_form()(data, prefix="options", initial=dict(known) if known is not None else None)
    for name in _secret_fields(form):
        field = form.fields[name]
        field.widget = forms.PasswordInput(attrs={"autocomplete": "new-password", **field.widget.attrs})
        if connection and connection.credentials.get(name):
            field.required = field.widget.is_required = False
            field.help_text = "Stored. Leave it empty to keep it."
    return form


def _secret_fields(form: forms.Form) -> tuple[str, ...]:
    return tuple(getattr(form, "secret_fields", ()))


@dataclass(frozen=True)
class Change:
    """One setting that changed, as the audit trail tells it."""

    label: str
    old: str
    new: str


class ConnectionForms:
    """What is asked of a new connection, as one: its name and the adapter's options."""

    stored: Mapping[str, str] = {}  # credentials
    connection_id = 0

    def __init__(
        self,
        company: Company,
        adapter: type[Adapter],
        data: Mapping[str, Any] | None = None,
        typed: Question | None = None,
    ) -> None:
        """`typed` is what was asked of the ERP before: all but the secrets stands in the form again."""
        self.company, self.adapter = company, adapter
        self.name = NameForm(company, data, initial={"name": typed.name if typed else adapter.label})
        self.options = make_options_form(adapter, data, initial=typed.options if typed else None)
        self.all: list[forms.Form] = [self.name, self.options]

    def are_valid(self) -> bool:
        return not any([form.errors for form in self.all])  # noqa: C419 - each, so that every fault shows at once

    def faults(self) -> list[str]:
        """Every fault as a sentence that names its field."""
        return [
            str(sentence) if name == NON_FIELD_ERRORS else f"{form[name].label}: {sentence}"
            for form in self.all
            for name, sentences in form.errors.items()
            for sentence in sentences
        ]

    def plain_options(self) -> dict[str, Any]:
        secret = _secret_fields(self.options)
        return {name: value for name, value in self.options.cleaned_data.items() if name not in secret}

    def credentials(self) -> dict[str, str]:
        typed = {name: self.options.cleaned_data[name] for name in _secret_fields(self.options)}
        return {name: value or self.stored.get(name, "") for name, value in typed.items()}

    def question(self, asker: User) -> Question:
        """Whether a connection can be made with what was typed; if so it is made."""
        return Question(
            company=self.company,
            asker=asker,
            kind=Question.Kind.CONNECT,
            erp=self.adapter.key,
            name=self.name.cleaned_data["name"],
            options=self.plain_options(),
            credentials=self.credentials(),
        )

    def connect(self, actor: AbstractBaseUser) -> Connection | None:
        """None when someone took the name since `are_valid`, which the form then says."""
        with naming(self.company):
            if not self._name_is_free():
                return None
            name = self.name.cleaned_data["name"]
            return Connection.objects.connect(
                self.company, actor, self.adapter.key, name, self.plain_options(), self.credentials()
            )

    def _name_is_free(self) -> bool:
        """As `are_valid` found it, now that nobody else can take it."""
        self.name.full_clean()
        return not self.name.errors


class SettingsForms(ConnectionForms):
    """The same of a connection that exists, and its default accounts."""

    def __init__(self, connection: Connection, data: Mapping[str, Any] | None = None) -> None:
        self.company, self.adapter = connection.company, connection.adapter_class
        self.connection, self.connection_id, self.stored = connection, connection.pk, connection.credentials
        self.name = NameForm(self.company, data, connection=connection, initial={"name": connection.name})
        self.options = make_options_form(self.adapter, data, connection)
        self.defaults = DefaultAccountsForm(connection, data)
        self.all = [self.name, self.options, self.defaults]

    def are_valid(self) -> bool:
        return super().are_valid() and self._secrets_were_typed()

    def _secrets_were_typed(self) -> bool:
        """A stored secret is never sent to a new address: whoever changes the address types the secret again."""
        moved = set(getattr(self.options, "destination_fields", ())) & set(self.options.changed_data)
        for name in _secret_fields(self.options) if moved else ():
            if self.stored.get(name) and not self.options.cleaned_data[name]:
                self.options.add_error(name, "Type it again: what is stored is not sent to another address.")
        return not self.options.errors

    def question(self, asker: User) -> Question:
        """Whether the ERP can be reached with what was typed, saved or not."""
        question = Question(
            company=self.company,
            connection=self.connection,
            asker=asker,
            kind=Question.Kind.CHECK,
            erp=self.adapter.key,
            is_of_saved=not self.options.has_changed(),
        )
        if not question.is_of_saved:
            question.options, question.credentials = self.plain_options(), self.credentials()
        return question

    def save(self, actor: AbstractBaseUser) -> bool:
        """False when someone took the name since `are_valid`, which the form then says."""
        with naming(self.company):
            if is_free := self._name_is_free():
                self._store(actor)
            return is_free

    def _store(self, actor: AbstractBaseUser) -> None:
        connection, changes = self.connection, list(self.changes())
        connection.name = self.name.cleaned_data["name"]
        connection.options, connection.credentials = self.plain_options(), self.credentials()
        connection.default_income_account = self.defaults.cleaned_data["income"]
        connection.default_expense_account = self.defaults.cleaned_data.get("expense")
        connection.save(update_fields=["name", "options", "credentials", *DEFAULT_ACCOUNTS])
        for change in changes:
            record(
                self.company,
                actor,
                "connection.changed",
                connection,
                label=f"{connection}: {change.label}",
                old=change.old,
                new=change.new,
            )

    def changes(self) -> Iterator[Change]:
        """What the audit trail tells; of a secret only that it changed."""
        for form in self.all:
            for name in form.changed_data:
                field, is_secret = form[name], name in _secret_fields(form)
                old, new = ("", "changed") if is_secret else (field.initial, form.cleaned_data[name])
                yield Change(str(field.label), _spoken(field, old), _spoken(field, new))


def _spoken(field: forms.BoundField, value: Any) -> str:
    """A value as people read it: of a choice its label."""
    if isinstance(value, GLAccount) or not isinstance(field.field, forms.ChoiceField):
        return "" if value is None else str(value)
    return str(dict(field.field.choices).get(value, value or ""))  # type: ignore[arg-type]
