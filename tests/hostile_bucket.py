"""A proxy in front of a bucket that does what bad networks and stores do: it delays, fails, cuts and says nothing.

    with hostile(cluster.endpoint) as bucket:
        bucket.endpoint             for AWS_ENDPOINT_URL
        bucket.mood = "cut"         from the next request on

The Host header goes on as it came, which is what S3's signatures cover.
"""

import contextlib
import http.client
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Literal
from urllib.parse import urlsplit

Mood = Literal["well", "slow", "500", "503", "429", "cut", "short", "hang"]
SLOW_S = 0.3
ANSWER_S = 10.0
_HOP = {"connection", "transfer-encoding", "content-length", "keep-alive"}


class Bucket(ThreadingHTTPServer):
    """`asked` counts the requests since the mood was set; `only` is what paths must hold to meet it."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, behind: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.behind = urlsplit(behind)
        self.released = threading.Event()
        self._mood: Mood = "well"
        self.only = ""
        self.asked = 0

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    @property
    def mood(self) -> Mood:
        return self._mood

    @mood.setter
    def mood(self, mood: Mood) -> None:
        self.asked = 0
        self._mood = mood
        self.released.set()  # who was left hanging is cut off
        self.released = threading.Event()

    def mood_at(self, path: str) -> Mood:
        if self.only not in path:
            return "well"
        self.asked += 1
        return self._mood

    def handle_error(self, request: object, client_address: object) -> None:
        """Clients that hang up are what this is for."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Bucket

    def _pass(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        mood, released = self.server.mood_at(self.path), self.server.released
        if mood == "hang":
            released.wait()
            self.close_connection = True
            return
        if mood in ("500", "503", "429"):
            self._answer(int(mood), b"<Error><Code>SlowDown</Code></Error>", [("Content-Type", "application/xml")])
            return
        if mood == "slow":
            threading.Event().wait(SLOW_S)  # the slowness itself, not a wait for anything
        status, headers, data = self._ask(body)
        if mood == "cut":  # the answer to a write gets lost, that to a read breaks off
            self._answer(status, data, headers, data[: len(data) // 2], silent=self.command != "GET")
        elif mood == "short" and self.command == "GET":
            self._answer(status, data[: len(data) // 2], headers)  # and its length fits
        else:
            self._answer(status, data, headers)

    do_GET = do_PUT = do_HEAD = do_DELETE = do_POST = _pass

    def _ask(self, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
        behind = self.server.behind
        connection = http.client.HTTPConnection(behind.hostname or "", behind.port, timeout=ANSWER_S)
        with contextlib.closing(connection):
            connection.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
            for name, value in self.headers.items():
                connection.putheader(name, value)
            connection.endheaders(body)
            answer = connection.getresponse()
            return answer.status, answer.getheaders(), answer.read()

    def _answer(
        self,
        status: int,
        data: bytes,
        headers: list[tuple[str, str]],
        sent: bytes | None = None,
        *,
        silent: bool = False,
    ) -> None:
        if silent:
            self.close_connection = True
            return
        self.send_response_only(status)
        length = next((value for name, value in headers if name.lower() == "content-length"), str(len(data)))
        for name, value in headers:
            if name.lower() not in _HOP:
                self.send_header(name, value)
        self.send_header("Content-Length", length if self.command == "HEAD" else str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data if sent is None else sent)
        self.close_connection = self.close_connection or sent is not None

    def log_message(self, *_: object) -> None:
        """Say nothing: a test has its own words."""


@contextlib.contextmanager
def hostile(behind: str) -> Iterator[Bucket]:
    """Run it in front of the store at the URL `behind`."""
    bucket = Bucket(behind)
    thread = threading.Thread(target=bucket.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield bucket
    finally:
        bucket.mood = "well"
        bucket.shutdown()
        bucket.server_close()
        thread.join()
