"""System checks: a broken adapter is told when the server starts, not when someone opens a page."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error
from django.forms import BaseForm

from erp_integrations.addresses import host_and_port
from erp_integrations.base import Adapter, Capabilities, Delivery
from erp_integrations.pull import PullAdapter
from erp_integrations.registry import sources

PUSH_METHODS = ("check", "fetch_gl_accounts", "find", "export_codes")
PULL_METHODS = (
    *("read_greeting", "accounts_message", "read_accounts", "find_message", "read_found"),
    *("export_message", "read_outcomes", "connector_error"),
)
PROMISES = {"lists_items": "fetch_items", "updates_items": "update_codes"}  # capability -> its method


def check_adapters(**_: Any) -> list[CheckMessage]:
    errors: list[CheckMessage] = []
    keys: dict[str, str] = {}
    for source, load in sources():
        adapter = _imported(source, load, errors)
        if adapter is None:
            continue
        errors += [Error(f"{source}: {sentence}", id=f"erp_integrations.{id}") for id, sentence in _faults(adapter)]
        key = getattr(adapter, "key", "")
        if key in keys:
            errors.append(Error(f"{source}: the key {key!r} is taken by {keys[key]}.", id="erp_integrations.E003"))
        keys.setdefault(key, source)
    return errors


def check_allowed_hosts(**_: Any) -> list[CheckMessage]:
    return [
        Error(f"ERP_ALLOWED_HOSTS: {entry!r} is neither host nor host:port.", id="erp_integrations.E010")
        for entry in settings.ERP_ALLOWED_HOSTS
        if not _is_host(entry)
    ]


def _is_host(entry: str) -> bool:
    try:
        host_and_port(entry)
    except ValueError:
        return False
    return True


def _imported(source: str, load: Callable[[], Any], errors: list[CheckMessage]) -> type[Adapter] | None:
    try:
        adapter = load()
    except Exception as error:  # a third party's module may raise anything
        errors.append(Error(f"{source} cannot be imported: {error}", id="erp_integrations.E001"))
        return None
    if isinstance(adapter, type) and issubclass(adapter, Adapter):
        return adapter
    errors.append(Error(f"{source} is not a subclass of Adapter.", id="erp_integrations.E002"))
    return None


def _faults(adapter: type[Adapter]) -> Iterator[tuple[str, str]]:
    if not re.fullmatch(r"[a-z][a-z0-9-]*", getattr(adapter, "key", "")):
        yield "E004", "`key` must be lower-case letters, digits and hyphens: it is part of addresses."
    if not getattr(adapter, "label", "").strip():
        yield "E005", "`label` is missing: what people call this ERP."
    if isinstance(able := getattr(adapter, "capabilities", None), Capabilities):
        yield from (("E006", sentence) for sentence in (*_capability_faults(able), *_option_faults(adapter)))
    else:
        yield "E006", "`capabilities` is missing: an instance of Capabilities."
    is_pushed = adapter.delivery is Delivery.PUSH
    base = Adapter if is_pushed else PullAdapter
    for name in PUSH_METHODS if is_pushed else PULL_METHODS:
        if getattr(adapter, name, None) in (None, getattr(base, name)):
            yield "E007", f"`{name}` is not implemented."
    able = getattr(adapter, "capabilities", None)
    for promise, name in PROMISES.items():
        if getattr(able, promise, False) and getattr(adapter, name) is getattr(Adapter, name):
            yield "E007", f"`{name}` is not implemented, which `{promise}` promises."
    yield from (("E008", sentence) for sentence in _form_faults(adapter))
    if is_pushed and isinstance(able, Capabilities) and not _fits_into_a_task(able):
        yield "E009", "8 EXPORT_TURN_S, `call_timeout_s` twice and EXPORT_LEASE_S must be less than TASK_LIMIT_S."


def _fits_into_a_task(able: Capabilities) -> bool:
    """Whether a turn with two more calls, each as long as it may be, ends before its task is cut off."""
    longest_s = settings.EXPORT_LONG_TURN_S + 2 * able.call_timeout_s + settings.EXPORT_LEASE_S
    return longest_s < settings.CELERY_TASK_SOFT_TIME_LIMIT


def _capability_faults(able: Capabilities) -> Iterator[str]:
    if not able.item_type.strip() or not able.proven_against.strip():
        yield "`item_type` and `proven_against` may not be empty."
    if able.batch_size < 1:
        yield "`batch_size` must be at least 1."
    if able.looks_up_by not in {"reference", "code"}:
        yield '`looks_up_by` must be "reference" or "code".'
    if not able.income_kinds:
        yield "`income_kinds` may not be empty."
    if able.call_timeout_s <= 0 or able.settle_s < 0:
        yield "`call_timeout_s` must be above 0 and `settle_s` not below it."


def _option_faults(adapter: type[Adapter]) -> Iterator[str]:
    try:
        adapter.capabilities_with({})
    except Exception as error:  # a third party's method may raise anything
        yield f"`capabilities_with` must do without options, as on “Supported ERPs”; it raised {error!r}."


def _form_faults(adapter: type[Adapter]) -> Iterator[str]:
    try:
        form = adapter.options_form()
    except NotImplementedError:
        yield "`options_form` is not implemented."
        return
    if not (isinstance(form, type) and issubclass(form, BaseForm)):
        yield "`options_form` must return a form class."
        return
    for attribute in ("secret_fields", "destination_fields"):
        unknown = set(getattr(form, attribute, ())) - set(form.base_fields)
        if unknown:
            yield f"`{attribute}` names what is no field: {', '.join(sorted(unknown))}."
    if not hasattr(form, "secret_fields"):
        yield "the form needs `secret_fields`, if only an empty tuple."
