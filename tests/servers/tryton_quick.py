"""Tryton's programs, signing in at once: the hash of a password takes longer than all else that most calls do.

Runs inside the environment of that Tryton: `python tryton_quick.py PROGRAM ARGUMENTS...`.
"""

from __future__ import annotations

import runpy
import sys
from functools import partialmethod

try:
    from pwdlib.hashers.argon2 import Argon2Hasher  # Tryton 8
except ImportError:
    from passlib.hash import scrypt  # Tryton 7

    scrypt.default_rounds = 1
else:
    Argon2Hasher.__init__ = partialmethod(Argon2Hasher.__init__, time_cost=1, memory_cost=8, parallelism=1)

if __name__ == "__main__":
    sys.argv = sys.argv[1:]
    runpy.run_path(sys.argv[0], run_name="__main__")
