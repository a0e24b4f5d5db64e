"""What the review page's forms carry."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.core.exceptions import SuspiciousOperation
from django.http import QueryDict
from django.utils.dateparse import parse_datetime

from core.numbers import number
from erp_integrations.forms import DefaultAccountsForm
from erp_integrations.models import Connection
from exports.defaults import Default, Defaults
from exports.models import Invalid
from exports.pages.listing import Listing
from exports.services import INHERIT, KEEP, Selection
from wbs.models import SegmentItem


def read_moment(text: str) -> tuple[datetime, int]:
    """The moment at which the list was read and the last click before it, as the page carries them."""
    clock, _, batch = text.partition(" ")
    try:
        moment = parse_datetime(clock)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None or not batch.isdecimal():
        raise SuspiciousOperation("The form carries no moment at which its list was read.")
    return moment, number(batch)


def read_ids(values: Sequence[str]) -> tuple[int, ...]:
    return tuple(dict.fromkeys(pk for value in values if (pk := number(value))))


def read_pairs(values: Sequence[str]) -> list[tuple[int, str]]:
    """The rows ticked to be linked, each "id of the code:remote id of the item beside it"."""
    parts = [value.partition(":") for value in values]
    return list(dict.fromkeys((number(pk), remote_id) for pk, _, remote_id in parts if number(pk) and remote_id))


def read_selection(data: QueryDict) -> Selection:
    """The rows that a click means: the ticked ones (the button says so), or the whole list of the filter and search."""
    listing = Listing.read(data)
    whole = data.get("only") != "ticked" or data.get("all_matching") == "1"
    seen_at, seen_batch = read_moment(str(data.get("seen_at", "")))
    return Selection(
        seen_at=seen_at,
        seen_batch=seen_batch,
        filter=listing.filter,
        search=listing.search,
        ids=None if whole else read_ids(data.getlist("export")),
    )


def read_account(text: str) -> int | None:
    """The id of an account, or None for none; Invalid when it is neither."""
    if text == "":
        return None
    if not (pk := number(text)):
        raise Invalid("Choose an account from the list.")
    return pk


def read_bulk_account(text: str) -> Any:
    """KEEP, INHERIT, None (explicitly none) or the id of an account."""
    if text in ("", "keep"):
        return KEEP
    if text == "inherit":
        return INHERIT
    return None if text == "none" else read_account(text)


class ItemDefaultsForm(DefaultAccountsForm):
    """The default accounts of one division or code; the empty choice tells what is inherited then."""

    def __init__(self, connection: Connection, item: SegmentItem, data: Mapping[str, Any] | None = None) -> None:
        defaults = Defaults(connection)
        own = defaults.own.get(item.pk)
        chosen = {name: getattr(own, f"{name}_account", None) for name in ("income", "expense")}
        inherited = {name: defaults.above(f"{name}_account", item.full_code_key) for name in chosen}
        super().__init__(connection, data, chosen, {name: _inherited(default) for name, default in inherited.items()})


def _inherited(default: Default | None) -> str:
    return f"Inherited from {default.source}: {default.account}" if default else "Inherited: none"
