"""`python -m tests.servers [--all]` installs what single tests start themselves, and tells which that is."""

from __future__ import annotations

import sys

from tests.servers import chromium
from tests.servers.server import ServerError
from tests.servers.tryton import Tryton70Server, TrytonServer


def main(arguments: list[str]) -> int:
    try:
        for kind in [TrytonServer, Tryton70Server] if arguments else [TrytonServer]:
            print(f"{kind.name:<11} {kind().version}: from PyPI, in an environment of its own", flush=True)
        browser = chromium.find_program()
        print(f"Chromium    {chromium.version_of(browser)}: {browser}", flush=True)
    except ServerError as error:
        print(error)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
