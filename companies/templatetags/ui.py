"""What every page draws the same way."""

from __future__ import annotations

from datetime import datetime
from functools import cache

from django import template
from django.contrib.auth.models import User
from django.template import engines
from django.templatetags.static import static
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from companies.models import Company

register = template.Library()


@register.simple_tag
@cache
def icon(name: str) -> SafeString:
    """A drawing of `static/img/icons.svg`; the word stands beside it."""
    return format_html(
        '<svg class="icon" aria-hidden="true"><use href="{}#{}"></use></svg>', static("img/icons.svg"), name
    )


@register.simple_tag
def part(name: str, **values: object) -> SafeString:
    """A part of a page that is drawn for each of many rows (`config/parts.py`)."""
    return SafeString(engines["parts"].get_template(name).render(values))


@register.simple_tag
def clock(moment: datetime | None, company: Company) -> str:
    """14:05 in the company's time zone, with the date when it is not today."""
    if moment is None:
        return ""
    local, today = company.local(moment), company.local(_now()).date()
    if local.date() == today:
        return f"{local:%H:%M}"
    return f"{local:%b} {local.day}, {local.year}, {local:%H:%M}"


@register.simple_tag
def ago(moment: datetime | None, company: Company) -> SafeString:
    """ "3 min ago" with the exact time as its title."""
    if moment is None:
        return SafeString("")
    exact = f"{company.local(moment):%Y-%m-%d %H:%M:%S %Z}"
    return format_html('<time datetime="{}" title="{}">{}</time>', moment.isoformat(), exact, _passed(moment, company))


def _passed(moment: datetime, company: Company) -> str:
    minutes = int((_now() - moment).total_seconds() // 60)
    if minutes < 1:
        return "just now"
    if minutes < 60:
        return f"{minutes} min ago"
    if minutes < 24 * 60:
        return f"{minutes // 60} h ago"
    return clock(moment, company)


def _now() -> datetime:
    """For eyes alone: how much two clocks differ shows in no page, and nothing is decided by it."""
    return timezone.now()  # noqa: TID251


@register.filter
def thousands(number: int) -> str:
    return f"{number:,}"


SIGNS = {"\n": "↵", "\r": "↵", "\t": "⇥", "\u00a0": "⍽"}


@register.filter
def visible(text: str) -> str:
    """The text with a sign for each character that nobody would see, or take for another."""
    shown = (SIGNS.get(each) or (each if each.isprintable() else f"‹U+{ord(each):04X}›") for each in text)
    return "".join(shown)


@register.filter
def who(person: User | None) -> str:
    """The person's name; what nobody did, the product did by itself."""
    return person.get_full_name() or person.get_username() if person else "Tieback"


# Actions whose key says it badly; the second is of events before the status was renamed.
SPOKEN = {"export.exporting": "Export started", "export.sending": "Export started"}


@register.filter
def spoken(action: str) -> str:
    """The action of an audit event as people read it: "export.queued" is "Export queued"."""
    return SPOKEN.get(action) or action.replace(".", " ").replace("_", " ").capitalize()
