"""The embedded mode: worker, beat and web server as threads of one process, since its broker lives in the memory."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import TYPE_CHECKING, NoReturn

from celery.beat import Scheduler, Service
from celery.worker import WorkController, state
from django.core.servers.basehttp import ThreadedWSGIServer
from django.core.wsgi import get_wsgi_application

from config import limits
from config.celery import app
from config.serving import Handler

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

logger = logging.getLogger(__name__)
FAREWELL_S = 5  # a call to an ERP may take longer; the next start looks it up, as after kill -9


def serve(server: ThreadedWSGIServer, announce: Callable[[], None]) -> NoReturn:
    """Serve until SIGINT or SIGTERM, or until a thread ends by itself, and end this process."""
    application = get_wsgi_application()

    def serve_page(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        limits.serve_pages()
        return application(environ, start_response)

    server.set_app(serve_page)
    fallen: list[str] = []
    start_thread("worker", new_worker().start, fallen)
    start_thread("beat", Service(app, scheduler_cls=Scheduler).start, fallen)
    announce()
    with suppress(KeyboardInterrupt):
        server.serve_forever(poll_interval=0.1)
    server.server_close()
    if fallen:
        logger.critical("The %s ended by itself; its last words are above.", fallen[0])
    end(exit_code=1 if fallen else 0)


def bind(port: int) -> ThreadedWSGIServer:
    """OSError when the port cannot be had."""
    return ThreadedWSGIServer(("127.0.0.1", port), Handler)


def new_worker() -> WorkController:
    quiet = {"without_mingle": True, "without_gossip": True, "without_heartbeat": True}
    return WorkController(app=app, hostname="worker@embedded", pool_cls="threads", concurrency=4, **quiet)


def start_thread(name: str, run: Callable[[], None], fallen: list[str]) -> None:
    def guarded() -> None:
        try:
            run()
        finally:
            if state.should_stop is None:  # nobody asked for it, and without it the product only looks alive
                fallen.append(name)
                os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=guarded, name=name, daemon=True).start()


def end(exit_code: int) -> NoReturn:
    """Wait for the portions that are under way, but hold up nobody for long."""
    state.should_stop = exit_code
    deadline = time.monotonic() + FAREWELL_S
    with suppress(KeyboardInterrupt):  # a second Ctrl-C waits no longer
        while state.reserved_requests and time.monotonic() < deadline:
            time.sleep(0.05)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(exit_code)
