"""Documents that should hurt: as an envelope, and escaped within one as an answer of QuickBooks."""

from __future__ import annotations

from tests.quickbooks.transports import NAMESPACE, SOAP

MIB = 2**20
ENTITIES = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 12))
BOMB = f'<!DOCTYPE a [<!ENTITY e0 "0123456789">{ENTITIES}]>'
AROUND: dict[str, str] = {
    "a document type": "<!DOCTYPE a>{}",
    "an external document type": '<!DOCTYPE a SYSTEM "http://127.0.0.1:9/a.dtd">{}',
    "an external entity": '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>{}<!-- &x; -->',
    "an external parameter entity": '<!DOCTYPE a [<!ENTITY % x SYSTEM "file:///etc/passwd"> %x;]>{}',
    "an entity bomb": BOMB + "{}",
    "text after the end": "{}and more",
    "two roots": "{0}{0}",
}
WITHIN: dict[str, str] = {
    "an entity of its own": "&x;",
    "a bomb that goes off": "&e11;",
    "depth of 100,000": "<a>" * 100_000 + "</a>" * 100_000,
    "depth of 300": "<a>" * 300 + "</a>" * 300,
    "half a million elements": "<a/>" * 500_000,
    "half a million attributes": "<a {}/>".format(" ".join(f'b{n}=""' for n in range(500_000))),
    "an end that is missing": "<a>",
    "a control character": "\x01",
}
NO_XML: dict[str, str] = {
    "nothing": "",
    "blanks": " \r\n ",
    "no XML": "The connector says hello.",
    "JSON": '{"ticket": "1"}',
    "a page": "<!doctype html><html><body><h1>502 Bad Gateway</h1></body></html>",
    "an opening bracket": "<",
}


def envelope(operation: str = "getLastError", content: str = "<ticket>1</ticket>", soap: str = SOAP) -> str:
    call = f'<{operation} xmlns="{NAMESPACE}">{content}</{operation}>'
    return f'<s:Envelope xmlns:s="{soap}"><s:Body>{call}</s:Body></s:Envelope>'


def documents(sound: str, hole: str) -> dict[str, str]:
    """The hostile ones, made of one that is sound, with `hole` in the middle of it."""
    return {
        **{name: around.format(sound) for name, around in AROUND.items()},
        **{name: sound.replace(hole, within + hole, 1) for name, within in WITHIN.items()},
        "a bomb in the middle": BOMB + sound.replace(hole, f"&e11;{hole}", 1),
        "half of it": sound[: len(sound) // 2],
        **NO_XML,
    }
