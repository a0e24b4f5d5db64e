#!/usr/bin/env bash
# openpyxl 3.1.5: how a text gets into a workbook that it writes.
#
# Spreadsheets keep each text once, in the part of shared strings, and its cells name it by number.
#
# Guess:     a saved workbook has xl/sharedStrings.xml, and its cells of text are of the type "s".
# Behaviour: there is no such part; every text stands in its cell (type "inlineStr"), as often as it occurs. openpyxl
#            reads shared strings, but no file of its own has any: load a workbook of a spreadsheet, save it, and the
#            part is gone. So a reader of lists that is tested with openpyxl's files alone never meets what offices send.
# For us:    tests/wbs/hostile.py builds packages with shared strings by hand, and both ways are read.
#
# Output seen:
#   written: no shared strings; cells inlineStr, inlineStr, n
#   with shared strings, read: code, code, 1
#   the same, saved again: no shared strings; cells inlineStr, inlineStr, n
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check openpyxl==3.1.5 2>/dev/null
"$folder/venv/bin/python" - >"$folder/seen" <<'PYTHON'
import io
import re
import zipfile

from openpyxl import Workbook, load_workbook

SHEET, STRINGS = "xl/worksheets/sheet1.xml", "xl/sharedStrings.xml"
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"


def told(content):
    package = zipfile.ZipFile(io.BytesIO(content))
    cells = [re.search(r' t="(\w+)"', tag) for tag in re.findall(r"<c [^>]*>", package.read(SHEET).decode())]
    shared = "shared strings" if STRINGS in package.namelist() else "no shared strings"
    return f"{shared}; cells {', '.join(found[1] if found else 'n' for found in cells)}"


def saved(book):
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


def shared(content):
    """The same workbook as a spreadsheet writes it: its texts in a part of their own."""
    changed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(changed, "w") as new:
        for name in old.namelist():
            text = old.read(name).decode()
            if name == SHEET:
                text = re.sub(r't="inlineStr"><is><t>code</t></is>', 't="s"><v>0</v>', text)
            elif name == "[Content_Types].xml":
                kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"
                text = text.replace("</Types>", f'<Override PartName="/{STRINGS}" ContentType="{kind}"/></Types>')
            elif name == "xl/_rels/workbook.xml.rels":
                kind = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/sharedStrings"
                part = f'<Relationship Id="rId99" Type="{kind}" Target="/{STRINGS}"/></Relationships>'
                text = text.replace("</Relationships>", part)
            new.writestr(name, text)
        new.writestr(STRINGS, f'<sst xmlns="{MAIN}" count="2" uniqueCount="1"><si><t>code</t></si></sst>')
    return changed.getvalue()


book = Workbook()
book.active.append(["code", "code", 1])
written = saved(book)
print("written:", told(written))
again = load_workbook(io.BytesIO(shared(written)))
print("with shared strings, read:", ", ".join(str(cell.value) for cell in again.active[1]))
print("the same, saved again:", told(saved(again)))
PYTHON
cat "$folder/seen"
sed -n '/^# Output seen:/,/^set/s/^#   //p' "$0" | diff - "$folder/seen" >/dev/null || {
  echo "It behaves otherwise than was seen." >&2
  exit 1
}
