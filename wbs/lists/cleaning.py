"""What the tick "Clean" mends in codes and texts: signs that nobody sees, or that only look like the ones meant."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from wbs.codes import cleaned_code, cleaned_text

_KINDS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("A formula around the text", re.compile(r'^="')),
    ("Line breaks and tabs", re.compile(r"[\r\n\t\v\f\u0085\u2028\u2029]")),
    (
        "Invisible characters",
        re.compile(r"[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff\u0000-\u0008\u000e-\u001f]"),
    ),
    ("Hyphens of another kind", re.compile(r"[\u2010-\u2015\u2212\ufe58\ufe63\uff0d]")),
    ("Blanks of another kind", re.compile(r"[^\S ]")),
    ("An apostrophe in front", re.compile(r"^['’]")),
    ("A dot at the end", re.compile(r"\.$")),
)


@dataclass
class Cleaning:
    """Cleans texts, or only notes what it would do: how many of each kind, and the first of each as an example."""

    is_wanted: bool
    delimiter: str
    found: dict[str, list[Any]] = field(default_factory=dict)  # kind -> [how many, before, after]

    def code(self, text: str) -> str:
        return self._noted(text, self.after(text))

    def text(self, text: str) -> str:
        return self._noted(text, self.after(text, is_code=False))

    def after(self, text: str, *, is_code: bool = True) -> str:
        """What a text is once it is clean."""
        if not is_code:
            return text if text.isascii() and text.isprintable() else cleaned_text(text)
        return cleaned_code(text, self.delimiter)

    def _noted(self, text: str, after: str) -> str:
        if after == text:
            return text
        example = self.found.setdefault(kind_of(text), [0, text, after])
        example[0] += 1
        return after if self.is_wanted else text


def kind_of(text: str) -> str:
    """What is not clean about a text, the first of it."""
    return next((kind for kind, pattern in _KINDS if pattern.search(text)), "Blanks that are not needed")
