"""Sound documents with something wrong in them, as hypothesis makes them up."""

from __future__ import annotations

from hypothesis import strategies as st

# What hurts parsers and readers more often than random text does.
SIGNS = [
    "",
    "<",
    ">",
    "/>",
    "</",
    "&",
    "&#0;",
    "&lt;",
    "&x;",
    '"',
    "=",
    "<!--",
    "]]>",
    "<![CDATA[",
    "<?",
    "<!DOCTYPE a>",
]
CHARACTERS = ["\x00", "\ud800", "\ufeff", "\uffff", "٣", "²", "é", "😀", " ", "\r\n", "{", "}", ":"]
VALUES = ["-1", "9" * 30, "0x1F", "true", 'statusCode="3100"', 'statusCode="x"', 'requestID=""', 'xmlns="urn:x"']
PIECES = st.sampled_from([*SIGNS, *CHARACTERS, *VALUES, "ListID", "ItemServiceRet", "<a/>"])
EDITS = st.lists(st.tuples(st.floats(0, 1), st.integers(0, 60), PIECES | st.text(max_size=8)), min_size=1, max_size=6)


def changed(text: str, edits: list[tuple[float, int, str]]) -> str:
    """At each place (a share of the length) so many characters give way to others."""
    for place, length, piece in edits:
        start = int(place * len(text))
        text = text[:start] + piece + text[start + length :]
    return text


def mutations(*sound: str) -> st.SearchStrategy[str]:
    """One of the documents, here and there changed, or two of them run into each other; or no such thing at all."""
    alike = st.builds(changed, st.sampled_from(sound), EDITS)
    crossed = st.builds(
        lambda one, other, cut: one[: int(cut * len(one))] + other[int(cut * len(other)) :],
        st.sampled_from(sound),
        st.sampled_from(sound),
        st.floats(0, 1),
    )
    return alike | crossed | st.text(max_size=40)
