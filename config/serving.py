"""The embedded web server's side of a request that its application did not read to the end."""

from __future__ import annotations

from django.core.servers.basehttp import ServerHandler, WSGIRequestHandler


class Answer(ServerHandler):
    def close(self) -> None:
        """Hear out what nobody read, in portions: Django's own server takes it into the memory at once."""
        while self.get_stdin().read(1 << 16):
            pass
        super().close()


class Handler(WSGIRequestHandler):
    def handle_one_request(self) -> None:
        """As Django's, which names its own class for the answer."""
        self.raw_requestline = self.rfile.readline(65537)
        if len(self.raw_requestline) > 65536:
            self.requestline = self.request_version = self.command = ""
            self.send_error(414)
        elif self.parse_request():
            answer = Answer(self.rfile, self.wfile, self.get_stderr(), self.get_environ())
            answer.request_handler = self  # type: ignore[attr-defined]
            answer.run(self.server.get_app())  # type: ignore[attr-defined]
