#!/usr/bin/env bash
# httpx2 2.16.2 (with httpcore2 2.16.2, Python 3.11): what it makes of a gzip body.
#
# A gzip file may have several members, one after the other (RFC 1952, section 2.2); servers that put compressed parts
# together send such bodies. And a body may break off.
#
# Guess:     all members are unpacked, and a body that lacks its end is a DecodingError.
# Behaviour: the first member alone is returned, without a word; of a body that breaks off what came is returned, too.
#            Python's gzip module does both as guessed, with the same bytes.
# For us:    erp_integrations/http.py unpacks answers itself: half an answer of an ERP must be no answer.
#
# Output seen:
#   whole: one two
#   httpx2, two members: one
#   httpx2, broken off: no error, 14985 of 30000 bytes
#   gzip, broken off: EOFError
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check httpx2==2.16.2 2>/dev/null
"$folder/venv/bin/python" - <<'PYTHON'
import gzip
import random
import sys

import httpx2

HEADERS = {"Content-Encoding": "gzip"}


def unpacked(body: bytes) -> bytes:
    return httpx2.Response(200, headers=HEADERS, content=body).content


two = gzip.compress(b"one ") + gzip.compress(b"two")
whole = gzip.decompress(two)
first = unpacked(two)
long = random.Random(1).randbytes(30_000)
half = gzip.compress(long)[:15_000]
try:
    some = unpacked(half)
    told = "no error"
except httpx2.DecodingError:
    some, told = b"", "DecodingError"
try:
    gzip.decompress(half)
    theirs = "no error"
except EOFError:
    theirs = "EOFError"
print("whole:", whole.decode())
print("httpx2, two members:", first.decode())
print(f"httpx2, broken off: {told}, {len(some)} of {len(long)} bytes")
print("gzip, broken off:", theirs)
as_seen = (whole, first, told, theirs) == (b"one two", b"one ", "no error", "EOFError") and 0 < len(some) < len(long)
sys.exit(0 if as_seen else 1)
PYTHON
