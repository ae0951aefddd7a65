"""SPEC.md says what the code does: limits, worked bytes, namespaces, and the sections that docstrings name."""

import re
from importlib import import_module
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from sealbell_wire import (
    boxes,
    errors,
    health,
    ids,
    limits,
    readers,
    receipt,
    record,
    resumption,
    retention,
    sshsig,
    tombstone,
)
from sealbell_wire.age import errors as age_errors
from sealbell_wire.padding import padme
from unit.wire.operations import CASES

ROOT = Path(__file__).parents[3]
SPEC = (ROOT / "wire" / "SPEC.md").read_text()
WITH_LIMITS = ("limits", "topics", "boxes", "content", "enrolment", "pack")
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
RELAY_KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32, 64)))
OWNER_KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(64, 96)))


def section(number: int | str) -> str:
    """The text from one heading to the next of its rank or above."""
    heading = re.search(rf"^(#+) {re.escape(str(number))}\.? .*$", SPEC, re.MULTILINE)
    assert heading, number
    end = re.compile(rf"^#{{1,{len(heading[1])}}} ", re.MULTILINE).search(SPEC, heading.end())
    return SPEC[heading.end() : end.start() if end else len(SPEC)]


def fenced(name: str) -> str:
    found = re.search(rf"^```{name}\n(.*?)^```$", SPEC, re.MULTILINE | re.DOTALL)
    assert found, name
    return found[1]


def cells(text: str) -> dict[str, str]:
    return dict(re.findall(r"^\| `?([^|`]+?)`? \| `?([^|`]+?)`? \|", text, re.MULTILINE))


def number(text: str) -> int:
    return int(text.replace(",", ""))


def test_the_table_of_limits_is_the_codes() -> None:
    written = {name: number(value) for name, value in cells(section(13)).items() if name.isupper()}
    modules = [import_module(f"sealbell_wire.{name}") for name in WITH_LIMITS]
    in_code = {
        name: value
        for module in modules
        for name, value in vars(module).items()
        if name.startswith("MAX_") or (module is limits and name.isupper())
    }
    assert written == in_code


def test_no_limit_hides_in_another_module() -> None:
    package = ROOT / "wire" / "sealbell_wire"
    holding = {path.stem for path in package.glob("*.py") if re.search(r"^MAX_\w+ =", path.read_text(), re.MULTILINE)}
    assert holding == set(WITH_LIMITS)


def test_the_worked_record_is_right() -> None:
    text = fenced("record").encode()
    key = sshsig.verify_key_of(KEY)
    parsed = record.parse_record(text)
    worked = cells(section("4.4"))
    assert parsed.doorbell == ids.doorbell_id(key)
    assert len(text) == 435
    assert all(word in section("4.4") for word in (key.hex(), parsed.doorbell, f"`{ids.shard(parsed.doorbell)}`"))
    assert worked["hash (SHA-256)"] == record.record_hash(text)
    assert sshsig.signed_bytes(sshsig.PART, text).hex() in section("4.4")
    signature = bytes.fromhex(worked["signature"])
    assert signature == sshsig.sign(KEY, sshsig.PART, text)
    assert fenced("armor") == f"{sshsig.public_line(key)}\n{sshsig.armor(key, sshsig.PART, signature)}"


def test_the_worked_receipt_is_right() -> None:
    text = fenced("receipt").encode()
    assert receipt.parse_receipt(text).record == record.record_hash(fenced("record").encode())
    frame = receipt.parse_receipt(text).sign(RELAY_KEY)
    assert frame[6:-64] == text
    assert all(word in section("7.4") for word in (frame[:6].hex(), frame[-64:].hex(), f"{len(text)} bytes"))
    assert sshsig.verify_key_of(RELAY_KEY).hex() in section("7.4")


def test_the_worked_tombstone_is_right() -> None:
    text = fenced("tombstone").encode()
    parsed = tombstone.parse_tombstone(text)
    frame = parsed.sign(OWNER_KEY)
    assert (parsed.owner, frame[6:-64]) == (sshsig.verify_key_of(OWNER_KEY).hex(), text)
    assert parsed.name == record.parse_record(fenced("record").encode()).clip
    worked = (parsed.hash, frame[:6].hex(), frame[-64:].hex(), f"{len(text)} bytes")
    assert all(word in section("16.5") for word in worked)


def test_the_worked_lengths_are_padme() -> None:
    table = cells(section("9.1"))
    rows = {number(length): number(padded) for length, padded in table.items() if length[0].isdigit()}
    assert len(rows) > 10
    assert rows == {length: padme(length) for length in rows}


@pytest.mark.parametrize("purpose", ["signing", "recipient", "token"])
def test_the_worked_owners_keys_are_right(purpose: str) -> None:
    worked = section("11.2").split("Worked", 1)[1]
    seed = HKDF(SHA256(), 32, salt=None, info=f"sealbell v1 generation 0 {purpose}".encode()).derive(bytes(32))
    assert cells(worked)[purpose] == seed.hex()


def test_the_refused_keys_are_all_listed() -> None:
    listed = set(re.findall(r"^ +([0-9a-f]{64})$", section("4.3"), re.MULTILINE))
    refused = {case["input"]["key"] for name, case in CASES.items() if "small-order key" in name}
    assert listed == {key for key in refused if bytes.fromhex(key)[31] < 0x80}


def test_every_namespace_and_magic_is_listed() -> None:
    namespaces = {value for value in vars(sshsig).values() if isinstance(value, str) and value.endswith("@sealbell")}
    table = section("4.2").split("Reserved")[0]
    assert set(re.findall(r"^\| `(\w+@sealbell)`", table, re.MULTILINE)) == namespaces
    for magic in (module.MAGIC for module in (receipt, readers, tombstone, retention, resumption)):
        assert f"| `{magic.decode()}` |" in section("7.1")
    assert f'"{health.MAGIC.decode()}"' in section("15.1")
    assert boxes.BINDING_TYPE.hex() in section("9.2")


def test_every_class_of_error_is_listed() -> None:
    raised = {case["expect"] for case in CASES.values()} - {"ok"}
    known = {name for module in (errors, age_errors) for name in vars(module)}
    listed = set(re.findall(r"^\| `(\w+)` \|", section(14), re.MULTILINE))
    assert raised <= listed <= known


def test_every_section_that_code_and_tests_name_is_there() -> None:
    folders = [ROOT / name for name in ("wire", "firmware", "relay", "owner", "tests")]
    named: set[str] = set()
    for path in (path for folder in folders for path in folder.rglob("*.py") if "node_modules" not in path.parts):
        for mention in re.findall(r"SPEC ((?:\d+(?:\.\d+)?(?:, | to | and )?)+)", path.read_text()):
            named |= set(re.findall(r"\d+(?:\.\d+)?", mention))
    headings = set(re.findall(r"^#+ (\d+(?:\.\d+)?)", SPEC, re.MULTILINE))
    assert len(named) > 10
    assert named <= headings


def test_sections_that_the_page_itself_names_are_there() -> None:
    headings = set(re.findall(r"^#+ (\d+(?:\.\d+)?)", SPEC, re.MULTILINE))
    assert set(re.findall(r"\((\d{1,2}\.\d)", SPEC)) <= headings
