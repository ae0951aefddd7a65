"""What fsck finds: each way in which something in a relay's folder can be wrong, and nothing where nothing is."""

import os
import shutil
import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

import relay_folder
from parts_factory import Doorbell, Owner, age_file, frame
from relay_folder import keep, keep_health, let_in, path_of
from sealbell_relay.audit.fsck import Fsck
from sealbell_relay.audit.look import Finding
from sealbell_relay.errors import RelayError
from sealbell_relay.folder import Folder
from sealbell_relay.tls.certificates import encode_certificate, encode_key, issue, new_key
from sealbell_relay.tls.folder import TlsFolder
from sealbell_relay.tls.pair import parse_pair
from sealbell_wire import sshsig
from sealbell_wire.enrolment import RelayCard
from sealbell_wire.ids import ZERO_HASH
from sealbell_wire.part import Part

BELL, OTHER = Doorbell(1, Owner(1)), Doorbell(2, Owner(2))
CLIP = BELL.clip(6)
MARK = BELL.dropped(BELL.clip(4, number=2)[2])
STRANGER = Ed25519PrivateKey.from_private_bytes(bytes(32))
CARD = Path("store/doorbells", f"{BELL.id}.json")
OWNER_CARD = Path("store/owners", f"{BELL.owner.card.key}.json")
TOKEN = Path("store/tokens", BELL.owner.card.token_hash)
PHONE = Path("store/tokens", relay_folder.phone_of(BELL))
CREDENTIAL = Path("store/credentials", BELL.id)
OWNED = Path("store/owned", BELL.owner.card.key, BELL.id)
HEALTH = Path("store/health", BELL.id)
CLIPS = Path("store/clips", BELL.id)
LONG_AGO_S, LATER_S = 1_000_000_000, 4_000_000_000.0


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """Everything that a relay keeps, in order: whole parts, one dropped, one dropped that came after all, a hole."""
    folder = relay_folder.make(tmp_path / "relay")
    second = BELL.clip(4, number=2, last=CLIP[-1].hash)
    for bell in (BELL, OTHER):
        let_in(folder, bell)
        keep_health(folder, bell, 7)
    keep(folder, CLIP)
    keep(folder, [second[0], BELL.dropped(second[1]), second[1], BELL.dropped(second[2])])
    keep(folder, [part for part in BELL.clip(5, number=3) if part.record.seq in (0, 3, 4)])
    keep(folder, OTHER.clip(3))
    return folder


def look(folder: Folder, started_s: float = LATER_S) -> list[Finding]:
    findings: list[Finding] = []
    fsck = Fsck(folder, started_s, findings.append, lambda objects, size: None)
    assert fsck.run() is not bool(findings)
    assert fsck.wrong == len(findings)
    return findings


def snapshot(root: Path) -> dict[str, tuple[int, int, bytes]]:
    def content(path: Path) -> bytes:
        return path.read_bytes() if path.is_file() and not path.is_symlink() else b""

    return {
        str(path): (path.lstat().st_mode, path.lstat().st_mtime_ns, content(path)) for path in [root, *root.rglob("*")]
    }


def test_a_sound_folder_is_found_in_order_and_every_object_is_looked_at(folder: Folder) -> None:
    seen: list[tuple[int, int]] = []
    fsck = Fsck(folder, LATER_S, lambda finding: pytest.fail(str(finding)), lambda *done: seen.append(done))
    assert fsck.run()
    files = [path for path in folder.store.rglob("*") if path.is_file()]
    assert (fsck.objects, fsck.bytes) == (len(files), sum(path.stat().st_size for path in files)) == seen[-1]


def test_a_relay_that_took_nothing_yet_is_in_order(tmp_path: Path) -> None:
    assert look(relay_folder.make(tmp_path / "relay")) == []


def rewrite(path: Path, change: Callable[[bytes], bytes]) -> None:
    path.write_bytes(change(path.read_bytes()))


def flip(at: int) -> Callable[[bytes], bytes]:
    """One bit of the byte at a place (from the end, if negative) is another."""
    return lambda data: bytes((*data[:at], data[at] ^ 1, *data[at:][1:]))


def cut(size: int) -> Callable[[bytes], bytes]:
    return lambda data: data[:size]


def with_receipt(folder: Folder, part: Part, key: Ed25519PrivateKey | None = None, **changes: object) -> bytes:
    said = replace(relay_folder.receipt(part), **changes)  # type: ignore[arg-type] # names are the test's
    return frame(part) + said.sign(key or folder.key())


THIRD = CLIP[3]
RECORD_BYTES, MESSAGE_BYTES = len(THIRD.record_bytes), len(THIRD.encode())
AGE_AT = MESSAGE_BYTES - 1_000

DAMAGES: dict[str, tuple[Callable[[Folder], bytes], str]] = {
    "empty": (lambda _: b"", "is empty"),
    "cut in its magic": (lambda _: frame(THIRD)[:3], "cut in its frame"),
    "cut in its record": (lambda _: frame(THIRD)[:100], "record is cut"),
    "cut in its signature": (lambda _: frame(THIRD)[: 6 + RECORD_BYTES + 63], "record is cut"),
    "cut in its age file": (lambda _: frame(THIRD)[:-1], "age file is cut"),
    "cut before its receipt": (lambda _: frame(THIRD), "has lost its receipt"),
    "cut in its receipt": (lambda folder: with_receipt(folder, THIRD)[:-1], "damaged receipt: statement: cut"),
    "with a byte after": (lambda folder: with_receipt(folder, THIRD) + b"\0", "1 bytes after its receipt"),
    "with a megabyte after": (lambda folder: with_receipt(folder, THIRD) + bytes(1_100_000), "bytes after its receipt"),
    "another magic": (lambda folder: flip(0)(with_receipt(folder, THIRD)), "magic"),
    "a record that is no record": (lambda folder: flip(10)(with_receipt(folder, THIRD)), "is damaged"),
    "another record": (
        lambda folder: with_receipt(folder, THIRD).replace(b"synced 1", b"synced 0"), "not what its doorbell signed"),
    "another signature": (
        lambda folder: flip(6 + RECORD_BYTES)(with_receipt(folder, THIRD)), "not what its doorbell signed"),
    "another head": (lambda folder: flip(AGE_AT + 30)(with_receipt(folder, THIRD)), "age header is not the one"),
    "no head": (lambda folder: flip(AGE_AT + 80)(with_receipt(folder, THIRD)), "is damaged"),
    "another body": (lambda folder: flip(MESSAGE_BYTES - 1)(with_receipt(folder, THIRD)), "body is not the one"),
    "another length": (lambda folder: flip(AGE_AT - 1)(with_receipt(folder, THIRD)), "is damaged"),
    "signed by another doorbell": (
        lambda folder: with_receipt(folder, Part(
            THIRD.record, THIRD.record_bytes, sshsig.sign(OTHER.key, sshsig.PART, THIRD.record_bytes), THIRD.sealed)),
        "not what its doorbell signed"),
    "a receipt by another key": (lambda folder: with_receipt(folder, THIRD, STRANGER), "key did not sign"),
    "another receipt": (
        lambda folder: frame(THIRD) + relay_folder.receipt(CLIP[2]).sign(folder.key()),
        "receipt of another part"),
    "a receipt of another record": (
        lambda folder: with_receipt(folder, THIRD, record=CLIP[2].hash), "receipt of another part"),
    "a receipt of another number": (lambda folder: with_receipt(folder, THIRD, seq=2), "receipt of another part"),
    "a receipt of another clip": (
        lambda folder: with_receipt(folder, THIRD, clip=BELL.clip_id(2)), "receipt of another part"),
    "a receipt of another doorbell": (
        lambda folder: with_receipt(folder, THIRD, doorbell=OTHER.id), "receipt of another part"),
    "a receipt that refuses": (
        lambda folder: with_receipt(folder, THIRD, verdict="refused", reason="malformed"), "says refused, not stored"),
    "a receipt of the dropped form": (
        lambda folder: with_receipt(folder, THIRD, verdict="dropped"), "says dropped, not stored"),
    "two receipts": (
        lambda folder: with_receipt(folder, THIRD) + relay_folder.receipt(THIRD).sign(folder.key()),
        "bytes after its receipt"),
    "the part before": (lambda folder: with_receipt(folder, CLIP[2]), "another part than its name says"),
    "a part of another clip": (
        lambda folder: with_receipt(folder, BELL.clip(4, number=2)[3]), "another part than its name says"),
    "a part of another doorbell": (
        lambda folder: with_receipt(folder, OTHER.clip(4)[3]), "another part than its name says"),
    "its dropped form": (lambda folder: with_receipt(folder, BELL.dropped(THIRD)), "under the ending of a dropped one"),
}  # fmt: skip


@pytest.mark.parametrize("name", DAMAGES)
def test_a_damaged_part_is_found_with_what_to_do_and_nothing_is_changed(folder: Folder, name: str) -> None:
    make, says = DAMAGES[name]
    path_of(folder, THIRD).write_bytes(make(folder))
    before = snapshot(folder.root)
    (finding,) = look(folder)
    assert finding.path == str(path_of(folder, THIRD).relative_to(folder.root))
    assert says in finding.what
    assert "backup" in finding.advice
    assert snapshot(folder.root) == before


def test_every_byte_of_a_part_and_of_its_receipt_counts(folder: Folder) -> None:
    path, sound = path_of(folder, THIRD), with_receipt(folder, THIRD)
    for at in range(0, len(sound), 37):
        path.write_bytes(flip(at)(sound))
        assert [finding.path for finding in look(folder)] == [str(path.relative_to(folder.root))], at
        path.write_bytes(sound[:at])
        assert len(look(folder)) == 1, at


def test_a_dropped_part_whose_mark_is_not_its_doorbells_is_found(folder: Folder) -> None:
    path = path_of(folder, MARK)
    path.write_bytes(with_receipt(folder, replace(MARK, dropped=MARK.signature)))
    (finding,) = look(folder)
    assert "not what its doorbell signed" in finding.what


def resigned(part: Part, **changes: object) -> Part:
    return BELL.changed(part, **changes)


def put_instead(folder: Folder, part: Part) -> None:
    path_of(folder, part).write_bytes(with_receipt(folder, part))


CONTRADICTIONS: dict[str, tuple[Callable[[Folder], None], set[int], str]] = {
    # what is done, which parts are told, what is said
    "another part of this number, which the next does not follow": (
        lambda folder: put_instead(folder, resigned(CLIP[2], synced=False)), {3}, "does not join"),
    "a part that follows another one than is there": (
        lambda folder: put_instead(folder, resigned(CLIP[5], prev=CLIP[1].hash)), {5}, "does not join"),
    "a part after the end": (
        lambda folder: keep(folder, [BELL.part(BELL.clip_id(), 6, "media", CLIP[5].hash, age_file(1_000))]),
        {6}, "signed end"),
    "a part far after the end": (
        lambda folder: keep(folder, [BELL.part(BELL.clip_id(), 9, "media", ZERO_HASH[:-1] + "1", age_file(1_000))]),
        {9}, "signed end"),
    "a dropped form of another part": (
        lambda folder: keep(folder, [BELL.dropped(resigned(CLIP[2], synced=False))]), {2}, "than the dropped one"),
}  # fmt: skip


@pytest.mark.parametrize("name", CONTRADICTIONS)
def test_parts_that_do_not_agree_are_found(folder: Folder, name: str) -> None:
    spoil, seqs, says = CONTRADICTIONS[name]
    spoil(folder)
    findings = look(folder)
    assert {int(Path(finding.path).stem) for finding in findings} == seqs
    assert all(says in finding.what for finding in findings)


def test_parts_in_an_order_that_no_clip_has_are_told_as_the_doorbells(folder: Folder) -> None:
    clip, number = BELL.clip_id(9), 9
    first = BELL.part(clip, 0, "notice", ZERO_HASH, age_file(1_000), number)
    keep(folder, [first, BELL.part(clip, 1, "media", first.hash, age_file(1_000), number)])
    (finding,) = look(folder)
    assert finding.path.endswith(clip)
    assert "order" in finding.what
    assert "tell the owner" in finding.advice


def test_a_hole_is_no_fault_and_hides_none_behind_it(folder: Folder) -> None:
    path_of(folder, CLIP[1]).unlink()
    assert look(folder) == []
    put_instead(folder, resigned(CLIP[4], prev=CLIP[1].hash))
    assert {Path(finding.path).stem for finding in look(folder)} == {"000004", "000005"}


def swap_files(one: Path, other: Path) -> None:
    first = one.read_bytes()
    one.write_bytes(other.read_bytes())
    other.write_bytes(first)


OTHER_CARD = Path("store/doorbells", f"{OTHER.id}.json")
WRONGS: dict[str, tuple[Callable[[Path], object], list[tuple[Path, str]]]] = {
    "a doorbell's card is damaged": (
        lambda root: rewrite(root / CARD, cut(-2)),
        [(CARD, "damaged card"), (OWNED, "not this owner's"), (HEALTH, "without a sound card"),
         (CLIPS, "without a sound card")]),
    "a doorbell's card is lost": (
        lambda root: (root / CARD).unlink(),
        [(OWNED, "not this owner's"), (HEALTH, "without a sound card"), (CLIPS, "without a sound card"),
         (CREDENTIAL, "has no card here")]),
    "a doorbell's card is another's": (
        lambda root: (root / CARD).write_bytes(OTHER.card.encode()),
        [(CARD, "card of another doorbell"), (OWNED, "not this owner's"), (HEALTH, "sound card"),
         (CLIPS, "sound card")]),
    "a doorbell's card is an owner's": (
        lambda root: (root / CARD).write_bytes(BELL.owner.card.encode()),
        [(CARD, "not a doorbell's card"), (OWNED, "not this owner's"), (HEALTH, "sound card"), (CLIPS, "sound card")]),
    "a card has other spaces": (
        lambda root: rewrite(root / CARD, lambda data: data + b" "), [(CARD, "spacing")]),
    "an owner does not see its doorbell": (
        lambda root: (root / OWNED).unlink(), [(CARD, "not shown to its owner")]),
    "an owner is shown another's doorbell": (
        lambda root: (root / OWNED).with_name(OTHER.id).touch(0o600),
        [(OWNED.with_name(OTHER.id), "not this owner's")]),
    "something stands where nothing should": (
        lambda root: (root / OWNED).write_bytes(b"x"), [(OWNED, "not empty")]),
    "an owner's card is damaged": (
        lambda root: rewrite(root / OWNER_CARD, flip(3)),
        [(OWNER_CARD, "damaged card"), (TOKEN, "does not know this token"), (PHONE, "does not know this token")]),
    "an owner's card is lost": (
        lambda root: (root / OWNER_CARD).unlink(),
        [(TOKEN, "does not know this token"), (PHONE, "does not know this token")]),
    "an owner's card is another's": (
        lambda root: (root / OWNER_CARD).write_bytes(OTHER.owner.card.encode()),
        [(OWNER_CARD, "another owner"), (TOKEN, "does not know this token"), (PHONE, "does not know this token")]),
    "a token is lost": (lambda root: (root / TOKEN).unlink(), [(OWNER_CARD, "no token")]),
    "a token is another owner's": (
        lambda root: (root / TOKEN).write_text(OTHER.owner.card.key), [(TOKEN, "does not know this token")]),
    "a token is no key": (
        lambda root: (root / TOKEN).write_bytes(b"../../receipt.key"), [(TOKEN, "does not know this token")]),
    "health is cut": (
        lambda root: rewrite(next((root / HEALTH).iterdir()), cut(-1)), [(HEALTH, "age file is cut")]),
    "health is empty": (
        lambda root: rewrite(next((root / HEALTH).iterdir()), cut(0)), [(HEALTH, "is empty")]),
    "health is changed": (
        lambda root: rewrite(next((root / HEALTH).iterdir()), flip(-1)), [(HEALTH, "body is not the one")]),
    "health is another doorbell's": (
        lambda root: next((root / HEALTH).iterdir()).write_bytes(OTHER.health(7).encode()),
        [(HEALTH, "names another doorbell")]),
    "health is another message": (
        lambda root: next((root / HEALTH).iterdir()).write_bytes(BELL.health(8).encode()),
        [(HEALTH, "message 8")]),
    "the receipt key is damaged": (
        lambda root: (root / "receipt.key").write_bytes(b"00"), [(Path("receipt.key"), "missing or damaged")]),
    "the receipt key is lost": (
        lambda root: (root / "receipt.key").unlink(), [(Path("receipt.key"), "missing or damaged")]),
    "the relay's card is damaged": (
        lambda root: rewrite(root / "relay.json", cut(9)), [(Path("relay.json"), "not a relay's card")]),
    "the relay's card is another relay's": (
        lambda root: (root / "relay.json").write_bytes(
            RelayCard("mqtt://h:1", "http://h:2", OTHER.card.key).encode()),
        [(Path("relay.json"), "another receipt key")]),
    "the store is lost": (lambda root: shutil.rmtree(root / "store"), [(Path("store"), "is missing")]),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONGS)
def test_what_is_wrong_beside_the_parts_is_found(folder: Folder, name: str) -> None:
    spoil, expected = WRONGS[name]
    spoil(folder.root)
    before = snapshot(folder.root)
    found = {finding.path: finding.what for finding in look(folder)}
    assert len(found) == len(expected), found
    for path, says in expected:
        assert any(at.startswith(str(path)) and says in what for at, what in found.items()), (path, found)
    assert snapshot(folder.root) == before


def test_a_lost_receipt_key_leaves_the_receipts_checked_by_the_relays_card(folder: Folder) -> None:
    (folder.root / "receipt.key").unlink()
    path_of(folder, THIRD).write_bytes(frame(THIRD) + replace(relay_folder.receipt(THIRD), seq=3).sign(STRANGER))
    assert [finding.what for finding in look(folder)][1:] == ["has a receipt that this relay's key did not sign"]


BUCKET = CLIPS / BELL.clip_id()[:6]
STRAYS = [
    Path("photo.jpg"), Path("store/photo.jpg"), Path("store/photos/a"), Path("store/tmp/photo.jpg"),
    Path("store/doorbells/photo.jpg"), Path("store/doorbells", "A" * 32 + ".json"), Path("store/owners/x"),
    Path("store/owned/x"), OWNED.with_name("x"), Path("store/tokens/x"), Path("store/health/x"), HEALTH / "x",
    Path("store/clips/x"), CLIPS / "x", BUCKET / "x", BUCKET / BELL.clip_id() / "000001.part~",
    BUCKET / BELL.clip_id() / "010000.part", BUCKET / BELL.clip_id() / "\udcff\x1b[2J",
]  # fmt: skip


@pytest.mark.parametrize("path", STRAYS, ids=ascii)
def test_a_file_that_does_not_belong_is_found_wherever_it_lies(folder: Folder, path: Path) -> None:
    stray = folder.root / path
    stray.parent.mkdir(mode=0o700, exist_ok=True)
    stray.touch(0o600)
    (finding,) = look(folder)
    assert str(path).startswith(finding.path)
    assert "does not belong" in finding.what


def test_a_clip_in_the_wrong_folder_is_found(folder: Folder) -> None:
    (folder.root / BUCKET).rename(folder.root / CLIPS / "ffffff")
    assert {finding.what for finding in look(folder)} == {"is a clip in the wrong folder"}


@pytest.mark.parametrize("name", ["relay.json", "lock", "receipt.key.pipe"])
def test_a_pipe_beside_the_store_is_found_and_never_opened(folder: Folder, name: str) -> None:
    (folder.root / name).unlink(missing_ok=True)
    os.mkfifo(folder.root / name, 0o600)
    assert "is a link or a special file" in {finding.what for finding in look(folder)}


def test_a_store_behind_a_link_is_told_and_checked_all_the_same(folder: Folder, tmp_path: Path) -> None:
    folder.store.rename(tmp_path / "elsewhere")
    folder.store.symlink_to(tmp_path / "elsewhere")
    assert [finding.path for finding in look(folder)] == ["store"]
    (tmp_path / "way-in").symlink_to(folder.root)
    rewrite(path_of(folder, THIRD), flip(-1))
    folder.root.chmod(0o750)
    assert [finding.path for finding in look(Folder(tmp_path / "way-in"))][1:] == [
        str(path_of(folder, THIRD).relative_to(folder.root)),
        ".",
    ]


@pytest.mark.parametrize("make", [os.mkfifo, lambda path: path.symlink_to("/dev/zero")], ids=["pipe", "link"])
def test_a_pipe_or_a_link_in_the_place_of_a_part_is_found_and_never_opened(
    folder: Folder, make: Callable[[Path], None]
) -> None:
    path = path_of(folder, THIRD)
    path.unlink()
    make(path)
    path.chmod(0o600) if not path.is_symlink() else None
    (finding,) = look(folder)
    assert finding.what == "is a link or a special file"


def test_what_an_interrupted_write_left_is_found_once_it_is_old(folder: Folder) -> None:
    for path in (folder.store / "tmp" / ("a" * 32), folder.root / "new"):
        path.touch(0o600)
        os.utime(path, (LONG_AGO_S, LONG_AGO_S))
    assert look(folder, LONG_AGO_S + 59) == [], "a relay that serves may be writing it just now"
    found = look(folder, LONG_AGO_S + 61)
    assert {finding.path for finding in found} == {"new", "store/tmp/" + "a" * 32}
    assert {finding.what for finding in found} == {"was left by a write that was interrupted"}


def test_a_card_that_is_being_let_in_just_now_is_no_fault(folder: Folder) -> None:
    (folder.root / OWNED).unlink()
    (folder.root / TOKEN).unlink()
    for path in (CARD, OWNER_CARD):
        os.utime(folder.root / path, (LONG_AGO_S, LONG_AGO_S))
    assert look(folder, LONG_AGO_S + 59) == []
    assert len(look(folder, LONG_AGO_S + 61)) == 2


@pytest.mark.parametrize("path", [Path(), Path("store"), BUCKET, CARD, path_of(Folder(Path("/")), THIRD)], ids=str)
@pytest.mark.parametrize("mode", [0o040, 0o007])
def test_what_others_may_read_is_found(folder: Folder, path: Path, mode: int) -> None:
    at = folder.root / str(path).lstrip("/")
    at.chmod(at.stat().st_mode | mode)
    (finding,) = look(folder)
    assert "others" in finding.what
    assert "chmod" in finding.advice


def test_a_receipt_key_that_others_may_read_is_told_by_itself(folder: Folder) -> None:
    (folder.root / "receipt.key").chmod(0o644)
    path_of(folder, THIRD).chmod(0o000)
    by_path = {finding.path: finding for finding in look(folder) if "cannot be read" not in finding.what}
    assert "pass for this relay" in by_path["receipt.key"].advice
    assert len(by_path) == 2


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_what_root_let_in_and_the_relays_user_cannot_read_is_found(folder: Folder) -> None:
    for path in (folder.root, *folder.root.rglob("*")):
        os.chown(path, 4_321, 4_321)
    assert look(folder) == []
    os.chown(folder.root / CARD, 0, 0)
    (finding,) = look(folder)
    assert finding.path == str(CARD)
    assert "chown" in finding.advice


def test_a_copy_that_everybody_may_read_is_told_once(folder: Folder) -> None:
    for path in folder.store.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)
    (finding,) = look(folder)
    assert finding.what.startswith(f"and {len(list(folder.store.rglob('*'))) - 1} more")


def test_a_copy_is_checked_like_the_folder_itself(folder: Folder, tmp_path: Path) -> None:
    ignored = shutil.ignore_patterns("tmp", "broker", "lock")
    copy = Folder(Path(shutil.copytree(folder.root, tmp_path / "backup", ignore=ignored)))
    assert look(copy) == []
    rewrite(path_of(copy, THIRD), flip(-1))
    assert len(look(copy)) == 1


def test_objects_that_vanish_and_appear_meanwhile_are_no_fault(folder: Folder) -> None:
    """At each object that is looked at the relay takes a new part, and removes one as the owner may ask."""
    new = iter([BELL.clip(6, number=n)[seq] for n in range(20, 24) for seq in (5, 0, 2, 1, 4, 3)])
    old = iter([path_of(folder, part) for part in CLIP])

    def meanwhile(objects: int, size: int) -> None:
        if part := next(new, None):
            keep(folder, [part])
        if objects % 2 and (path := next(old, None)):
            path.unlink(missing_ok=True)

    assert Fsck(folder, LATER_S, lambda finding: pytest.fail(str(finding)), meanwhile).run()


def test_memory_does_not_grow_with_the_number_of_parts(tmp_path: Path) -> None:
    peaks = []
    for clips in (3, 30):
        folder = relay_folder.make(tmp_path / f"relay{clips}")
        let_in(folder, BELL)
        for number in range(clips):
            keep(folder, BELL.clip(3, number=number * 300 + 1, size=20_000))
        look(folder)
        tracemalloc.start()
        assert look(folder) == []
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.2 * peaks[0], peaks


def test_a_folder_that_is_no_relays_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RelayError, match="not a relay's folder"):
        look(Folder(tmp_path))
    with pytest.raises(RelayError, match="not a relay's folder"):
        look(Folder(tmp_path / "absent"))


@pytest.fixture
def sealed(folder: Folder) -> TlsFolder:
    """The TLS files of a relay that served with its own CA."""
    tls = TlsFolder(folder)
    authority = tls.make_authority(("relay.street.example",), new_key(), 1_790_000_000.0)
    key = new_key()
    server = issue(authority, authority.names, key, 1_790_000_000.0)
    tls.write_server(parse_pair(encode_certificate(server), encode_key(key)))
    return tls


def test_the_files_of_tls_are_a_relays_own(folder: Folder, sealed: TlsFolder) -> None:
    assert look(folder) == []
    (folder.tls / "old.pem").write_bytes(b"")
    (folder.tls / "old.pem").chmod(0o600)
    assert [(found.path, found.what) for found in look(folder)] == [("tls/old.pem", "does not belong here")]


@pytest.mark.parametrize("name", ["ca.key", "server.pem"])
def test_a_key_of_tls_that_others_may_read_is_said(folder: Folder, sealed: TlsFolder, name: str) -> None:
    (folder.tls / name).chmod(0o640)
    (found,) = look(folder)
    assert (found.path, "pass for this relay" in found.advice) == (f"tls/{name}", True)


def test_a_damaged_ca_is_said(folder: Folder, sealed: TlsFolder) -> None:
    (folder.tls / "ca.pem").write_bytes(b"damaged")
    (found,) = look(folder)
    assert (found.path, "is damaged" in found.what) == ("tls/ca.pem", True)
