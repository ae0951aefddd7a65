"""A relay that does not exist: HTTP from memory, by the rules that relay and owner share. Tests override it to lie."""

import base64
import json
import struct
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any
from urllib.parse import parse_qs, urlsplit

from clip_factory import Store
from sealbell_wire.enrolment import DoorbellCard, RelayCard
from sealbell_wire.ids import ZERO_ID
from sealbell_wire.part import Part, parse_part
from sealbell_wire.receipt import MAGIC, NO_REASON, Receipt, read_receipts
from sealbell_wire.tombstone import Tombstone, take_tombstone

KEEP_ALIVE = struct.pack(">I", 0)
PHONES = {"phones": [{"token_hash": "ab" * 32, "added": "2026-11-24"}]}
PATIENCE_S = 0.05  # between two looks at a growing clip; a publication wakes it at once


class RelayDouble:
    """Serves a Store on a port of its own while it is entered. `requests` are the paths asked for.

    What is posted is kept in `posted`, with its token if there was one, and answered as `answers` says, else by 201.
    """

    def __init__(self, store: Store, token: str, cards: list[DoorbellCard]) -> None:
        self.store, self.token, self.cards = store, token, cards
        self.requests: list[str] = []
        self.posted: list[tuple[str, str | None, bytes]] = []
        self.answers: dict[str, int] = {}
        self.buried: list[bytes] = []
        self.followers = threading.Semaphore(0)
        self._changed = threading.Condition()
        self._log: list[tuple[str, str, int]] = []
        self._ended = False

    @property
    def card(self) -> RelayCard:
        port = self._server.server_address[1]
        return RelayCard("mqtt://127.0.0.1:1", f"http://127.0.0.1:{port}", self.store.verify_key.hex())

    def publish(self, part: Part) -> None:
        """Store one part and hand it to everyone who follows."""
        with self._changed:
            self.store.keep([part])
            self._log.append((part.record.doorbell, part.record.clip, part.record.seq))
            self._changed.notify_all()

    def doorbells(self) -> Any:
        return {"doorbells": [{"doorbell": card.doorbell, "card": json.loads(card.encode())} for card in self.cards]}

    def clips(self, doorbell: str, limit: int, before: str | None) -> Any:
        clips = self.store.objects.get(doorbell, {})
        names = sorted((name for name in clips if before is None or name < before), reverse=True)
        page = [self.entry(name, clips[name]) for name in names[:limit]]
        return {"clips": page, "next": names[limit - 1] if len(names) > limit else None}

    def entry(self, clip: str, objects: dict[int, bytes]) -> dict[str, Any]:
        parts = {seq: split(stored) for seq, stored in objects.items()}
        newest, receipt = parts[max(parts)]
        dropped = sum(part.sealed is None for part, _ in parts.values())
        (told,) = read_receipts(receipt, self.store.verify_key)
        return {
            "clip": clip,
            "parts": len(parts) - dropped,
            "dropped": dropped,
            "bytes": sum(map(len, objects.values())),
            "first": signed_record(parts[0][0]) if 0 in parts else None,
            "newest": signed_record(newest),
            "final": newest.record.final,
            "arrived_ms": told.arrived_ms,
        }

    def health(self, doorbell: str) -> Any:
        if doorbell not in self.store.healths:
            return {"health": None, "arrived_ms": None}
        health, arrived_ms = self.store.healths[doorbell]
        return {"health": base64.b64encode(health.encode()).decode("ascii"), "arrived_ms": arrived_ms}

    def parts(self, doorbell: str, clip: str, from_seq: int) -> Iterator[bytes]:
        for seq, stored in sorted(self.store.objects[doorbell][clip].items()):
            if seq >= from_seq:
                yield struct.pack(">I", len(stored)) + stored

    def follow(self, doorbell: str, after: str) -> Iterator[bytes]:
        told: set[tuple[str, int]] = set()
        yield KEEP_ALIVE
        self.followers.release()
        while not self._ended:
            with self._changed:
                clips = self.store.objects.get(doorbell, {})
                new = [
                    (clip, seq)
                    for clip in sorted(clips)
                    for seq in sorted(clips[clip])
                    if clip > after and (clip, seq) not in told
                ]
                stored = [clips[clip][seq] for clip, seq in new]
                if not new:
                    self._changed.wait(PATIENCE_S)
            told.update(new)
            yield from (struct.pack(">I", len(one)) + one for one in stored) if new else (KEEP_ALIVE,)

    def tombstones(self) -> Any:
        return {"tombstones": [base64.b64encode(frame).decode("ascii") for frame in self.buried], "next": None}

    def bury(self, body: bytes) -> bytes:
        """Delete what the tombstones name, and return the receipts."""
        receipts = b""
        while body:
            tombstone, frame, body = take_tombstone(body)
            self.buried.append(frame)
            self.store.objects.get(tombstone.doorbell, {}).pop(tombstone.name, None)
            receipts += self.receipt(tombstone)
        return receipts

    def receipt(self, tombstone: Tombstone) -> bytes:
        clip = tombstone.name if tombstone.kind == "clip" else ZERO_ID
        return Receipt(tombstone.doorbell, clip, 0, tombstone.hash, "deleted", NO_REASON, 1).sign(self.store.relay_key)

    def answer(self, path: str, query: dict[str, str]) -> Any:
        """JSON as a dict or bytes, a stream as an iterator of raw bytes, None for what is not there."""
        match path.strip("/").split("/"):
            case ["v1", "doorbells" | "phones" | "tombstones" as what]:
                return {"doorbells": self.doorbells, "tombstones": self.tombstones}.get(what, lambda: PHONES)()
            case ["v1", "doorbells", doorbell, "clips"] if self._knows(doorbell):
                return self.clips(doorbell, int(query["limit"]), query.get("before"))
            case ["v1", "doorbells", doorbell, "health"] if self._knows(doorbell):
                return self.health(doorbell)
            case ["v1", "doorbells", doorbell, "clips", clip, "parts"] if clip in self.store.objects.get(doorbell, {}):
                return self.parts(doorbell, clip, int(query["from"]))
            case ["v1", "doorbells", doorbell, "follow"] if self._knows(doorbell):
                return self.follow(doorbell, query["after"])
        return None

    def _knows(self, doorbell: str) -> bool:
        return any(card.doorbell == doorbell for card in self.cards)

    def __enter__(self) -> "RelayDouble":
        double = self

        class Handler(_Handler):
            relay = double

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._ended = True
        with self._changed:
            self._changed.notify_all()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 65_536  # headers and body in one packet, or each answer waits 40 ms for an acknowledgement
    relay: RelayDouble

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        self.relay.requests.append(self.path)
        if self.headers.get("Authorization") != f"Bearer {self.relay.token}":
            return self._say(401, b"")
        answer = self.relay.answer(url.path, {key: values[0] for key, values in parse_qs(url.query).items()})
        if answer is None:
            return self._say(404, b"")
        if isinstance(answer, tuple):
            return self._say(answer[0], json.dumps(answer[1]).encode())
        if isinstance(answer, dict | bytes):
            return self._say(200, answer if isinstance(answer, bytes) else json.dumps(answer).encode())
        return self._stream(answer)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.relay.requests.append(self.path)
        self.relay.posted.append((self.path, self.headers.get("Authorization"), body))
        if self.path == "/v1/tombstones" and self.path not in self.relay.answers:
            return self._say(200, self.relay.bury(body))
        return self._say(self.relay.answers.get(self.path, 201), b'{"error": "what a relay says is not shown"}')

    def _say(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _stream(self, pieces: Iterator[bytes]) -> None:
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        try:
            for piece in pieces:
                self.wfile.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
                self.wfile.flush()
            self.wfile.write(b"0\r\n\r\n")
        except OSError:
            self.close_connection = True  # the owner has seen enough

    def log_message(self, format: str, *args: Any) -> None:
        pass


def split(stored: bytes) -> tuple[Part, bytes]:
    """A stored object as its part and its receipt's frame; the part's age file holds no receipt's magic by chance."""
    at = stored.rindex(MAGIC)
    return parse_part(stored[:at]), stored[at:]


def signed_record(part: Part) -> str:
    """A record as listings carry it."""
    frame = struct.pack(">H", len(part.record_bytes)) + part.record_bytes + part.signature
    return base64.b64encode(frame).decode("ascii")
