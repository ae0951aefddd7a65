"""What a legal demand for one doorbell gets: all of it, nothing of anybody else, and a statement that holds."""

import csv
import hashlib
import json
import os
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

import relay_folder
from parts_factory import BOOT, Doorbell, Owner
from relay_folder import keep, keep_health, let_in, path_of
from sealbell_relay.audit.disclose import disclose
from sealbell_relay.audit.knows import ABSENT, MEANINGS, SEEN
from sealbell_relay.audit.letter import Counts
from sealbell_relay.errors import RelayError
from sealbell_relay.folder import Folder
from sealbell_relay.keep.deletion import Deletion
from sealbell_relay.keep.retentions import Retentions
from sealbell_relay.store.archive import Archive
from sealbell_relay.store.store import DirectoryStore
from sealbell_relay.tenants.allow import Register
from sealbell_relay.tenants.endings import Endings, operators_word
from sealbell_relay.tls.certificates import encode_key, new_key
from sealbell_relay.tls.folder import TlsFolder
from sealbell_wire.age.decoy import Decoy
from sealbell_wire.age.file import seal
from sealbell_wire.age.mlkem768x25519 import HybridIdentity
from sealbell_wire.ids import ZERO_HASH
from sealbell_wire.part import parse_part
from sealbell_wire.receipt import read_receipts
from sealbell_wire.retention import Retention
from sealbell_wire.sshsig import verify_key_of
from sealbell_wire.tombstone import Tombstone

BELL, OTHER = Doorbell(1, Owner(1)), Doorbell(2, Owner(2))
SIBLING = Doorbell(3, BELL.owner)  # of the same owner: not asked for either
CLIP, MARKED = BELL.clip(5), BELL.clip(4, number=2)
PARTS = [*CLIP, MARKED[0], BELL.dropped(MARKED[1]), BELL.dropped(MARKED[2]), MARKED[2]]
OTHERS_CLIPS, OTHERS_PARTS = 3, 47
MADE_S = 1_800_000_000.0
PROGRAM = "sealbell-relay 9.8.7"


def one_tenant(root: Path) -> Folder:
    folder = relay_folder.make(root)
    let_in(folder, BELL)
    keep(folder, PARTS)
    keep_health(folder, BELL, 7)
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """A relay of two owners, the first with two doorbells."""
    folder = one_tenant(tmp_path / "relay")
    for bell in (OTHER, SIBLING):
        let_in(folder, bell)
        keep_health(folder, bell, 90_000_000 + bell.seed)
        for number in range(1, OTHERS_CLIPS + 1):
            keep(folder, bell.clip(OTHERS_PARTS, number=number, size=4_321))
    return folder


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


def give(folder: Folder, out: Path, bell: Doorbell = BELL) -> Counts:
    return disclose(folder, bell.id, out, MADE_S, PROGRAM)


def everything(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def rows(out: Path) -> list[dict[str, str]]:
    with (out / "index.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def words(out: Path) -> str:
    return " ".join((out / "STATEMENT.txt").read_text(encoding="utf-8").split())


def test_all_that_is_kept_of_a_doorbell_is_given_as_it_is_stored(folder: Folder, out: Path) -> None:
    counts = give(folder, out)
    stored = {path_of(folder, part): f"parts/{part.record.clip}/{path_of(folder, part).name}" for part in PARTS}
    size = sum(path.stat().st_size for path in stored)
    assert counts == Counts(clips=2, parts=7, dropped=2, damaged=0, healths=1, size_bytes=size)
    given = everything(out)
    for path, name in stored.items():
        assert given.pop(name) == path.read_bytes()
    assert given.pop("doorbell.json") == BELL.card.encode()
    assert given.pop("owner.json") == BELL.owner.card.encode()
    health = folder.store / "health" / BELL.id
    for path in health.iterdir():
        assert given.pop(f"health/{path.name}") == path.read_bytes()
    assert sorted(given) == ["SHA256SUMS", "STATEMENT.txt", "index.csv", "knows.json"]


def test_the_index_tells_each_part_field_by_field_and_where_its_sealed_file_is(folder: Folder, out: Path) -> None:
    give(folder, out)
    told = rows(out)
    assert len(told) == len(PARTS)
    meanings = json.loads((out / "knows.json").read_text())["meanings"]
    by_file = {row["file"]: row for row in told}
    for part in PARTS:
        record = part.record
        row = by_file[f"parts/{record.clip}/{path_of(folder, part).name}"]
        assert row.keys() - {"file"} <= meanings.keys()
        assert row.keys() >= MEANINGS.keys() - {"number"}
        assert (row["doorbell"], row["clip"], int(row["seq"])) == (record.doorbell, record.clip, record.seq)
        assert (row["prev"], row["head"], row["body"]) == (record.prev, record.head, record.body)
        assert row["dropped"] == str(part.sealed is None)
        assert int(row["arrived_ms"]) == relay_folder.ARRIVED_MS + record.seq
        assert row["damaged"] == ""
        data = (out / row["file"]).read_bytes()
        if part.sealed is None:
            assert row["age_from"] == ""
            continue
        start = int(row["age_from"]) - 1
        assert data[start : start + int(row["size"])] == part.sealed
        assert parse_part(data[: start + int(row["size"])]).hash == part.hash
        [receipt] = read_receipts(data[start + int(row["size"]) :], verify_key_of(folder.key()))
        assert receipt.record == part.hash


def test_what_the_relay_knows_is_told_with_what_it_means_and_what_it_does_not_know(folder: Folder, out: Path) -> None:
    give(folder, out)
    told = json.loads((out / "knows.json").read_text())
    assert (told["doorbell"], told["owner"]) == (BELL.id, BELL.owner.card.key)
    assert told["health"]["number"] == 7
    assert told["receipt_key"] == verify_key_of(folder.key()).hex()
    assert told["seen_but_not_kept"] == list(SEEN)
    assert told["not_known"] == list(ABSENT)


def needles(bell: Doorbell) -> list[str]:
    """Everything by which another doorbell could be told: ids, keys, hashes, signatures, bytes of its parts."""
    found = [bell.id, bell.card.key]
    for number in range(1, OTHERS_CLIPS + 1):
        for part in bell.clip(OTHERS_PARTS, number=number, size=4_321):
            record = part.record
            found += [record.clip, part.hash, record.body, part.signature.hex()]
            assert part.sealed is not None
            found.append(part.sealed[-64:].hex())
    health = bell.health(90_000_000 + bell.seed)
    return [*found, health.signature.hex(), health.beat.body, str(health.beat.number), health.sealed[-64:].hex()]


def test_nothing_of_another_tenant_is_given(folder: Folder, out: Path) -> None:
    give(folder, out)
    whole = b"\n".join((*everything(out).values(), *(str(path).encode() for path in out.rglob("*"))))
    haystack = whole + whole.hex().encode()  # so that what is looked for as hex digits is found as bytes, too
    owner = OTHER.owner
    secrets = [
        owner.card.key,
        owner.card.token_hash,
        owner.token.hex(),
        BELL.owner.token.hex(),
        relay_folder.SEED.hex(),
    ]
    assert [needle for needle in (*needles(OTHER), *needles(SIBLING), *secrets) if needle.encode() in haystack] == []
    for needle in (BELL.id, BELL.owner.card.token_hash, CLIP[0].hash, CLIP[0].signature.hex(), CLIP[0].record.body):
        assert needle.encode() in haystack, "what is looked for in this way is found where it is"
    for count in (OTHERS_PARTS, OTHERS_PARTS * OTHERS_CLIPS, 2 * OTHERS_PARTS * OTHERS_CLIPS):
        assert f" {count} " not in words(out)


def test_what_is_given_does_not_depend_on_who_else_is_here(folder: Folder, out: Path, tmp_path: Path) -> None:
    give(folder, out)
    give(one_tenant(tmp_path / "alone"), tmp_path / "out alone")
    assert everything(out) == everything(tmp_path / "out alone")


def test_another_doorbells_part_that_was_put_among_these_is_not_given(folder: Folder, out: Path) -> None:
    stranger = OTHER.clip(3)[2]
    path = path_of(folder, CLIP[0]).with_name("000009.part")
    path.write_bytes(path_of(folder, stranger).read_bytes())
    assert give(folder, out).parts == 7
    assert not list(out.rglob("000009.part"))


def test_links_and_files_that_are_no_parts_are_not_given(folder: Folder, out: Path) -> None:
    near = path_of(folder, CLIP[0])
    near.with_name("000001.part~").write_bytes(b"x")
    (folder.store / "health" / BELL.id / "note").write_bytes(b"x")
    give(folder, out)
    assert not [name for name in everything(out) if name.endswith(("~", "note"))]


def test_a_doorbells_credential_is_not_given_and_the_statement_says_so(folder: Folder, out: Path) -> None:
    kept = (folder.store / "credentials" / BELL.id).read_bytes().decode()
    give(folder, out)
    given = b"".join(everything(out).values()).decode("latin-1")
    assert not [word for word in kept.split('"') if len(word) > 20 and word in given]
    assert "Two hashes (bcrypt and PBKDF2) of a random number by which the doorbell signs in" in words(out)


def test_phones_and_who_ended_what_are_given(folder: Folder, out: Path, tmp_path: Path) -> None:
    give(folder, out)
    told = json.loads((out / "knows.json").read_text())
    assert told["phones"] == [{"token_hash": relay_folder.phone_of(BELL), "added": relay_folder.ADDED}]
    assert told["ended"] == {"doorbell": None, "owner": None}
    store = DirectoryStore(folder.store)
    Endings(store).end("doorbell", BELL.id, operators_word("2026-11-24 15:00:00 UTC", delete=False))
    Endings(store).end("owner", BELL.owner.card.key, b"SBT1")
    give(folder, tmp_path / "again")
    ended = json.loads((tmp_path / "again" / "knows.json").read_text())["ended"]
    assert ended == {"doorbell": "revoked by the operator of the relay, 2026-11-24 15:00:00 UTC", "owner": "U0JUMQ=="}


def test_of_what_the_owner_deleted_nothing_is_left_to_give_but_the_owners_word(folder: Folder, out: Path) -> None:
    store, owner, clip = DirectoryStore(folder.store), BELL.owner, CLIP[0].record.clip
    archive, register = Archive(store, lambda _: None), Register(store)
    stone, document = Tombstone(owner.card.key, "clip", BELL.id, clip, 1), Retention(owner.card.key, BELL.id, 1, 7)
    frame, signed = stone.sign(owner.key), document.sign(owner.key)
    Deletion(store, archive, register, folder.key(), lambda: 1, None).obey(stone, frame)
    Retentions(store).keep(document, signed)
    assert give(folder, out).clips == 1
    given = everything(out)
    assert [name for name in given if clip in name] == [f"deleted/{clip}"]
    assert (given[f"deleted/{clip}"], given[f"retention/{1:016d}"]) == (frame, signed)
    assert not [data for name, data in given.items() if CLIP[1].hash.encode() in data]
    told = json.loads(given["knows.json"])
    assert (told["retention"], told["deleted_clips"]) == ({"days": 7, "number": 1}, [clip])


def test_every_file_has_its_sum_and_stock_sha256sum_agrees(folder: Folder, out: Path) -> None:
    give(folder, out)
    lines = (out / "SHA256SUMS").read_text().splitlines()
    sums = {line[66:]: line[:64] for line in lines}
    given = everything(out)
    del given["SHA256SUMS"]
    assert sums == {name: hashlib.sha256(data).hexdigest() for name, data in given.items()}
    if tool := shutil.which("sha256sum"):
        assert subprocess.run([tool, "-c", "--quiet", "SHA256SUMS"], cwd=out, check=False).returncode == 0


def test_what_is_given_is_for_its_owner_alone_to_read(folder: Folder, out: Path) -> None:
    give(folder, out)
    assert {stat.S_IMODE(path.stat().st_mode) for path in (out, *out.rglob("*"))} == {0o700, 0o600}


@pytest.mark.parametrize("there", ["a file", "a folder with a file", "a hidden file"])
def test_nothing_is_ever_written_over(folder: Folder, out: Path, there: str) -> None:
    if there == "a file":
        out.write_bytes(b"mine")
    else:
        out.mkdir()
        (out / (".mine" if "hidden" in there else "STATEMENT.txt")).write_bytes(b"mine")
    before = [path.read_bytes() for path in (out, *out.rglob("*")) if path.is_file()]
    with pytest.raises(RelayError, match="holds something already"):
        give(folder, out)
    assert [path.read_bytes() for path in (out, *out.rglob("*")) if path.is_file()] == before == [b"mine"]


def test_an_empty_folder_is_filled(folder: Folder, out: Path) -> None:
    out.mkdir()
    give(folder, out)
    assert (out / "SHA256SUMS").is_file()
    with pytest.raises(RelayError, match="holds something already"):
        give(folder, out)


def test_the_relays_own_folder_is_never_written_to(folder: Folder, tmp_path: Path) -> None:
    before = everything(folder.root)
    (tmp_path / "way-in").symlink_to(folder.store)
    for inside in (folder.root / "out", folder.store / "a", tmp_path / "way-in" / "out"):
        with pytest.raises(RelayError, match="own folder"):
            give(folder, inside)
    assert everything(folder.root) == before


def test_a_doorbell_that_is_not_here_is_said_and_nothing_made(folder: Folder, out: Path) -> None:
    with pytest.raises(RelayError, match="keeps nothing of a doorbell") as refused:
        give(folder, out, Doorbell(77))
    assert "knows" in (refused.value.hint or "")
    assert not out.exists()


def test_what_is_damaged_is_given_as_it_is_and_said(folder: Folder, out: Path) -> None:
    hurt, huge = path_of(folder, CLIP[1]), path_of(folder, CLIP[2])
    hurt.write_bytes(hurt.read_bytes()[:50])
    huge.write_bytes(bytes(3_000_000))
    path_of(folder, CLIP[3]).write_bytes(b"")
    assert give(folder, out).damaged == 3
    assert "Damaged parts: 3" in words(out)
    assert (out / "parts" / BELL.clip_id() / huge.name).read_bytes() == bytes(3_000_000)
    assert (out / "parts" / BELL.clip_id() / hurt.name).read_bytes() == hurt.read_bytes()
    assert [row["seq"] for row in rows(out) if row["damaged"]] == ["1", "2", "3"]


def test_what_has_no_sound_card_any_more_is_given_all_the_same(folder: Folder, out: Path, tmp_path: Path) -> None:
    card = folder.store / "doorbells" / f"{BELL.id}.json"
    card.write_bytes(b"{")
    assert give(folder, out).parts == 7
    assert (out / "doorbell.json").read_bytes() == b"{"
    card.unlink()
    assert give(folder, tmp_path / "again").parts == 7
    assert not (tmp_path / "again" / "doorbell.json").exists()
    assert "keeps no card of the doorbell's owner" in words(out)


def test_a_store_that_fails_leaves_no_sums_so_that_nobody_takes_it_for_whole(folder: Folder, out: Path) -> None:
    path_of(folder, CLIP[0]).with_name("loop").symlink_to("loop")
    with pytest.raises(RelayError, match="the store cannot"):
        give(folder, out)
    assert not (out / "SHA256SUMS").exists()


def test_the_statement_says_what_it_is_and_what_cannot_be_given_and_why(folder: Folder, out: Path) -> None:
    give(folder, out)
    said = words(out)
    for text in (
        f"STATEMENT ON DOORBELL {BELL.id}", "clips: 2, parts: 7, dropped parts: 2", "2027-01-15 08:00:00 UTC", PROGRAM,
        "No such key is here or was ever sent here", "has nothing in it that opens a sealed file",
        "Whoever holds one of the owner's keys can", "no identity matched any of the recipients", *ABSENT, *SEEN,
    ):  # fmt: skip
        assert text in said, text
    assert all(len(line) <= 100 for line in (out / "STATEMENT.txt").read_text().splitlines())
    assert BOOT not in said


@pytest.mark.needs_age
def test_the_check_that_the_statement_describes_ends_as_it_says(tmp_path: Path, out: Path) -> None:
    if not (shutil.which("age") and shutil.which("age-keygen")):
        if "SEALBELL_SKIP_INTEROP" in os.environ:
            pytest.skip("age is not installed")
        pytest.fail("age is not installed\nhint: apt-get install age, or set SEALBELL_SKIP_INTEROP=1")
    folder = relay_folder.make(tmp_path / "relay")
    let_in(folder, BELL)
    decoy = Decoy(os.urandom)
    sealed = seal(b"picture", [HybridIdentity(os.urandom(32)).recipient, decoy, decoy, decoy]).file
    keep(folder, [BELL.part(BELL.clip_id(), 0, "notice", ZERO_HASH, sealed)])
    give(folder, out)
    commands = [line.strip() for line in (out / "STATEMENT.txt").read_text().splitlines() if line.startswith("  ")]
    told = [line for line in commands if line.startswith(("tail ", "age"))]
    assert len(told) == 3
    done = subprocess.run(["sh", "-c", "\n".join(told)], cwd=out, capture_output=True, text=True, check=False)
    assert (out / "part.age").read_bytes() == sealed
    assert done.returncode != 0
    assert "no identity matched any of the recipients" in done.stderr


def test_no_key_of_the_relays_is_given(folder: Folder, out: Path) -> None:
    authority = TlsFolder(folder).make_authority(("relay.street.example",), new_key(), MADE_S)
    give(folder, out)
    given = b"".join(path.read_bytes() for path in out.rglob("*") if path.is_file())
    secret = authority.key.private_numbers().private_value.to_bytes(32)
    for key in (secret, folder.key().private_bytes_raw(), encode_key(authority.key).splitlines()[1]):
        assert key not in given
        assert key.hex().encode() not in given
