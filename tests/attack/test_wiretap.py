"""Nothing that leaves the doorbell or lies anywhere shows what was sealed; and the search would find it if it did."""

import hashlib
import secrets
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from sealbell.clock import FootageClock
from sealbell.demo import processes, wiretap
from sealbell.demo.street import Street
from sealbell.demo.tap import Tap
from sealbell.home import Home
from sealbell.uplink.outbox import OutboxReader
from sealbell.watch.camera.footage import Footage
from sealbell.watch.main import Eyes, Watch, compose, open_outbox
from sealbell.watch.panel.scripted import ScriptedPanel
from sealbell.watch.recorder import Timing
from sealbell_wire import sealing, sshsig
from sealbell_wire.age.file import Head
from sealbell_wire.part import Part

STATIC = Path(__file__).parents[1] / "footage" / "derived_static_onebyone_0-55.mp4"


class Plain:
    """A test double for sealing that seals nothing: a right header, a signed record, and the plaintext as it is."""

    def __init__(self) -> None:
        self.plaintexts: list[bytes] = []

    def __call__(self, draft: sealing.Draft, head: Head, key: Ed25519PrivateKey) -> Part:
        self.plaintexts.append(draft.plaintext)
        header = head.seal(b"").head
        record = replace(
            draft.record,
            head=hashlib.sha256(header).hexdigest(),
            body=hashlib.sha256(draft.plaintext).hexdigest(),
            size=len(header) + len(draft.plaintext),
        )
        text = record.encode()
        return Part(record, text, sshsig.sign(key, sshsig.PART, text), header + draft.plaintext)


class Keeping:
    """Sealing as it is, with a copy of every plaintext for the search."""

    def __init__(self) -> None:
        self.plaintexts: list[bytes] = []

    def __call__(self, draft: sealing.Draft, head: Head, key: Ed25519PrivateKey) -> Part:
        self.plaintexts.append(draft.plaintext)
        return sealing.seal_part(draft, head, key)


def watch_with(sealer: Plain | Keeping, home: Home) -> None:
    clock = FootageClock(secrets.token_hex(16), real=False)
    footage = Footage(STATIC, clock)
    eyes = Eyes(footage, ScriptedPanel(clock, [2_000_000]), clock, patient=True)
    watch: Watch = compose(home, eyes, Timing(), open_outbox(home), seal=sealer)
    watch.run()


def hits_by_place(sealer: Plain | Keeping, folder: Path) -> dict[str, int]:
    with ExitStack() as stack:
        street = Street(folder, stack)
        _, card = street.start_relay()
        street.set_up_owner()
        bell = street.set_up_doorbell("1", "door")
        bell_folder = folder / "bell"
        bell_folder.mkdir()
        credential = (street.relay / "broker.credential").read_text(encoding="ascii").strip()
        tap = Tap(card["mqtt"], credential, folder / "tap", OutboxReader(bell_folder))
        assert tap.start()
        watch_with(sealer, Home(bell.home))
        search = wiretap.Search(wiretap.needles(sealer.plaintexts))
        found = {"outbox": hits_below(search, bell.home / "outbox"), "state": hits_below(search, bell.home / "state")}
        processes.run("sealbell", "uplink", bell.home, "--until-empty")
        tap.stop()
        found["broker"] = search.hits((folder / "tap").read_bytes())
        found["relay"] = hits_below(search, street.relay)
        assert (folder / "tap").stat().st_size > 100_000
        return found


def hits_below(search: wiretap.Search, folder: Path) -> int:
    return sum(search.hits(path.read_bytes()) for path in wiretap.files_below([folder]))


def test_a_wiretap_anywhere_finds_nothing(tmp_path: Path) -> None:
    assert hits_by_place(Keeping(), tmp_path) == {"outbox": 0, "state": 0, "broker": 0, "relay": 0}


def test_the_wiretap_finds_everything_when_sealing_is_switched_off(tmp_path: Path) -> None:
    found = hits_by_place(Plain(), tmp_path)
    assert found["state"] == 0
    assert all(found[place] > 20 for place in ("outbox", "broker", "relay")), found


@settings(max_examples=60, deadline=None)
@given(st.binary(min_size=9, max_size=64), st.binary(max_size=300), st.binary(max_size=300))
def test_the_search_finds_a_needle_wherever_it_lies(needle: bytes, before: bytes, after: bytes) -> None:
    hay = before + needle + after
    count = sum(hay.startswith(needle, at) for at in range(len(hay)))
    assert wiretap.Search({needle}).hits(hay) == count


def test_a_needle_across_two_blocks_is_found_once() -> None:
    needle = bytes(range(100, 116))
    at = wiretap.BLOCK_BYTES - 7
    hay = bytes(at) + needle + bytes(100)
    assert wiretap.Search({needle}).hits(hay) == 1
