"""Parts of pages that are drawn for each of many rows: by Jinja, which takes a fraction of the time for it."""

from __future__ import annotations

from typing import Any

from jinja2 import Environment, StrictUndefined

from companies.templatetags.ui import icon


def environment(**options: Any) -> Environment:
    """Of the templates in `templates/parts`; pages draw one by the tag `part`."""
    made = Environment(**{**options, "undefined": StrictUndefined}, trim_blocks=True, lstrip_blocks=True)  # noqa: S701
    made.globals["icon"] = icon
    return made
