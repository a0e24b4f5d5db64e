"""Files that no spreadsheet writes: small when packed, each of them much of one kind. Built from harmless parts.

A reader that builds an object for each of these things needs minutes or gigabytes; ours counts before it builds.
"""

from __future__ import annotations

import io
import random
from collections.abc import Callable
from zipfile import ZIP_DEFLATED, ZIP_LZMA, ZipFile

from wbs.lists.bounds import MAX_ROWS
from wbs.lists.packages import MAX_QUOTES, MAX_TAGS, MAX_UNPACKED

MANY = 400_000  # elements that are still within the bounds of a package
RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
OPC = "http://schemas.openxmlformats.org/package/2006"
TYPES = "application/vnd.openxmlformats-officedocument.spreadsheetml"
ROWS = (
    b'<row r="1"><c r="A1" t="inlineStr"><is><t>code</t></is></c><c r="B1" t="inlineStr"><is><t>description</t></is>'
    b'</c></row><row r="2"><c r="A2" t="inlineStr"><is><t>01</t></is></c><c r="B2" t="s"><v>0</v></c></row>'
)


def sheet(rows: bytes = ROWS, after: bytes = b"") -> bytes:
    return b'<worksheet xmlns="%s"><sheetData>%s</sheetData>%s</worksheet>' % (MAIN.encode(), rows, after)


def strings(texts: bytes = b"<si><t>Text</t></si>") -> bytes:
    return b'<sst xmlns="%s">%s</sst>' % (MAIN.encode(), texts)


def styles(inside: bytes = b"", formats: bytes = b"", after: bytes = b"") -> bytes:
    empty = (
        b"<fonts><font/></fonts><fills><fill><patternFill/></fill></fills><borders><border/></borders>"
        b"<cellStyleXfs><xf/></cellStyleXfs>"
    )
    xfs = b"<cellXfs><xf/>%s</cellXfs>" % inside
    return b'<styleSheet xmlns="%s">%s%s%s%s</styleSheet>' % (MAIN.encode(), formats, empty, xfs, after)


def contents(inside: bytes = b"", sheets: bytes = b"") -> bytes:
    own = b'<sheet name="Codes" sheetId="1" r:id="rId1"/>'
    namespaces = f'xmlns="{MAIN}" xmlns:r="{RELATIONS}"'.encode()
    return b"<workbook %s><sheets>%s%s</sheets>%s</workbook>" % (namespaces, own, sheets, inside)


def relations(inside: bytes = b"") -> bytes:
    own = "".join(
        f'<Relationship Id="rId{at}" Type="{RELATIONS}/{kind}" Target="{target}"/>'
        for at, (kind, target) in enumerate(
            [("worksheet", "worksheets/sheet1.xml"), ("sharedStrings", "sharedStrings.xml"), ("styles", "styles.xml")],
            1,
        )
    )
    return f'<Relationships xmlns="{OPC}/relationships">{own}'.encode() + inside + b"</Relationships>"


def types(inside: bytes = b"") -> bytes:
    own = "".join(
        f'<Override PartName="/xl/{part}.xml" ContentType="{TYPES}.{kind}+xml"/>'
        for part, kind in [
            ("workbook", "sheet.main"),
            ("worksheets/sheet1", "worksheet"),
            ("sharedStrings", "sharedStrings"),
            ("styles", "styles"),
        ]
    )
    default = '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    return f'<Types xmlns="{OPC}/content-types">{default}{own}'.encode() + inside + b"</Types>"


def package(changed: dict[str, bytes] | None = None, method: int = ZIP_DEFLATED) -> bytes:
    """A workbook with one code, but for the parts that are given."""
    start = f'<Relationship Id="rId1" Type="{RELATIONS}/officeDocument" Target="xl/workbook.xml"/>'
    parts = {
        "[Content_Types].xml": types(),
        "_rels/.rels": f'<Relationships xmlns="{OPC}/relationships">{start}</Relationships>'.encode(),
        "xl/workbook.xml": contents(),
        "xl/_rels/workbook.xml.rels": relations(),
        "xl/sharedStrings.xml": strings(),
        "xl/styles.xml": styles(),
        "xl/worksheets/sheet1.xml": sheet(),
        **(changed or {}),
    }
    content = io.BytesIO()
    with ZipFile(content, "w", method) as archive:
        for name, part in parts.items():
            archive.writestr(name, part)
    return content.getvalue()


def _in(part: str, content: bytes) -> bytes:
    return package({f"xl/{part}.xml": content})


def _behind(inside: bytes) -> bytes:
    return _in("worksheets/sheet1", sheet(after=inside))


def _before(inside: bytes) -> bytes:
    return _in("worksheets/sheet1", sheet().replace(b"<sheetData>", inside + b"<sheetData>"))


def _numbered(template: str, count: int) -> bytes:
    return "".join(template.format(at) for at in range(count)).encode()


def _many_parts() -> bytes:
    return package({f"xl/media/{at}.png": b"" for at in range(30_000)})


def _unpacked() -> bytes:
    return package({"docProps/app.xml": bytes(MAX_UNPACKED)})


def _nested() -> bytes:
    return b"<a>" * (MANY // 2) + b"</a>" * (MANY // 2)


def _far_cells() -> bytes:
    return b"<row>" + b'<c r="XFD1048576" s="1"><v>1</v></c>' * (MANY // 2) + b"</row>"


def _one_row_at_a_time() -> bytes:
    row = '<row r="{0}"><c r="A{0}" t="s"><v>0</v></c><c r="B{0}" t="s"><v>0</v></c></row>'
    return ROWS + "".join(row.format(at) for at in range(3, MAX_ROWS + 4)).encode()


def _long_texts() -> bytes:
    """Each text is one wide sign and else small ones, which takes four bytes of memory for each."""
    return ("<si><t>\U0001f3d7" + "x" * 30_000 + "</t></si>").encode() * 1_500


def _named_often() -> bytes:
    """One text, named by every cell: what is packed does not tell how much that is."""
    row = '<row r="{0}"><c r="A{0}"><v>{0}</v></c><c r="B{0}" t="s"><v>0</v></c></row>'
    return ROWS + "".join(row.format(at) for at in range(3, 15_000)).encode()


def _names(kind: str) -> bytes:
    alphabet = random.Random(1)  # noqa: S311 - the same in every run
    names = [f"n{alphabet.getrandbits(64):x}" for _ in range(MANY // 2)]
    return "".join(f"<{name}/>" if kind == "element" else f'<c {name}=""/>' for name in names).encode()


# What is too much: refused. The names say of what.
REFUSED: dict[str, Callable[[], bytes]] = {
    "styles": lambda: _in("styles", styles(b"<xf/>" * MANY)),
    "styles with all that belongs to one": lambda: _in(
        "styles", styles(b'<xf numFmtId="14"><alignment/><protection/></xf>' * (MANY // 3))
    ),
    "number formats": lambda: _in(
        "styles", styles(formats=_numbered('<numFmt numFmtId="{}" formatCode="0"/>', MANY // 4))
    ),
    "defined names": lambda: _in(
        "workbook", contents(b'<definedName name="n">Codes!$A$1</definedName>' * (MAX_TAGS + 1))
    ),
    "sheets": lambda: _in(
        "workbook", contents(sheets=_numbered('<sheet name="S{0}" sheetId="{0}" r:id="rId1"/>', MANY // 4))
    ),
    "relations": lambda: package(
        {"xl/_rels/workbook.xml.rels": relations(_numbered('<Relationship Id="x{}" Type="t" Target="t"/>', MANY // 4))}
    ),
    "strings": lambda: _in("sharedStrings", strings(b"<si/>" * (MAX_TAGS + 1))),
    "pieces of strings": lambda: _in(
        "sharedStrings", strings(b"<si>" + b"<r><t>a</t></r>" * (MAX_TAGS // 2 + 1) + b"</si>")
    ),
    "text of strings": lambda: _in("sharedStrings", strings(_long_texts())),
    "one string": lambda: _in("sharedStrings", strings(b"<si><t>" + b"x" * 45_000_000 + b"</t></si>")),
    "text of cells that name one string": lambda: package(
        {
            "xl/worksheets/sheet1.xml": sheet(_named_often()),
            "xl/sharedStrings.xml": strings(b"<si><t>" + b"x" * 8_000 + b"</t></si>"),
        }
    ),
    "cells": lambda: _in("worksheets/sheet1", sheet(b"<row>" + b"<c/>" * (MAX_TAGS + 1) + b"</row>")),
    "rows with codes": lambda: _in("worksheets/sheet1", sheet(_one_row_at_a_time())),
    "rows": lambda: _in("worksheets/sheet1", sheet(b"<row/>" * (MAX_TAGS + 1))),
    "merged ranges": lambda: _behind(b'<mergeCell ref="A1:B2"/>' * (MAX_TAGS + 1)),
    "attributes of many elements": lambda: _in(
        "worksheets/sheet1", sheet(b'<c a="" b="" d="" e="" f="" g="" h="" i=""/>' * (MAX_QUOTES // 16 + 1))
    ),
    "attributes of one element": lambda: _in("worksheets/sheet1", b"<c " + _numbered('a{}="" ', MANY) + b"/>"),
    "names of elements": lambda: _behind(_names("element")),
    "names of attributes": lambda: _behind(_names("attribute")),
    "depth": lambda: _behind(_nested()),
    "one attribute": lambda: _in("worksheets/sheet1", sheet(b'<c a="' + b"x" * 45_000_000 + b'"/>')),
    "one comment": lambda: _in("worksheets/sheet1", b"<!--" + b"x" * 45_000_000 + b"-->" + sheet()),
    "parts": _many_parts,
    "bytes when unpacked": _unpacked,
    "what was not packed as a spreadsheet does": lambda: package(method=ZIP_LZMA),
    "a document type": lambda: _in("worksheets/sheet1", b'<!DOCTYPE x [<!ENTITY e "b">]>' + sheet()),
    "digits of a number": lambda: _in(
        "worksheets/sheet1", sheet(ROWS + b"<row><c><v>" + b"9" * 400_000 + b"</v></c></row>")
    ),
}

# What does no harm: read as if it were not there.
READ: dict[str, Callable[[], bytes]] = {
    "defined names": lambda: _in("workbook", contents(b'<definedName name="n">SUM(Codes!$A$1)</definedName>' * MANY)),
    "conditional formats": lambda: _behind(
        b'<conditionalFormatting sqref="A1"><cfRule/></conditionalFormatting>' * (MANY // 2)
    ),
    "merged ranges": lambda: _behind(b'<mergeCell ref="A1:XFD1048576"/>' * MANY),
    "columns": lambda: _before(b'<col min="1" max="16384"/>' * MANY),
    "cells far away": lambda: _in("worksheets/sheet1", sheet(ROWS + _far_cells())),
    "content types": lambda: package(
        {"[Content_Types].xml": types(b'<Override PartName="/x" ContentType="y"/>' * MANY)}
    ),
    "fonts": lambda: _in("styles", styles().replace(b"<font/>", b"<font/>" * MANY)),
    "named styles": lambda: _in("styles", styles(after=b'<cellStyle name="n" xfId="0"/>' * MANY)),
    "pieces of a string": lambda: _in(
        "sharedStrings", strings(b"<si><t>Text</t>" + b"<r><rPr/></r>" * (MANY // 2) + b"</si>")
    ),
    "a format without end": lambda: _in(
        "styles", styles(formats=b'<numFmt formatCode="' + b"&quot;[" * 100_000 + b'"/>')
    ),
}


def _quoted() -> bytes:
    return b"code,description\n" + b'"1"x,y\n' * 700_000


# The same as CSV.
LISTS: dict[str, Callable[[], bytes]] = {
    "rows": lambda: b"code,description\n" + b"1,x\n" * 1_200_000,
    "rows that cannot be read": _quoted,
    "columns": lambda: b"code,description" + b",c" * 2_000_000 + b"\n1,x\n",
    "columns without names": lambda: b"," * 5_000_000,
    "line ends": lambda: b"\n" * 5_000_000,
    "one line": lambda: b"x" * 5_000_000,
    "short columns": lambda: b"code,description\n1,x" + b",yz" * 1_600_000 + b"\n",
    "one cell": lambda: b'code,description\n1,"' + b"x" * 5_000_000 + b'"\n',
    "zero bytes far behind": lambda: b"code,description\n" + b"1,x\n" * 1_000 + b"2,\x00\n",
}
